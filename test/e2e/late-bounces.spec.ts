/**
 * Bounces that come days later, here seconds: real mail servers take a message of the built service and send it back to the
 * intake. What is forged, or says nothing of the recipient, changes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { openReturnPathSigner } from '../../src/bounces/return-path/return-path-key.js';
import { RETURN_PATH_LIFE_MS } from '../../src/bounces/return-path/return-path.js';
import { newMessageId } from '../../src/mail/message-id.js';
import type { Redis } from 'ioredis';
import { reportKeys, SHARD, shardKeys } from '../../src/store/keyspace.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { arf, autoReply, dsn } from '../bounces/mails.js';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { mayRunExim, mayRunPostfix, startExim, startPostfix, type LateBouncer } from './late-bouncers.js';
import { RawSmtp } from './raw-smtp.js';
import { freePort, RunningPosthorn } from './running-posthorn.js';

const WITHIN_MS = 60_000;
const POLL_MS = 100;

interface ShownRecipient {
  readonly address: string;
  readonly state: string;
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

const hasPostfix = mayRunPostfix();
const hasExim = await mayRunExim();
const bouncers: LateBouncer[] = [];
let posthorn: RunningPosthorn;
let intakePort: number;
let mx: ScriptedMx;
let refusing: ScriptedMx;

beforeAll(async () => {
  intakePort = await freePort();
  mx = await startMx();
  refusing = await startMx({ script: { rcpt: '550 5.1.1 User unknown' } });
  const routes = [`taken.example=smtp://127.0.0.1:${mx.port}?tls=none`];
  if (hasPostfix) bouncers.push(await startPostfix('postfix.example', refusing.port, intakePort));
  if (hasPostfix) routes.push(`postfix.example=smtp://127.0.0.1:${bouncers.at(-1)?.port ?? 0}?tls=none`);
  if (hasExim) bouncers.push(await startExim('exim.example', intakePort));
  if (hasExim) routes.push(`exim.example=smtp://127.0.0.1:${bouncers.at(-1)?.port ?? 0}?tls=none`);
  posthorn = await RunningPosthorn.start({
    POSTHORN_BOUNCE_PORT: String(intakePort),
    POSTHORN_ROUTES: [...routes, '*=mx'].join(','),
  });
});
afterAll(async () => {
  await posthorn.dispose();
  await mx.close();
  await refusing.close();
  for (const bouncer of bouncers) await bouncer.stop();
});

/** Sends by the HTTP API; the message's id. */
async function send(...to: readonly string[]): Promise<string> {
  const { status, json } = await posthorn.api('POST', '/v1/messages', {
    from: 'shop@example.org',
    to,
    subject: 'your order',
    text: 'It is on its way.',
  });
  expect(status).toBe(202);
  return String(json.id);
}

async function recipientsOf(id: string): Promise<readonly ShownRecipient[]> {
  return (await posthorn.api('GET', `/v1/messages/${id}`)).json.recipients as readonly ShownRecipient[];
}

