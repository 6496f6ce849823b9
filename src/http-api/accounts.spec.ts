/** `/v1/accounts` over HTTP, with a real Redis behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi } from '../../test/http-api/running-api.js';
import { DEFAULT_WATCH } from '../accounts/account.js';
import { reportKeys } from '../store/keyspace.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
});

afterAll(async () => {
  await api.stop();
});

const isoTime = expect.stringMatching(/Z$/);
const mail = { from: 'a@example.org', to: 'b@c.example', text: 'x' };

async function made(name: string, settings: object = {}): Promise<void> {
  expect((await api.request('POST', '/v1/accounts', { body: { name, ...settings } })).status).toBe(201);
}

describe('/v1/accounts', () => {
  it('makes an account and shows it', async () => {
    const body = {
      name: 'shop',
      limits: { messages: { perHour: 100 }, recipientsPerMessage: 10 },
      onLimit: 'hold',
      watch: { action: 'suspend' },
      suppressedRecipients: 'refuse',
      suppressAfter: 3,
    };
    const created = await api.request('POST', '/v1/accounts', { body });
    const shop = { ...body, state: 'active', createdAt: isoTime, watch: { ...DEFAULT_WATCH, action: 'suspend' } };
    expect([created.status, created.json]).toEqual([201, shop]);
    expect((await api.request('GET', '/v1/accounts/shop')).json).toEqual(created.json);
    const again = await api.request('POST', '/v1/accounts', { body });
    expect([again.status, again.json.code, again.json.detail]).toEqual([
      409,
      'conflict',
      'There is an account "shop" already',
    ]);
  });

  it('lists all by name', async () => {
    await made('a-first');
    const { status, json } = await api.request('GET', '/v1/accounts');
    expect([status, json.cursor]).toEqual([200, null]);
    const names = (json.data as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['a-first', 'default']));
  });

  it('changes what a patch names: null takes a limit away, and what is absent stays', async () => {
    await made('patched', { limits: { messages: { perHour: 1, perDay: 2 }, messageBytes: 3 } });
    const patch = async (body: object) => (await api.request('PATCH', '/v1/accounts/patched', { body })).json;
    const first = { limits: { messages: { perHour: null, perMonth: 9 }, criticalMessages: { perSecond: 4 } } };
    expect(await patch(first)).toMatchObject({
      limits: { messages: { perDay: 2, perMonth: 9 }, criticalMessages: { perSecond: 4 }, messageBytes: 3 },
      onLimit: 'refuse',
    });
    expect(await patch({ watch: { unknownRate: 0.5 }, onLimit: 'hold' })).toMatchObject({
      watch: { ...DEFAULT_WATCH, unknownRate: 0.5 },
      onLimit: 'hold',
    });
    expect((await patch({ limits: { messages: null } })).limits).toEqual({
      criticalMessages: { perSecond: 4 },
      messageBytes: 3,
    });
    expect((await patch({ limits: null })).limits).toEqual({});
    const suppressing = { suppressedRecipients: 'refuse', suppressAfter: 0 };
    expect(await patch({ suppressAfter: 0 })).toMatchObject({ ...suppressing, suppressedRecipients: 'report' });
    expect(await patch({ suppressedRecipients: 'refuse' })).toMatchObject(suppressing);
  });

  it('suspends an account, whose messages are refused with the reason, and resumes it', async () => {
    await made('late');
    await api.request('POST', '/v1/domains', { body: { name: 'late.example', assumeVerified: true } });
    const key = await api.keyWith(['send'], 'late');
    const body = { reason: 'unpaid bill' };
    const suspended = await api.request('POST', '/v1/accounts/late/suspend', { body });
    expect([suspended.status, suspended.json.state, suspended.json.suspendedBecause]).toEqual([
      200,
      'suspended',
      'unpaid bill',
    ]);
    const refused = await api.request('POST', '/v1/messages', { key, body: mail });
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      403,
      'account_suspended',
      'This account is suspended: unpaid bill',
    ]);
    const resumed = await api.request('POST', '/v1/accounts/late/resume');
    expect([resumed.status, resumed.json.state, resumed.json]).toEqual([
      200,
      'active',
      expect.not.objectContaining({ suspendedBecause: expect.anything() }),
    ]);
    expect((await api.request('POST', '/v1/messages', { key, body: mail })).json.code).toBe('sender_not_allowed');
    const events = await api.request('GET', '/v1/accounts/late/events');
    expect(events.json).toEqual({
      data: [
        { id: expect.any(String), type: 'account.suspended', at: isoTime, because: 'unpaid bill' },
        { id: expect.any(String), type: 'account.resumed', at: isoTime, because: 'resumed by the operator' },
      ],
      cursor: null,
    });
  });

  it('removes an account with its reports', async () => {
    await made('reported');
    await api.redisClient.hset(reportKeys('reported').mailbox, 'v', 1);
    await api.redisClient.hset(reportKeys('reported').contents, '1', 'Subject: x');
    expect((await api.request('DELETE', '/v1/accounts/reported')).status).toBe(204);
    expect(await api.redisClient.exists(reportKeys('reported').contents)).toBe(0);
  });

  it('removes an account, whose keys open nothing from then on', async () => {
    await made('gone');
    const key = await api.keyWith(['domains'], 'gone');
    expect((await api.request('GET', '/v1/domains', { key })).status).toBe(200);
    expect((await api.request('DELETE', '/v1/accounts/gone')).status).toBe(204);
    expect((await api.request('GET', '/v1/domains', { key })).status).toBe(401);
    expect((await api.request('DELETE', '/v1/accounts/gone')).status).toBe(404);
  });

  it("removes the caller's own account only where that is said", async () => {
    const key = await api.keyWith(['admin'], 'self');
    const refused = await api.request('DELETE', '/v1/accounts/self', { key });
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      409,
      'conflict',
      expect.stringContaining('?force=true'),
    ]);
    expect((await api.request('DELETE', '/v1/accounts/self?force=true', { key })).status).toBe(204);
    expect((await api.request('GET', '/v1/accounts', { key })).status).toBe(401);
  });

  it.each([
    ['POST', '', { name: '-x' }, 'name', 'must be an account name'],
    ['POST', '', { name: 'x'.repeat(65) }, 'name', 'must be an account name'],
    ['POST', '', {}, 'name', 'must be given'],
    ['POST', '', { name: 'x', limits: { messages: { perHour: 0 } } }, 'limits.messages.perHour', 'at least 1'],
    ['POST', '', { name: 'x', limits: { perHour: 1 } }, 'limits.perHour', 'no field'],
    ['POST', '', { name: 'x', state: 'suspended' }, 'state', 'no field'],
    ['POST', '', { name: 'x', onLimit: 'wait' }, 'onLimit', 'must be refuse or hold'],
    ['POST', '', { name: 'x', watch: { unknownRate: 2 } }, 'watch.unknownRate', 'must be at most 1'],
    ['PATCH', '/default', { limits: { messageBytes: 1.5 } }, 'limits.messageBytes', 'whole number'],
    ['PATCH', '/default', { name: 'other' }, 'name', 'no field'],
    ['PATCH', '/default', { onLimit: null }, 'onLimit', 'must be refuse or hold'],
    ['PATCH', '/default', { suppressAfter: null }, 'suppressAfter', 'must be a whole number from 0 (never) to 100'],
    ['POST', '', { name: 'x', suppressAfter: 101 }, 'suppressAfter', 'from 0 (never) to 100'],
    ['POST', '', { name: 'x', suppressedRecipients: 'drop' }, 'suppressedRecipients', 'must be report or refuse'],
    ['POST', '/default/suspend', {}, 'reason', 'must be given'],
    ['POST', '/default/suspend', { reason: 'a\r\nb' }, 'reason', 'must be one line'],
    ['DELETE', '/default?force=perhaps', undefined, 'force', 'must be one of true, false'],
  ])('refuses %s %s with %j', async (method, path, body, at, message) => {
    const answer = await api.request(method, `/v1/accounts${path}`, { body });
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
    expect(answer.json.errors).toEqual([{ path: at, message: expect.stringContaining(message) }]);
  });

  it.each([
    ['GET', '/nobody', undefined],
    ['PATCH', '/nobody', {}],
    ['DELETE', '/nobody', undefined],
    ['POST', '/nobody/suspend', { reason: 'x' }],
    ['POST', '/nobody/resume', undefined],
    ['GET', '/nobody/events', undefined],
    ['GET', '/%2e%2e', undefined],
    ['DELETE', '/__proto__', undefined],
  ])('says that there is no such account: %s %s', async (method, path, body) => {
    const answer = await api.request(method, `/v1/accounts${path}`, { body });
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found']);
  });

  it.each([
    ['GET', ''],
    ['POST', ''],
    ['GET', '/default'],
    ['PATCH', '/default'],
    ['DELETE', '/default'],
    ['POST', '/default/suspend'],
    ['POST', '/default/resume'],
    ['GET', '/default/events'],
  ])('is for the scope admin: %s %s', async (method, path) => {
    const key = await api.keyWith(['send', 'read', 'domains', 'suppressions', 'webhooks', 'templates']);
    const answer = await api.request(method, `/v1/accounts${path}`, { key });
    expect([answer.status, answer.json.detail]).toEqual([403, 'This API key lacks the scope admin']);
  });
});
