/** Whoever sends again with the same idempotency key until there is an answer has sent one message, whatever died meanwhile. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { QueueLedger } from '../../src/queue/queue-ledger.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { RunningPosthorn } from './running-posthorn.js';

const MESSAGES = 600;
const CLIENTS = 8;
const DEATHS_AT = [0.3, 0.6];
const WITHIN_MS = 60_000;
const PAUSE_MS = 50;

let sink: ScriptedMx;
let posthorn: RunningPosthorn;

beforeEach(async () => {
  sink = await startMx();
  posthorn = await RunningPosthorn.start({
    POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none`,
    POSTHORN_LOG_LEVEL: 'warn',
  });
});
afterEach(async () => {
  await posthorn.dispose();
  await sink.close();
});

function submit(index: number): Promise<{ status: number; json: Record<string, unknown> }> {
  const body = { from: 'a@example.org', to: `c${index}@example.net`, subject: String(index), text: 'Once.' };
  return posthorn.api('POST', '/v1/messages', body, { 'Idempotency-Key': `message ${index}` });
}

it('of 600 messages under two deaths of the doors each is kept once', async () => {
  const deadline = Date.now() + WITHIN_MS;
  const ids: string[] = [];
  let begun = 0;
  let again = 0;
  const work = async (): Promise<void> => {
    while (begun < MESSAGES) {
      const index = begun++;
      while (Date.now() < deadline) {
        const answer = await submit(index).catch(() => undefined);
        if (answer?.status === 202) {
          ids[index] = String(answer.json.id);
          break;
        }
        again++;
        await sleep(PAUSE_MS);
      }
    }
  };
  const die = async (): Promise<void> => {
    for (const share of DEATHS_AT) {
      while (ids.filter(Boolean).length < MESSAGES * share && Date.now() < deadline) await sleep(1);
      const [pid] = await posthorn.children('doors');
      if (pid === undefined) throw new Error('no doors are running');
      process.kill(pid, 'SIGKILL');
    }
  };
  await Promise.all([die(), ...Array.from({ length: CLIENTS }, work)]);
  expect(again).toBeGreaterThan(0);
  expect(new Set(ids).size).toBe(MESSAGES);

  await sink.waitFor(MESSAGES);
  expect(sink.received).toHaveLength(MESSAGES);
  const redis = connectRedis(`unix://${join(posthorn.dataDir, 'redis/redis.sock')}`, 'answering');
  await untilReady(redis, WITHIN_MS);
  const lines = await new QueueLedger(redis).lines();
  await disconnectRedis(redis);
  expect(lines.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(MESSAGES);
  for (const index of [0, 300, 599]) expect((await submit(index)).json.id).toBe(ids[index]);
});
