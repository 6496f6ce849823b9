/** What of the spool's contract is Redis's own to keep or to break: torn writes, and the memory of what waits. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { QueueLedger } from '../../src/queue/queue-ledger.js';
import { messageTo, RedisSpoolBench } from './redis-spool-bench.js';

let bench: RedisSpoolBench;

beforeEach(async () => {
  bench = await RedisSpoolBench.start();
});
afterEach(() => bench.dispose());

describe('a power cut in the middle of an acceptance', () => {
  it('drops the message, its body and its jobs together, wherever it tears, and nothing else', async () => {
    const [whole, torn] = [messageTo(['a@one.example']), messageTo(['b@one.example', 'c@two.example'])];
    const spool = await bench.spool();
    await spool.accept(whole, Buffer.from('whole'));
    const sizeBefore = statSync(bench.appendOnlyFile).size;
    await spool.accept(torn, Buffer.from('torn'));
    await bench.stopServer();
    const written = readFileSync(bench.appendOnlyFile);
    const length = written.length - sizeBefore;

    // The EXEC is torn, it is missing, a job is torn, the body is, the MULTI is; and the control: nothing is.
    for (const lostBytes of [1, 15, Math.round(length / 4), Math.round(length / 2), length - 5, 0]) {
      writeFileSync(bench.appendOnlyFile, written.subarray(0, written.length - lostBytes));
      await bench.startServer();
      const survivor = await bench.connect();
      expect(await keysOf(survivor, whole.id)).toEqual(['b', 'default', 'm']);
      const there = lostBytes === 0;
      expect(await keysOf(survivor, torn.id)).toEqual(there ? ['b', 'default', 'default', 'm'] : []);
      expect(await survivor.zrange('{ph:0}:open:default', '0', '-1')).toHaveLength(there ? 2 : 1);
      expect(await survivor.llen('{ph:0}:default:wait')).toBe(there ? 3 : 1);
      expect((await new QueueLedger(survivor).lines())[1]).toMatchObject({ accepted: there ? 3 : 1 });
      await bench.stopServer();
    }
  });
});

describe('a waiting message of 4 KiB', () => {
  it('costs less than 3 KiB of Redis beside its body', async () => {
    const messages = 2_000;
    const bodyBytes = 4_096;
    const spool = await bench.spool();
    const redis = await bench.connect();
    await spool.accept(messageTo(['first@warm.example']), randomBytes(bodyBytes));
    const before = await usedMemoryBytes(redis);
    for (let i = 0; i < messages; i++) {
      const message = messageTo([`customer-${i}@mailbox.example`], { subject: `Your order ${i} is on its way` });
      await spool.accept(message, randomBytes(bodyBytes));
    }
    const bytes = ((await usedMemoryBytes(redis)) - before) / messages - bodyBytes;
    console.log(`Redis memory of a waiting message beside its body of ${bodyBytes}: ${Math.round(bytes)} bytes`);
    expect(bytes).toBeLessThan(3 * 1_024);
  });
});

/** What there is of a message, by the kind of its keys. */
async function keysOf(redis: Redis, id: string): Promise<string[]> {
  const keys = await redis.keys(`*${id}*`);
  return keys.map((key) => key.split(':')[2] ?? '').sort();
}

async function usedMemoryBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}
