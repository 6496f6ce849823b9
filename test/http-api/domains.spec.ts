/** `/v1/domains` over HTTP, with a real Redis behind it and a scripted DNS. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningApi } from './running-api.js';
import { publishRecord } from '../domains/publish-record.js';
import { startDns, type ScriptedDns } from '../../src/cli/demo/scripted-dns.js';

interface RecordView {
  readonly purpose: string;
  readonly type: string;
  readonly name: string;
  readonly value: string;
  readonly status?: string;
}

let api: RunningApi;
let dns: ScriptedDns;
const published: string[] = [];

beforeAll(async () => {
  dns = await startDns();
  api = await RunningApi.start({
    POSTHORN_DNS_SERVERS: dns.server,
    POSTHORN_BOUNCE_DOMAIN: 'bounces.relay.example',
    POSTHORN_PORT_BASE: '0',
    // What is off has no record.
    POSTHORN_IMAP_PORT: '0',
    POSTHORN_POP3_PORT: '0',
  });
});

afterAll(async () => {
  await api.stop();
  await dns.close();
});

afterEach(() => {
  for (const name of published.splice(0)) dns.delete(name);
});

const isoTime = expect.stringMatching(/Z$/);

async function recordsOf(name: string): Promise<readonly RecordView[]> {
  return (await api.request('GET', `/v1/domains/${name}`)).json.records as RecordView[];
}

function publish(records: readonly RecordView[]): void {
  for (const record of records) {
    publishRecord(dns, record);
    published.push(record.name);
  }
}

function statuses(records: unknown): Record<string, string | undefined> {
  return Object.fromEntries((records as RecordView[]).map(({ purpose, status }) => [purpose, status]));
}

describe('/v1/domains', () => {
  it('lists the domains of the account', async () => {
    const answer = await api.request('GET', '/v1/domains', { key: await api.keyWith(['domains']) });
    expect(answer.status).toBe(200);
    const domain = {
      name: 'example.org',
      state: 'verified',
      verifiedBy: 'operator',
      addedAt: isoTime,
      stateSince: isoTime,
      returnPath: 'pending',
    };
    expect(answer.json).toEqual({ data: [domain], cursor: null });
  });

  it('shows the records to publish, the same each time', async () => {
    const first = await api.request('GET', '/v1/domains/EXAMPLE.org');
    const explanation = expect.any(String);
    expect(first.json.records).toEqual([
      {
        purpose: 'dkim',
        type: 'TXT',
        name: expect.stringMatching(/^ph\d{8}-[a-z2-7]{4}\._domainkey\.example\.org$/),
        value: expect.stringMatching(/^v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{300,}={0,2}$/),
        required: true,
        explanation,
        state: 'active',
      },
      {
        purpose: 'dkim',
        type: 'TXT',
        name: expect.stringMatching(/^ph\d{8}e-[a-z2-7]{4}\._domainkey\.example\.org$/),
        value: expect.stringMatching(/^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$/),
        required: false,
        explanation,
        state: 'active',
      },
      {
        purpose: 'return_path',
        type: 'CNAME',
        name: 'ph-bounces.example.org',
        value: 'bounces.relay.example',
        required: false,
        explanation,
      },
      {
        purpose: 'spf',
        type: 'TXT',
        name: 'bounces.relay.example',
        value: 'v=spf1 a:relay.example ~all',
        required: false,
        explanation,
      },
      {
        purpose: 'dmarc',
        type: 'TXT',
        name: '_dmarc.example.org',
        value: 'v=DMARC1; p=none; rua=mailto:postmaster@example.org',
        required: false,
        explanation,
      },
      ...[
        ['CNAME', 'autoconfig', 'relay.example'],
        ['SRV', '_imaps._tcp', '0 1 993 relay.example'],
        ['SRV', '_pop3s._tcp', '20 1 995 relay.example'],
        ['SRV', '_submissions._tcp', '0 1 465 relay.example'],
        ['SRV', '_submission._tcp', '10 1 587 relay.example'],
      ].map(([type, label, value]) => ({
        purpose: 'mail_program',
        type,
        name: `${label}.example.org`,
        value,
        required: false,
        explanation,
      })),
    ]);
    expect((await api.request('GET', '/v1/domains/example.org')).json).toEqual(first.json);
  });

  it("adds a domain on the operator's word, and mail may be sent from it at once", async () => {
    const body = { name: 'Bücher.example', assumeVerified: true };
    const added = await api.request('POST', '/v1/domains', { body });
    expect([added.status, added.json.name, added.json.state]).toEqual([201, 'xn--bcher-kva.example', 'verified']);
    expect((await api.request('POST', '/v1/domains', { body })).status).toBe(200);
    const mail = { from: 'a@bücher.example', to: 'b@c.example', text: 'x' };
    expect((await api.request('POST', '/v1/messages', { body: mail })).status).toBe(202);
    expect((await api.request('DELETE', `/v1/domains/${encodeURIComponent('bücher.example')}`)).status).toBe(204);
    const again = await api.request('DELETE', '/v1/domains/xn--bcher-kva.example');
    expect([again.status, again.json.code]).toEqual([404, 'not_found']);
  });

  it('adds a domain that may be sent from as soon as DNS shows its key', async () => {
    const key = await api.keyWith(['domains']);
    const mail = { from: 'a@proven.example', to: 'b@c.example', text: 'x' };
    const added = await api.request('POST', '/v1/domains', { body: { name: 'proven.example' }, key });
    expect([added.status, added.json.state, added.json.verifiedBy]).toEqual([201, 'pending', undefined]);
    const early = await api.request('POST', '/v1/messages', { body: mail });
    expect([early.status, early.json.detail]).toEqual([
      403,
      expect.stringContaining('proven.example is not a verified sending domain'),
    ]);

    const unpublished = await api.request('POST', '/v1/domains/proven.example/verify', { key });
    expect([unpublished.status, unpublished.json.state]).toEqual([200, 'pending']);
    expect(statuses(unpublished.json.records)).toEqual({
      dkim: 'missing',
      return_path: 'missing',
      spf: 'missing',
      dmarc: 'missing',
      mail_program: 'missing',
    });
    publish(await recordsOf('proven.example'));
    await api.redisClient.del('{ph:accounts}:domain-turn:default:proven.example');
    const verified = await api.request('POST', '/v1/domains/proven.example/verify', { key });
    expect(verified.json).toMatchObject({ state: 'verified', verifiedBy: 'dns', returnPath: 'verified' });
    expect(statuses(verified.json.records)).toEqual({
      dkim: 'ok',
      return_path: 'ok',
      spf: 'ok',
      dmarc: 'ok',
      mail_program: 'ok',
    });
    // What this very check has made of the keys.
    const shown = verified.json.records as readonly { readonly purpose: string; readonly state?: string }[];
    expect(shown.map(({ purpose, state }) => [purpose, state])).toEqual([
      ...[1, 2].map(() => ['dkim', 'active']),
      ...['return_path', 'spf', 'dmarc'].map((purpose) => [purpose, undefined]),
      ...Array.from({ length: 5 }, () => ['mail_program', undefined]),
    ]);
    expect((await api.request('POST', '/v1/messages', { body: mail })).status).toBe(202);
    expect(await api.counted('posthorn_domain_checks_total', { state: 'verified' })).toBe(1);
    expect((await api.request('POST', '/v1/domains', { body: { name: 'proven.example' }, key })).json.state).toBe(
      'verified',
    );
  });

  it('is asked to verify a domain once in a while only', async () => {
    await api.request('POST', '/v1/domains', { body: { name: 'eager.example' } });
    expect((await api.request('POST', '/v1/domains/eager.example/verify')).status).toBe(200);
    const again = await api.request('POST', '/v1/domains/eager.example/verify');
    expect([again.status, again.json.code]).toEqual([429, 'too_many_requests']);
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it("takes the operator's word for a domain that waits for DNS", async () => {
    await api.request('POST', '/v1/domains', { body: { name: 'waiting.example' } });
    const body = { name: 'waiting.example', assumeVerified: true };
    const said = await api.request('POST', '/v1/domains', { body });
    expect([said.status, said.json.state, said.json.verifiedBy]).toEqual([200, 'verified', 'operator']);
  });

  it('makes new keys, and takes none that is no key', async () => {
    await api.request('POST', '/v1/domains', { body: { name: 'keys.example', assumeVerified: true } });
    const rotated = await api.request('POST', '/v1/domains/keys.example/dkim/rotate');
    expect([rotated.status, (rotated.json.records as RecordView[])[0]?.purpose]).toEqual([200, 'dkim']);
    const body = { selector: 'old', privateKey: 'none' };
    const imported = await api.request('POST', '/v1/domains/keys.example/dkim/import', { body });
    expect([imported.status, imported.json.errors]).toEqual([
      422,
      [{ path: 'privateKey', message: expect.any(String) }],
    ]);
    const badSelector = await api.request('POST', '/v1/domains/keys.example/dkim/import', {
      body: { ...body, selector: 'a.b' },
    });
    expect(badSelector.json.errors).toEqual([
      { path: 'selector', message: expect.stringContaining('must be a selector') },
    ]);
    const missing = await api.request('POST', '/v1/domains/nowhere.example/dkim/rotate');
    expect([missing.status, missing.json.code]).toEqual([404, 'not_found']);
  });

  it('takes * for any domain, written either way in a path', async () => {
    const added = await api.request('POST', '/v1/domains', { body: { name: '*', assumeVerified: true } });
    expect([added.status, added.json.records]).toEqual([201, []]);
    expect((await api.request('GET', '/v1/domains/*')).json.name).toBe('*');
    expect((await api.request('GET', '/v1/domains/%2A')).json.name).toBe('*');
    expect((await api.request('POST', '/v1/domains/*/verify')).status).toBe(404);
    expect((await api.request('DELETE', '/v1/domains/%2A')).status).toBe(204);
    expect((await api.request('GET', '/v1/domains/*')).status).toBe(404);
  });

  it.each([
    [{ name: 'not a domain', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: '[192.0.2.1]', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: '192.0.2.1', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: '*.example.net', assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: `${'a.'.repeat(100)}example`, assumeVerified: true }, 'name', 'must be a domain'],
    [{ name: 'relay' }, 'assumeVerified', 'relay has no dot'],
    [{ name: '*' }, 'assumeVerified', 'only the operator can vouch for it'],
    [{ name: 'example.net', colour: 1 }, 'colour', 'no field'],
  ])('refuses %j', async (body, path, message) => {
    const answer = await api.request('POST', '/v1/domains', { body });
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
    expect(answer.json.errors).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  it.each([
    ['POST', '/v1/domains', { name: 'example.net', assumeVerified: true }],
    ['POST', '/v1/domains', { name: '*' }],
    ['GET', '/v1/domains?account=other', undefined],
    ['POST', '/v1/domains/example.org/dkim/import', { selector: 's', privateKey: 'k', assumePublished: true }],
  ])('needs the scope admin for %s %s %j', async (method, path, body) => {
    const answer = await api.request(method, path, { body, key: await api.keyWith(['domains']) });
    expect([answer.status, answer.json.detail]).toEqual([403, 'This API key lacks the scope admin']);
  });

  it('shows only with the scope domains', async () => {
    const list = await api.request('GET', '/v1/domains', { key: await api.keyWith(['send']) });
    expect([list.status, list.json.detail]).toEqual([403, 'This API key lacks the scope domains']);
    expect(list.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="domains"');
  });

  it('keeps the domains of accounts apart, and lets an admin act for another', async () => {
    await api.addAccount('other');
    const body = { name: 'other.example', assumeVerified: true };
    expect((await api.request('POST', '/v1/domains?account=other', { body })).status).toBe(201);
    const own = await api.request('GET', '/v1/domains', { key: await api.keyWith(['domains'], 'other') });
    expect((own.json.data as { name: string }[]).map(({ name }) => name)).toEqual(['other.example']);
    expect((await api.request('GET', '/v1/domains/other.example')).status).toBe(404);
    const nobody = await api.request('GET', '/v1/domains?account=nobody');
    expect([nobody.status, nobody.json.detail]).toEqual([404, 'There is no account "nobody"']);
    const unknown = await api.request('GET', '/v1/domains?acount=other');
    expect([unknown.status, unknown.json.code]).toEqual([422, 'invalid_input']);
  });
});
