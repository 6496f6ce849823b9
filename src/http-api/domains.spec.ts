/** `/v1/domains` over HTTP, with a real Redis behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi, STARTED_WITHIN_MS } from '../../test/http-api/running-api.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
}, STARTED_WITHIN_MS);

afterAll(async () => {
  await api.stop();
});

const isoTime = expect.stringMatching(/Z$/);

describe('/v1/domains', () => {
  it('lists the domains of the account', async () => {
    const answer = await api.request('GET', '/v1/domains', { key: await api.keyWith(['domains']) });
    expect(answer.status).toBe(200);
    const domain = { name: 'example.org', state: 'verified', verifiedBy: 'operator', addedAt: isoTime };
    expect(answer.json).toEqual({ data: [domain], cursor: null });
  });

  it('shows the DKIM records to publish, the same each time', async () => {
    const first = await api.request('GET', '/v1/domains/EXAMPLE.org');
    expect(first.json.records).toEqual([
      {
        purpose: 'dkim',
        type: 'TXT',
        name: expect.stringMatching(/^ph\d{8}\._domainkey\.example\.org$/),
        value: expect.stringMatching(/^v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{300,}={0,2}$/),
      },
      {
        purpose: 'dkim',
        type: 'TXT',
        name: expect.stringMatching(/^ph\d{8}e\._domainkey\.example\.org$/),
        value: expect.stringMatching(/^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$/),
      },
    ]);
    expect((await api.request('GET', '/v1/domains/example.org')).json).toEqual(first.json);
  });

  it("adds a domain on the operator's word, and mail may be sent from it at once", async () => {
    const added = await api.request('POST', '/v1/domains', { body: { name: 'Bücher.example', assumeVerified: true } });
    expect([added.status, added.json.name, added.json.state]).toEqual([201, 'xn--bcher-kva.example', 'verified']);
    const mail = { from: 'a@bücher.example', to: 'b@c.example', text: 'x' };
    expect((await api.request('POST', '/v1/messages', { body: mail })).status).toBe(202);
    expect((await api.request('DELETE', `/v1/domains/${encodeURIComponent('bücher.example')}`)).status).toBe(204);
    const again = await api.request('DELETE', '/v1/domains/xn--bcher-kva.example');
    expect([again.status, again.json.code]).toEqual([404, 'not_found']);
  });

  it('takes * for any domain, written either way in a path', async () => {
    const added = await api.request('POST', '/v1/domains', { body: { name: '*', assumeVerified: true } });
    expect([added.status, added.json.records]).toEqual([201, []]);
    expect((await api.request('GET', '/v1/domains/*')).json.name).toBe('*');
    expect((await api.request('GET', '/v1/domains/%2A')).json.name).toBe('*');
    expect((await api.request('DELETE', '/v1/domains/%2A')).status).toBe(204);
    expect((await api.request('GET', '/v1/domains/*')).status).toBe(404);
  });

  it.each([
    [{ name: 'example.net' }, 'assumeVerified', 'DNS verification comes later'],
    [{ name: 'example.net', assumeVerified: false }, 'assumeVerified', 'DNS verification comes later'],
    [{ name: 'not a domain', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: '[192.0.2.1]', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: '*.example.net', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: 'example.net', assumeVerified: true, colour: 1 }, 'colour', 'no field'],
  ])('refuses %j', async (body, path, message) => {
    const answer = await api.request('POST', '/v1/domains', { body });
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
    expect(answer.json.errors).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  it('adds only with the scope admin, and shows only with the scope domains', async () => {
    const body = { name: 'example.net', assumeVerified: true };
    const add = await api.request('POST', '/v1/domains', { body, key: await api.keyWith(['domains']) });
    expect([add.status, add.json.detail]).toEqual([403, 'This API key lacks the scope admin']);
    const list = await api.request('GET', '/v1/domains', { key: await api.keyWith(['send']) });
    expect([list.status, list.json.detail]).toEqual([403, 'This API key lacks the scope domains']);
    expect(list.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="domains"');
  });

  it('keeps the domains of accounts apart', async () => {
    const answer = await api.request('GET', '/v1/domains', { key: await api.keyWith(['domains'], 'other') });
    expect(answer.json.data).toEqual([]);
  });
});
