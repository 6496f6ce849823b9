/** What a message may be sent on over HTTP: within limits, once, at a time, in another's place. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { AccountChange } from '../accounts/account.js';
import { verifiedDomain } from '../accounts/sending-domains.js';
import { RunningApi, type Answer } from '../../test/http-api/running-api.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
});

afterAll(async () => {
  await api.stop();
});

const mail = { from: 'shop@example.org', to: 'ann@example.net', subject: 'Hello', text: 'Hi' };

/** An account of its own, that may send as anybody, and a way to send with its key. */
async function accountWith(
  change: AccountChange,
): Promise<(body?: object, headers?: Record<string, string>) => Promise<Answer>> {
  const name = `a${randomUUID().slice(0, 8)}`;
  await api.accounts.create(name, change);
  await api.domains.add(name, verifiedDomain('*', Date.now()), undefined);
  const key = await api.keyWith(['send', 'read'], name);
  return (body = {}, headers = {}) => api.request('POST', '/v1/messages', { key, body: { ...mail, ...body }, headers });
}

function rateOf({ headers }: Answer): (string | null)[] {
  return ['RateLimit-Limit', 'RateLimit-Remaining'].map((name) => headers.get(name));
}

describe('a limit', () => {
  it('is told with every answer, and when it is reached, until when', async () => {
    const send = await accountWith({ limits: { messages: { perHour: 2 } } });
    const answers = [await send(), await send(), await send()];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
    expect(answers.map(rateOf)).toEqual([
      ['2', '1'],
      ['2', '0'],
      ['2', '0'],
    ]);
    const refused = answers[2];
    expect(refused?.json).toMatchObject({ code: 'over_limit', status: 429 });
    expect(refused?.json.detail).toMatch(
      /^Limit reached: 2 messages per hour for this account, try again in \d+ seconds$/,
    );
    const waitS = Number(refused?.headers.get('Retry-After'));
    expect(waitS).toBeGreaterThan(3_500);
    expect(waitS).toBeLessThanOrEqual(3_660);
    expect(refused?.headers.get('RateLimit-Reset')).toBe(String(waitS));
    expect((await send({ stream: 'critical' })).status).toBe(202);
    expect(await api.counted('posthorn_limit_decisions_total', { decision: 'refused', window: 'hour' })).toBe(1);
  });

  it('says nothing where there is none', async () => {
    const send = await accountWith({});
    expect(rateOf(await send())).toEqual([null, null]);
  });

  it('is not used up by what is refused', async () => {
    const send = await accountWith({
      limits: { messages: { perHour: 1 }, recipientsPerMessage: 2, messageBytes: 2_000 },
    });
    const tooMany = await send({ to: ['a@x.example', 'b@x.example', 'c@x.example'] });
    expect([tooMany.status, tooMany.json.code]).toEqual([422, 'account_recipients']);
    const tooLarge = await send({ text: 'x'.repeat(3_000) });
    expect([tooLarge.status, tooLarge.json.code]).toEqual([413, 'account_message_too_large']);
    expect((await send()).status).toBe(202);
  });

  it('holds what is over it where the account wants that, and what comes behind it', async () => {
    const send = await accountWith({ limits: { messages: { perHour: 1 } }, onLimit: 'hold' });
    const answers = [await send(), await send(), await send()];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    const states = answers.map(({ json }) => (json.recipients as { state: string }[])[0]?.state);
    expect(states).toEqual(['queued', 'held', 'held']);
    const histories = await Promise.all(answers.map(({ json }) => api.spool.read(String(json.id))));
    expect(histories.map((history) => history?.events.map(({ type }) => type))).toEqual([
      ['accepted'],
      ['accepted', 'held'],
      ['accepted', 'held'],
    ]);
    expect(histories[1]?.events[1]).toMatchObject({ because: 'limit reached: 1 messages per hour for this account' });
    expect(histories[2]?.events[1]).toMatchObject({ because: '1 messages before it wait for a limit' });
    expect(await api.counted('posthorn_limit_decisions_total', { decision: 'held', window: 'hour' })).toBe(2);
  });

  it('holds nothing that is certain to expire before its turn', async () => {
    const monthly = await accountWith({ limits: { messages: { perMonth: 1 } }, onLimit: 'hold' });
    const hourly = await accountWith({ limits: { messages: { perHour: 1 } }, onLimit: 'hold' });
    await monthly({ expiresIn: 60 });
    await hourly();
    expect((await hourly()).status).toBe(202);
    for (const refused of [await monthly({ expiresIn: 60 }), await hourly({ expiresIn: 60 })]) {
      expect([refused.status, refused.json.code]).toEqual([429, 'over_limit']);
      expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(60);
    }
    expect((await hourly()).status).toBe(202);
  });

  it('holds a bounded number of messages', async () => {
    const send = await accountWith({ limits: { messages: { perHour: 1_000_000 } }, onLimit: 'hold' });
    const { json } = await send();
    const account = (await api.spool.read(String(json.id)))?.message.account ?? '';
    const fill = 'for i = 1, ARGV[1] do redis.call("ZADD", KEYS[1], i, i) end';
    await api.redisClient.eval(fill, 1, `{ph:0}:held:other:${account}`, 99_999);
    expect((await send()).status).toBe(202);
    const refused = await send();
    expect([refused.status, refused.json.detail]).toEqual([
      429,
      expect.stringMatching(/^Limit reached: 100000 messages before it wait for a limit, try again in \d+ seconds$/),
    ]);
  });

  it('does not matter to an account that is suspended', async () => {
    const send = await accountWith({ state: 'suspended', suspendedBecause: 'too many unknown recipients' });
    const refused = await send();
    expect([refused.status, refused.json.code]).toEqual([403, 'account_suspended']);
    expect(refused.json.detail).toContain('too many unknown recipients');
  });
});