/** The recipients as soon as `condition` is met. */
async function until(
  id: string,
  condition: (recipients: readonly ShownRecipient[]) => boolean,
): Promise<readonly ShownRecipient[]> {
  const deadline = Date.now() + WITHIN_MS;
  for (;;) {
    const recipients = await recipientsOf(id);
    if (condition(recipients)) return recipients;
    if (Date.now() > deadline) {
      const logs = bouncers.map((bouncer) => bouncer.log()).join('\n');
      throw new Error(
        `it did not come to that: ${JSON.stringify(recipients)}\n${logs}\n${posthorn.output.slice(-3_000)}`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** Resolves when the metric of what came back has counted so many. */
async function untilCounted(labels: string, count: number): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while ((await posthorn.metric('posthorn_returned_mail_total', labels)) < count) {
    if (Date.now() > deadline) throw new Error(`${labels} was not counted:\n${await posthorn.metrics()}`);
    await sleep(POLL_MS);
  }
}

/** A message that its server has taken, and the return path that it left with. */
async function taken(...to: readonly string[]): Promise<{ id: string; returnPath: string }> {
  const before = mx.received.length;
  const id = await send(...to);
  const messages = await mx.waitFor(before + 1);
  await until(id, (recipients) => recipients.every(({ state }) => state === 'delivered'));
  return { id, returnPath: messages[before]?.from ?? '' };
}

async function bringBack(to: string, mail: string): Promise<string> {
  const client = await RawSmtp.session(intakePort);
  try {
    return (await client.send('', [to], Buffer.from(mail))).text;
  } finally {
    client.close();
  }
}

async function withRedis<T>(ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = connectRedis(`unix://${join(posthorn.dataDir, 'redis/redis.sock')}`, 'answering');
  try {
    await untilReady(redis, 60_000);
    return await ask(redis);
  } finally {
    await disconnectRedis(redis);
  }
}

const outcomesWaiting = (): Promise<number> => withRedis((redis) => redis.xlen(shardKeys(SHARD).outcomes));
const reportCount = (): Promise<number> => withRedis((redis) => redis.zcard(reportKeys('default').listed));

/** That of these nobody is suppressed, once all is followed up, and no report has come to the `reports` there were. */
async function expectNothingFollowed(addresses: readonly string[], reports: number): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while ((await outcomesWaiting()) > 0 && Date.now() < deadline) await sleep(POLL_MS);
  expect(await outcomesWaiting()).toBe(0);
  for (const address of addresses) expect(await suppressed(address)).toEqual([]);
  expect(await reportCount()).toBe(reports);
}

const typesOf = ([recipient]: readonly ShownRecipient[]): unknown[] => recipient?.events.map(({ type }) => type) ?? [];
const suppressed = async (address: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const { json } = await posthorn.api('GET', '/v1/suppressions');
  const items = Object.values(json).find((value) => Array.isArray(value)) as Readonly<Record<string, unknown>>[];
  return items.filter((item) => item.address === address);
};

describe.each([
  ['Postfix', 'postfix.example', hasPostfix ? '' : 'it needs root and an installed Postfix'],
  ['Exim', 'exim.example', hasExim ? '' : 'it needs root, apt-get, dpkg, unshare, and the package from a mirror'],
])('%s', (_name, domain, missing) => {
  const itHere = missing === '' ? it : it.skip;
  const why = missing === '' ? '' : ` (not run: ${missing})`;

  itHere(
    `takes a message and bounces it later: delivered becomes bounced, and the address is suppressed${why}`,
    async () => {
      const address = `nobody@${domain}`;
      const id = await send(address);
      const recipients = await until(id, ([recipient]) => recipient?.state === 'bounced');
      expect(typesOf(recipients)).toEqual(['accepted', 'delivered', 'bounced']);
      expect(recipients[0]?.events.at(-1)).toMatchObject({
        source: 'dsn',
        classification: { category: 'unknown_recipient', type: 'hard', fault: 'recipient' },
      });
      const deadline = Date.now() + WITHIN_MS;
      while ((await suppressed(address)).length === 0 && Date.now() < deadline) await sleep(POLL_MS);
      expect(await suppressed(address)).toMatchObject([{ address, reason: 'unknown_recipient', messageId: id }]);
      expect(await posthorn.metric('posthorn_bounces_total', 'source="dsn"')).toBeGreaterThan(0);
    },
  );
});

describe('what comes to the intake', () => {
  it('with a forged return path is refused, and changes nothing', async () => {
    const { id, returnPath } = await taken('ann@taken.example');
    const forged = returnPath.replace(/.@/, (end) => (end.startsWith('a') ? 'b@' : 'a@'));
    expect(await bringBack(forged, dsn({ recipients: [{ address: 'ann@taken.example' }] }))).toMatch(/^550 5\.7\.1 /);
    expect(typesOf(await recipientsOf(id))).toEqual(['accepted', 'delivered']);
  });

  it('with a return path of long ago is refused', async () => {
    const messageId = newMessageId(Date.now() - RETURN_PATH_LIFE_MS - 60_000, 0);
    const signer = await withRedis(openReturnPathSigner);
    const localPart = signer.localPart({ messageId, transaction: 0 });
    const reply = await bringBack(`${localPart}@bounces.relay.example`, dsn({}));
    expect(reply).toMatch(/^550 5\.7\.1 .* too old /);
    expect(await posthorn.metric('posthorn_intake_refused_total', 'reason="expired"')).toBe(1);
  });

  it('as an answer by itself is counted, and changes nothing', async () => {
    const { id, returnPath } = await taken('ann@taken.example');
    const reports = await reportCount();
    expect(await bringBack(returnPath, autoReply())).toMatch(/^250 /);
    await untilCounted('kind="auto_reply"', 1);
    expect(typesOf(await recipientsOf(id))).toEqual(['accepted', 'delivered']);
    await expectNothingFollowed(['ann@taken.example', 'ann@one.example'], reports);
  });

  it('as a complaint is told, and the address is suppressed', async () => {
    const { id, returnPath } = await taken('complainer@taken.example');
    expect(await bringBack(returnPath, arf({ recipient: 'complainer@taken.example' }))).toMatch(/^250 /);
    const [recipient] = await until(id, (recipients) => typesOf(recipients).includes('complained'));
    expect(recipient?.state).toBe('delivered');
    const deadline = Date.now() + WITHIN_MS;
    while ((await suppressed('complainer@taken.example')).length === 0 && Date.now() < deadline) await sleep(POLL_MS);
    expect(await suppressed('complainer@taken.example')).toMatchObject([{ reason: 'complaint' }]);
  });

  it('as a bounce of a bounce ends there: nothing is sent, and what it names is not touched', async () => {
    const { id, returnPath } = await taken('ann@taken.example', 'bob@taken.example');
    const [before, reports] = [mx.received.length, await reportCount()];
    const mail = dsn({ recipients: [{ address: 'mailer-daemon@mx.one.example' }] });
    expect(await bringBack(returnPath, mail)).toMatch(/^250 /);
    await untilCounted('kind="bounce",outcome="dropped"', 1);
    expect((await recipientsOf(id)).map(({ state }) => state)).toEqual(['delivered', 'delivered']);
    expect(mx.received).toHaveLength(before);
    await expectNothingFollowed(['ann@taken.example', 'bob@taken.example', 'mailer-daemon@mx.one.example'], reports);
  });
});
