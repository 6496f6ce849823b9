/** Options of a message, limits and idempotency keys: the same verdict at every door. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Accounts } from '../../src/accounts/accounts.js';
import type { AccountChange } from '../../src/accounts/account.js';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { SystemClock } from '../../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';

const SENDER = 'app@example.org';
const RECIPIENT = 'somebody@example.net';
/** An account's record is at most a second old in the doors. */
const READ_AGAIN_WITHIN_MS = 60_000;
const POLL_MS = 50;

let sink: ScriptedMx;
let posthorn: RunningPosthorn;
let ca: string;
const open: RawSmtp[] = [];

/** What a door said: the message's id, or the text of the refusal. */
type Verdict = { readonly id: string } | { readonly refused: string };

beforeAll(async () => {
  sink = await startMx();
  posthorn = await RunningPosthorn.start({
    POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none`,
    POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
  });
  ca = await readFile(posthorn.caFile, 'utf8');
});
afterEach(() => {
  for (const client of open.splice(0)) client.close();
});
afterAll(async () => {
  await posthorn.dispose();
  await sink.close();
});

async function session(door: 'submission' | 'trusted'): Promise<RawSmtp> {
  const { ports } = posthorn;
  const client =
    door === 'trusted'
      ? await RawSmtp.session(ports.trusted)
      : await RawSmtp.session(ports.submissions, ca, (await posthorn.credentials()).smtp);
  open.push(client);
  return client;
}

function messageWith(lines: string): Buffer {
  return Buffer.from(`From: ${SENDER}\r\n${lines}${lines === '' ? '' : '\r\n'}Subject: hello\r\n\r\nHello.\r\n`);
}

async function overSmtp(door: 'submission' | 'trusted', lines: string): Promise<Verdict> {
  const { code, text } = await (await session(door)).send(SENDER, [RECIPIENT], messageWith(lines));
  const id = /queued as (\S+)$/.exec(text)?.[1];
  if (code === 250 && id !== undefined) return { id };
  return { refused: text.replace(/^\d{3} \d\.\d\.\d /, '') };
}

async function overHttp(body: object, headers: Record<string, string> = {}): Promise<Verdict & { status: number }> {
  const { status, json } = await posthorn.api('POST', '/v1/messages', body, headers);
  return { status, ...(status === 202 ? { id: String(json.id) } : { refused: String(json.detail) }) };
}

function raw(lines: string): object {
  return { raw: messageWith(lines).toString('base64'), envelope: { from: SENDER, to: [RECIPIENT] } };
}

/** What of a kept message its options decide. */
async function kept(verdict: Verdict): Promise<unknown> {
  if (!('id' in verdict)) return verdict;
  const { json } = await posthorn.api('GET', `/v1/messages/${verdict.id}`);
  const { stream, tags, metadata, sendAt, acceptedAt, expiresAt } = json as Record<string, string>;
  const lifeS = Math.round((Date.parse(expiresAt ?? '') - Date.parse(sendAt ?? acceptedAt ?? '')) / 1000);
  return { stream, tags, metadata, sendAt, lifeS };
}

async function changeAccount(change: AccountChange): Promise<void> {
  const redis = connectRedis(`unix://${join(posthorn.dataDir, 'redis/redis.sock')}`, 'answering');
  await untilReady(redis, READ_AGAIN_WITHIN_MS);
  await new Accounts(redis, new SystemClock()).change('default', change);
  await disconnectRedis(redis);
}

const tomorrow = new Date(Date.now() + 86_400_000).toISOString();

describe('the options of a message', () => {
  it.each([
    ['', {}],
    ['X-Posthorn-Stream: critical', { stream: 'critical' }],
    ['X-Posthorn-Tag: a\r\nx-posthorn-tag: =?utf-8?Q?=C3=A4?=', { tags: ['a', 'ä'] }],
    ['X-Posthorn-Metadata-Order: 7', { metadata: { order: '7' } }],
    ['X-Posthorn-Expires-In: 3600', { expiresIn: 3600 }],
    [`X-Posthorn-Send-At: ${tomorrow}`, { sendAt: tomorrow }],
  ])('mean the same as header fields and in a body: %j', async (lines, options) => {
    const verdicts = [
      await overSmtp('submission', lines),
      await overSmtp('trusted', lines),
      await overHttp(raw(lines)),
      await overHttp({ ...raw(''), ...options }),
      await overHttp({ ...raw(lines), ...options }),
    ];
    const [first, ...others] = await Promise.all(verdicts.map(kept));
    expect(first).toMatchObject({ lifeS: 'expiresIn' in options ? 3600 : 172_800 });
    for (const other of others) expect(other).toEqual(first);
  });

  it.each([
    ['X-Posthorn-Stream: fast', { stream: 'fast' }],
    ['X-Posthorn-Tag:', { tags: [''] }],
    ['X-Posthorn-Expires-In: 0', { expiresIn: 0 }],
    ['X-Posthorn-Send-At: soon', { sendAt: 'soon' }],
    ['X-Posthorn-Send-At: 2099-01-01T00:00:00Z', { sendAt: '2099-01-01T00:00:00Z' }],
    ['X-Posthorn-Supersede-Key:', { supersedeKey: '' }],
    ['X-Posthorn-Sandbox: true', { sandbox: true }],
    ['X-Posthorn-Require-TLS: true', { requireTls: true }],
    ['X-Posthorn-Tags: a', { tag: ['a'] }],
  ])('are refused alike: %j', async (lines, options) => {
    const spoken = [await overSmtp('submission', lines), await overSmtp('trusted', lines), await overHttp(raw(lines))];
    const texts = spoken.map((verdict) => ('refused' in verdict ? verdict.refused : verdict.id));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toMatch(/^The option /);
    expect(await overHttp({ ...raw(''), ...options })).toMatchObject({ status: 422 });
  });

  it('never leave, and count for the stream that they name', async () => {
    const before = await posthorn.metric('posthorn_messages_accepted_total', 'stream="bulk"');
    const seen = sink.received.length;
    await overSmtp(
      'submission',
      'X-Posthorn-Stream: bulk\r\nX-Posthorn-Tag: a\r\n b\r\nX-Posthorn-Ref: b+forged\r\nX-Other: stays',
    );
    await sink.waitFor(seen + 1);
    const left = sink.received.at(-1)?.data.toString() ?? '';
    expect(left).toContain('\r\nX-Other: stays\r\n');
    // But for our own reference, in place of what claimed to be one.
    expect(left.match(/^x-posthorn-.*(?=\r)/gim)).toEqual([
      expect.stringMatching(/^X-Posthorn-Ref: b\+[0-9a-z]{26}\./),
    ]);
    expect(await posthorn.metric('posthorn_messages_accepted_total', 'stream="bulk"')).toBe(before + 1);
  });
});

describe('an idempotency key', () => {
  it('replays over SMTP by the envelope, and over HTTP by the content', async () => {
    const lines = 'X-Posthorn-Idempotency-Key: smtp-1';
    const first = await overSmtp('submission', lines);
    expect(await overSmtp('trusted', `Date: Sat, 21 Nov 2026 06:32:12 +0000\r\n${lines}`)).toEqual(first);
    const client = await session('submission');
    const other = await client.send(SENDER, ['another@example.net'], messageWith(lines));
    expect(other.text).toMatch(/^554 5\.5\.0 /);
    // What is compared differs between the doors, so one key serves one door.
    expect(await overHttp(raw(lines))).toMatchObject({ status: 409 });

    const sent = await overHttp(raw('X-Posthorn-Idempotency-Key: http-1'));
    expect(await overHttp(raw('X-Posthorn-Idempotency-Key: http-1'))).toEqual(sent);
    expect(await overHttp(raw('X-Posthorn-Idempotency-Key: http-2'), { 'Idempotency-Key': 'http-3' })).toMatchObject({
      status: 422,
    });
    expect(await overSmtp('submission', 'X-Posthorn-Idempotency-Key: http-1')).toMatchObject({
      refused: expect.stringContaining('idempotency key was used for another message'),
    });
  });
});

describe('an address beyond ASCII', () => {
  it('needs SMTPUTF8 over SMTP where its local part is, and none for its domain', async () => {
    const client = await session('submission');
    // The client writes octets.
    const local = Buffer.from('jürgen@example.net').toString('latin1');
    const octets = (line: string): Promise<string> => {
      client.write(Buffer.from(`${line}\r\n`, 'latin1'));
      return client.reply().then(({ text }) => text);
    };
    expect(await octets(`MAIL FROM:<${SENDER}>`)).toMatch(/^250 /);
    expect(await octets(`RCPT TO:<${local}>`)).toMatch(/^553 5\.6\.7 /);
    expect(await octets('RCPT TO:<b@xn--bcher-kva.example>')).toMatch(/^250 /);
    await client.command('RSET');
    expect(await octets(`MAIL FROM:<${SENDER}> SMTPUTF8`)).toMatch(/^250 /);
    expect(await octets(`RCPT TO:<${local}>`)).toMatch(/^250 /);
  });
});

describe('the limits of an account', () => {
  afterEach(() => changeAccount({ limits: {} }));

  /** Asks until the doors have read the account anew. */
  async function eventually(ask: () => Promise<string>, wanted: RegExp): Promise<string> {
    const deadline = Date.now() + READ_AGAIN_WITHIN_MS;
    for (;;) {
      const text = await ask();
      if (wanted.test(text) || Date.now() > deadline) return text;
      // A session that only resets is cut off after a hundred times.
      await sleep(POLL_MS);
    }
  }

  it('are told at MAIL, at RCPT and after the message, and never as a 5xx for what passes with time', async () => {
    await changeAccount({ limits: { messages: { perHour: 0 }, recipientsPerMessage: 1, messageBytes: 1_000 } });
    const client = await session('submission');
    const mail = async (): Promise<string> => {
      await client.command('RSET');
      return (await client.command(`MAIL FROM:<${SENDER}> SIZE=1001`)).text;
    };
    expect(await eventually(mail, /^552/)).toMatch(/^552 5\.3\.4 .* this account may send, 1000 bytes$/);
    await client.command(`MAIL FROM:<${SENDER}>`);
    expect((await client.command(`RCPT TO:<${RECIPIENT}>`)).code).toBe(250);
    expect((await client.command('RCPT TO:<second@example.net>')).text).toMatch(/^452 4\.5\.3 /);
    await client.command('DATA');
    expect((await client.data(messageWith(''))).text).toMatch(
      /^451 4\.7\.1 Limit reached: 0 messages per hour for this account, try again in \d+ seconds$/,
    );
    expect(await overHttp(raw(''))).toMatchObject({ status: 429 });
  });
});