describe('an idempotency key', () => {
  it('of fifty requests at once makes one message, and uses up the allowance of one', async () => {
    const send = await accountWith({ limits: { messages: { perHour: 1 } } });
    const headers = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 50 }, () => send({}, headers)));
    const kept = answers.filter(({ status }) => status === 202);
    expect(new Set(kept.map(({ json }) => json.id)).size).toBe(1);
    const rest = answers
      .filter(({ status }) => status !== 202)
      .map(({ status, json }) => `${status} ${String(json.code)}`);
    expect(new Set([...rest, '409 idempotency_in_flight'])).toEqual(new Set(['409 idempotency_in_flight']));
    const again = await send({}, headers);
    expect(again.json).toEqual(kept[0]?.json);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect((await send()).status).toBe(429);
  });

  it('takes two bodies of the same content for the same, and any other for another', async () => {
    const send = await accountWith({});
    const headers = { 'Idempotency-Key': 'order 7' };
    const attachments = [{ filename: 'a.txt', content: 'SGk=' }];
    const first = await send({ tags: ['a'], attachments, metadata: { x: '1', y: '2' } }, headers);
    expect(first.headers.get('Idempotent-Replayed')).toBeNull();
    const same = await send(
      { metadata: { y: '2', x: '1' }, attachments: [{ content: 'SGk=\n', filename: 'a.txt' }], tags: ['a'] },
      headers,
    );
    expect(same.json).toEqual(first.json);
    for (const other of [{ tags: ['b'] }, { tags: ['a'], attachments: [{ filename: 'a.txt', content: 'SGo=' }] }, {}]) {
      const answer = await send(other, headers);
      expect([answer.status, answer.json.code]).toEqual([409, 'idempotency_mismatch']);
    }
  });

  it('is free again where its message was refused', async () => {
    const send = await accountWith({ limits: { messages: { perHour: 0 } } });
    const headers = { 'Idempotency-Key': 'k' };
    expect((await send({}, headers)).status).toBe(429);
    expect((await send({ tags: ['other'] }, headers)).status).toBe(429);
  });

  it('that nobody can write down again is refused', async () => {
    const send = await accountWith({});
    const answer = await send({}, { 'Idempotency-Key': 'k'.repeat(256) });
    expect([answer.status, answer.json.code]).toEqual([422, 'bad_option']);
  });
});

describe('a time to send', () => {
  it('shows as scheduled, and the expiry counts from it', async () => {
    const send = await accountWith({});
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const { status, json } = await send({ sendAt, expiresIn: 60 });
    expect([status, json.recipients]).toEqual([202, [{ address: 'ann@example.net', state: 'scheduled' }]]);
    const history = await api.spool.read(String(json.id));
    expect(history?.message.sendAt).toBe(Date.parse(sendAt));
    expect(history?.message.expiresAt).toBe(Date.parse(sendAt) + 60_000);
    expect(history?.states).toEqual(['scheduled']);
  });

  it('that is over is now, and more than 30 days ahead is too far', async () => {
    const send = await accountWith({});
    const over = await send({ sendAt: '2020-01-01T00:00:00+01:00' });
    expect(over.json.recipients).toMatchObject([{ state: 'queued' }]);
    const far = await send({ sendAt: new Date(Date.now() + 31 * 86_400_000).toISOString() });
    expect([far.status, far.json.code]).toEqual([422, 'bad_option']);
  });
});

describe('a supersede key', () => {
  it('shows on the message that was superseded who came in its place', async () => {
    const name = 'superseding';
    await api.accounts.create(name, {});
    await api.domains.add(name, verifiedDomain('*', Date.now()), undefined);
    const key = await api.keyWith(['send', 'read'], name);
    const body = { ...mail, supersedeKey: 'cart' };
    const [first, second] = [
      await api.request('POST', '/v1/messages', { key, body }),
      await api.request('POST', '/v1/messages', { key, body }),
    ];
    const shown = await api.request('GET', `/v1/messages/${String(first.json.id)}`, { key });
    expect(shown.json.recipients).toMatchObject([
      { state: 'superseded', events: [{ type: 'accepted' }, { type: 'superseded', by: second.json.id }] },
    ]);
  });
});
