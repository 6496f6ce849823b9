/** What holds for every path: who may come in, how faults are told, and what happens when Redis is away. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { RunningApi } from '../../test/http-api/running-api.js';
import { withPatience } from '../../test/patience.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
});

afterAll(async () => {
  await api.stop();
});

describe('authentication', () => {
  it.each([
    ['no header', {}],
    ['another scheme', { Authorization: 'Basic YTpi' }],
    ['no key', { Authorization: 'Bearer' }],
  ])('asks for a key: %s', async (_, headers: Record<string, string>) => {
    const answer = await api.request('GET', '/v1/domains', { key: null, headers });
    expect([answer.status, answer.json.code]).toEqual([401, 'authentication_required']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="posthorn"');
  });

  it('refuses a wrong key and counts it', async () => {
    const before = await api.counted('posthorn_auth_attempts_total', { door: 'http', outcome: 'refused' });
    const answer = await api.request('GET', '/v1/domains', { key: 'ph_wrong' });
    expect([answer.status, answer.json.code]).toEqual([401, 'bad_credentials']);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(await api.counted('posthorn_auth_attempts_total', { door: 'http', outcome: 'refused' })).toBe(before + 1);
  });

  it('does not read the body of a stranger', async () => {
    const answer = await api.request('POST', '/v1/messages', { key: 'ph_wrong', body: '{"not json' });
    expect([answer.status, answer.json.code]).toEqual([401, 'bad_credentials']);
  });

  it('sends away who tries key after key, and lets a good one in from the same network', async () => {
    // No reply is held up any more, so that twenty failures take no minute.
    api.guard.close();
    for (let tried = 0; tried < 20; tried++) await api.guard.failed(undefined, `ph_${tried}`, '127.0.0.1');
    const answer = await api.request('GET', '/v1/domains', { key: 'ph_another' });
    expect([answer.status, answer.json.code]).toEqual([429, 'too_many_failed_logins']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(60);
    expect(await api.counted('posthorn_auth_attempts_total', { door: 'http', outcome: 'locked' })).toBe(1);
    expect((await api.request('GET', '/v1/domains')).status).toBe(200);
  });

  it('takes the scheme in any case', async () => {
    const headers = { Authorization: `bEARER ${api.first.apiKey}` };
    expect((await api.request('GET', '/v1/domains', { key: null, headers })).status).toBe(200);
  });
});

describe('faults', () => {
  it.each([
    ['GET', '/', 404, 'not_found'],
    ['GET', '/v1/nothing', 404, 'not_found'],
    ['PUT', '/v1/messages', 405, 'method_not_allowed'],
    ['GET', '/v1/messages', 405, 'method_not_allowed'],
    ['PATCH', '/v1/domains/example.org?x=/y', 405, 'method_not_allowed'],
    ['GET', '/v1/domains/%zz', 400, 'malformed_request'],
    ['GET', `/v1/domains/${'x'.repeat(2000)}`, 414, 'uri_too_long'],
  ])('answers %s %s with a problem', async (method, path, status, code) => {
    const answer = await api.request(method, path);
    expect([answer.status, answer.json.code, answer.json.status]).toEqual([status, code, status]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('names the methods that a path takes', async () => {
    const answer = await api.request('PUT', '/v1/domains/example.org');
    expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD');
  });

  it('keeps the request id that it was given, unless it is no id', async () => {
    const given = await api.request('GET', '/v1/domains', { headers: { 'X-Request-Id': 'req-42' } });
    expect(given.headers.get('x-request-id')).toBe('req-42');
    const odd = await api.request('GET', '/v1/domains', { headers: { 'X-Request-Id': 'a b"c' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers what is no HTTP', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.end('EHLO relay.example\r\n\r\n');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('"code":"malformed_request"');
  });

  it('survives a client that leaves in the middle of a body', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    const head = `POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.first.apiKey}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"from"`);
    socket.end();
    await text(socket);
    expect((await api.request('GET', '/v1/domains')).status).toBe(200);
  });
});

describe('an empty body', () => {
  const headers = { 'Content-Type': 'application/json' };

  it.each([
    ['DELETE', '/v1/credentials/cred_0', 404, 'not_found'],
    ['DELETE', '/v1/domains/nothing.example', 404, 'not_found'],
    ['POST', '/v1/domains/nothing.example/verify', 404, 'not_found'],
    ['POST', '/v1/domains/nothing.example/dkim/rotate', 404, 'not_found'],
    ['POST', '/v1/accounts/default/resume', 200, undefined],
    ['POST', '/v1/messages', 422, 'invalid_input'],
    ['POST', '/v1/domains', 422, 'invalid_input'],
    ['POST', '/v1/accounts/default/suspend', 422, 'invalid_input'],
  ])('is none: %s %s', async (method, path, status, code) => {
    for (const body of [undefined, '']) {
      const answer = await api.request(method, path, { headers, body });
      expect([answer.status, answer.json.code]).toEqual([status, code]);
    }
  });
});

describe('what a body must be', () => {
  it.each([
    ['/v1/messages', '', '', 'the body must be an object'],
    ['/v1/messages', { tags: [7] }, 'tags.0', 'must be text'],
    ['/v1/messages', { tags: ['x'.repeat(129)] }, 'tags.0', 'must be at most 128 characters'],
    ['/v1/messages', { tags: [''] }, 'tags.0', 'must not be empty'],
    [
      '/v1/messages',
      { metadata: { 'a b': '' } },
      'metadata.a b',
      'must be named with 1 to 64 letters, digits, "_", "." or "-"',
    ],
    ['/v1/messages', { expiresIn: 0 }, 'expiresIn', 'must be a whole number of seconds, 1 to 172800'],
    ['/v1/messages', {}, 'from', 'must be given'],
    ['/v1/credentials', { kind: 'api', name: 'x'.repeat(101) }, 'name', 'must be at most 100 characters'],
    ['/v1/credentials', { kind: 'api', expiresIn: 1e12 }, 'expiresIn', 'must be at most 315360000'],
    ['/v1/credentials', { kind: 'api', scopes: 'send' }, 'scopes', 'must be a list'],
    [
      '/v1/accounts',
      { name: 'x', limits: { messages: { perHour: 1e12 } } },
      'limits.messages.perHour',
      'must be a whole number from 1 to 1000000000',
    ],
  ])('is said in plain words: %s %j', async (path, body, at, message) => {
    const { json } = await api.request('POST', path, { body });
    expect(json.errors).toContainEqual({ path: at, message });
    expect(JSON.stringify(json)).not.toMatch(/Too |Invalid |expected|undefined/);
  });
});

describe('a parameter that nobody knows', () => {
  it.each([
    ['POST', '/v1/accounts/default/suspend?x=1', { reason: 'r' }, 'x'],
    ['GET', '/v1/accounts?limit=1', undefined, 'limit'],
    ['GET', '/v1/accounts/default?account=shop', undefined, 'account'],
    ['POST', '/v1/messages?stream=bulk', {}, 'stream'],
    ['GET', '/v1/messages/x?fields=id', undefined, 'fields'],
    ['POST', '/v1/credentials?acount=shop', { kind: 'api' }, 'acount'],
    ['DELETE', '/v1/domains/a.example?force=true', undefined, 'force'],
  ])('is refused by name: %s %s', async (method, path, body, name) => {
    const answer = await api.request(method, path, { body });
    expect([answer.status, answer.json.errors]).toEqual([
      422,
      [{ path: name, message: expect.stringContaining(`"${name}" is no`) }],
    ]);
  });
});

describe('without Redis', () => {
  it('asks every client to come back, and blames nobody', async () => {
    const lame = await RunningApi.start({ POSTHORN_LOG_LEVEL: 'error' });
    try {
      await lame.redis.stop();
      const startedAt = performance.now();
      for (const [method, path, body] of [
        ['GET', '/v1/domains', undefined],
        ['GET', `/v1/messages/${'0'.repeat(26)}`, undefined],
        ['POST', '/v1/messages', { from: 'a@example.org', to: 'b@c.example', text: 'x' }],
      ] as const) {
        const answer = await lame.request(method, path, { body });
        expect([answer.status, answer.json.code]).toEqual([503, 'queue_unavailable']);
        expect(answer.headers.get('retry-after')).toBe('30');
      }
      expect(performance.now() - startedAt).toBeLessThan(withPatience(6_000));
      expect(await lame.counted('posthorn_auth_attempts_total', { door: 'http', outcome: 'error' })).toBe(3);
    } finally {
      await lame.stop();
    }
  });
});
