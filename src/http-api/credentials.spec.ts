/** `/v1/credentials` over HTTP, with a real Redis behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi, type Answer } from '../../test/http-api/running-api.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
  await api.request('POST', '/v1/accounts', { body: { name: 'shop' } });
});

afterAll(async () => {
  await api.stop();
});

const isoTime = expect.stringMatching(/Z$/);
const id = expect.stringMatching(/^cred_[0-9A-Za-z]{16}$/);
const create = (body: object): Promise<Answer> => api.request('POST', '/v1/credentials', { body });
const list = async (query = ''): Promise<Record<string, unknown>[]> =>
  (await api.request('GET', `/v1/credentials${query}`)).json.data as Record<string, unknown>[];

describe('/v1/credentials', () => {
  it('makes an API key, whose secret is shown once', async () => {
    const made = await create({ kind: 'api', name: 'backup job', scopes: ['domains', 'domains'], expiresIn: 3600 });
    expect([made.status, made.json]).toEqual([
      201,
      {
        id,
        kind: 'api',
        account: 'default',
        name: 'backup job',
        scopes: ['domains'],
        createdAt: isoTime,
        expiresAt: isoTime,
        secret: expect.stringMatching(/^ph_[0-9A-Za-z]{43}$/),
      },
    ]);
    const key = made.json.secret as string;
    expect((await api.request('GET', '/v1/domains', { key })).status).toBe(200);
    const listed = (await list()).find((credential) => credential.id === made.json.id);
    const { secret: _, ...shown } = made.json;
    expect(listed).toEqual({ ...shown, lastUsedAt: isoTime });
    expect(JSON.stringify(listed)).not.toMatch(/hash|secret/);
  });

  it('lists with the cursor of a last page', async () => {
    expect((await api.request('GET', '/v1/credentials')).json).toEqual({ data: expect.any(Array), cursor: null });
  });

  it('gives an API key all scopes but admin where none is named, and an SMTP user all of its own', async () => {
    const scopes = async (kind: string) => (await create({ kind, account: 'shop' })).json.scopes;
    expect(await scopes('api')).toEqual(['send', 'read', 'suppressions', 'domains', 'webhooks', 'templates']);
    expect(await scopes('smtp')).toEqual(['smtp', 'mailbox', 'mailbox:read']);
  });

  it("makes up a user of the account's name and its first domain, another each time", async () => {
    await create({ kind: 'api', account: 'shop' });
    const first = await create({ kind: 'smtp' });
    const second = await create({ kind: 'smtp' });
    // The first start has default@example.org.
    for (const { json } of [first, second]) expect(json.user).toMatch(/^default-[0-9a-f]{8}@example\.org$/);
    expect(first.json.user).not.toBe(second.json.user);
    await api.request('POST', '/v1/accounts', { body: { name: 'bare' } });
    expect((await create({ kind: 'smtp', account: 'bare' })).json.user).toBe('bare@relay.example');
  });

  it('says that a user is taken, in whatever account and case', async () => {
    expect((await create({ kind: 'smtp', user: 'Web@shop.example', account: 'shop' })).status).toBe(201);
    const taken = await create({ kind: 'smtp', user: 'web@SHOP.example' });
    expect([taken.status, taken.json.code, taken.json.detail]).toEqual([
      409,
      'conflict',
      'The user "web@SHOP.example" is taken: users are one of a kind over all accounts',
    ]);
  });

  it('keeps the credentials of accounts apart, and lets an admin name the account', async () => {
    const made = await create({ kind: 'api', account: 'shop', limits: { perHour: 5 } });
    expect(made.json).toMatchObject({ account: 'shop', limits: { perHour: 5 } });
    const path = `/v1/credentials/${made.json.id as string}`;
    expect((await list()).map((credential) => credential.id)).not.toContain(made.json.id);
    expect((await list('?account=shop')).map((credential) => credential.id)).toContain(made.json.id);
    const foreign = await api.request('DELETE', path);
    expect([foreign.status, foreign.json.detail]).toEqual([404, 'The account "default" has no such credential']);
    expect((await api.request('DELETE', `${path}?account=shop`)).status).toBe(204);
    expect((await api.request('DELETE', `${path}?account=shop`)).status).toBe(404);
    const key = made.json.secret as string;
    expect((await api.request('GET', '/v1/domains', { key })).json.code).toBe('bad_credentials');
  });

  it('makes one for the account that the query names, as it lists and removes them', async () => {
    const ask = (query: string, body: object): Promise<Answer> =>
      api.request('POST', `/v1/credentials${query}`, { body: { kind: 'api', ...body } });
    expect((await ask('?account=shop', {})).json.account).toBe('shop');
    expect((await ask('?account=shop', { account: 'shop' })).json.account).toBe('shop');
    const both = await ask('?account=shop', { account: 'default' });
    expect([both.status, both.json.errors]).toEqual([
      422,
      [{ path: 'account', message: 'is "default" in the body and "shop" in the query: say one' }],
    ]);
    expect((await ask('?account=nobody', {})).status).toBe(404);
  });

  it('takes away the key of the request itself only where that is said', async () => {
    const made = await create({ kind: 'api', scopes: ['admin'] });
    const key = made.json.secret as string;
    const path = `/v1/credentials/${made.json.id as string}`;
    const refused = await api.request('DELETE', path, { key });
    expect([refused.status, refused.json.code]).toEqual([409, 'conflict']);
    expect((await api.request('DELETE', `${path}?force=true`, { key })).status).toBe(204);
    expect((await api.request('GET', '/v1/credentials', { key })).status).toBe(401);
  });

  it.each([
    [{}, 'kind', 'must be "smtp"'],
    [{ kind: 'token' }, 'kind', 'must be "smtp"'],
    [{ kind: 'api', user: 'a@b.example' }, 'user', 'no field'],
    [{ kind: 'smtp', user: 'a b' }, 'user', 'visible ASCII'],
    [{ kind: 'smtp', user: '' }, 'user', 'visible ASCII'],
    [{ kind: 'smtp', scopes: ['send'] }, 'scopes.0', 'must be one of smtp, mailbox, mailbox:read'],
    [{ kind: 'api', scopes: ['smtp'] }, 'scopes.0', 'must be one of send, read'],
    [{ kind: 'api', scopes: [] }, 'scopes', 'must not be empty'],
    [{ kind: 'api', name: 'a\nb' }, 'name', 'must be one line'],
    [{ kind: 'api', expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt', 'must be in the future'],
    [{ kind: 'api', expiresAt: 'tomorrow' }, 'expiresAt', 'must be a time'],
    [{ kind: 'api', expiresIn: 0 }, 'expiresIn', 'must be at least 1'],
    [{ kind: 'api', expiresIn: 5, expiresAt: '2100-01-01T00:00:00Z' }, 'expiresIn', 'must not stand beside'],
    [{ kind: 'api', limits: { messageBytes: 5 } }, 'limits.messageBytes', 'no field'],
    [{ kind: 'api', account: 'nobody' }, 'account', 'there is no account "nobody"'],
    [{ kind: 'api', secret: 'sesame' }, 'secret', 'no field'],
  ])('refuses %j', async (body, path, message) => {
    const answer = await create(body);
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
    expect(answer.json.errors).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  it.each([
    ['GET', '?account=nobody', 404],
    ['DELETE', '/cred_0?account=nobody', 404],
    ['DELETE', '/cred_0', 404],
    ['DELETE', '/__proto__', 404],
    ['GET', '?account=no%20name', 422],
    ['GET', '?colour=red', 422],
  ])('answers %s %s with %d', async (method, path, status) => {
    expect((await api.request(method, `/v1/credentials${path}`)).status).toBe(status);
  });

  it.each([
    ['GET', ''],
    ['POST', ''],
    ['DELETE', '/cred_0'],
  ])('is for the scope admin: %s %s', async (method, path) => {
    const key = await api.keyWith(['send', 'read', 'domains']);
    const answer = await api.request(method, `/v1/credentials${path}`, { key });
    expect([answer.status, answer.json.detail]).toEqual([403, 'This API key lacks the scope admin']);
  });
});
