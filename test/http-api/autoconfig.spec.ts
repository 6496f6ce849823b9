/** What a mail program that knows only an address is told, over HTTP, whatever it asks for. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RunningApi, type Answer } from './running-api.js';

const PATHS = ['/mail/config-v1.1.xml', '/.well-known/autoconfig/mail/config-v1.1.xml'] as const;
const [PATH] = PATHS;

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start({ POSTHORN_PORT_BASE: '0' });
});

afterAll(() => api.stop());

function ask(address: string, options: Parameters<RunningApi['request']>[2] = { key: null }): Promise<Answer> {
  return api.request('GET', `${PATH}?emailaddress=${encodeURIComponent(address)}`, options);
}

interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** With a Host header of our own, whatever bytes that has. */
async function askHost(host: string, path: string = PATH): Promise<RawAnswer> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.end(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 'latin1'));
  const answer = await text(socket);
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body: rest.join('\r\n\r\n') };
}

/** A row of a table whose title does not hold 10 KB. */
function named(text: string): [string, string] {
  return [text.slice(0, 40), text];
}

function domainIn(xml: string): string | undefined {
  return /<domain>(.*)<\/domain>/.exec(xml)?.[1];
}

describe('the configuration of a mail program', () => {
  it.each(PATHS)('is given without a login: %s', async (path) => {
    const answer = await api.request('GET', `${path}?emailaddress=ann%40example.org`, { key: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=3600');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const server = (element: string, type: string, port: number, socketType: string) =>
      expect.stringMatching(
        new RegExp(
          `<${element} type="${type}">\\s*<hostname>relay\\.example</hostname>\\s*<port>${port}</port>\\s*` +
            `<socketType>${socketType}</socketType>\\s*<authentication>password-cleartext</authentication>\\s*` +
            `<username>%EMAILADDRESS%</username>[^]*</${element}>`,
        ),
      );
    expect(answer.text).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<clientConfig version="1\.1">\n/);
    expect(answer.text).toContain('<emailProvider id="example.org">\n    <domain>example.org</domain>\n');
    expect(answer.text.match(/<(incoming|outgoing)Server[^]*?<\/\1Server>/g)).toEqual([
      server('incomingServer', 'imap', 993, 'SSL'),
      server('incomingServer', 'imap', 143, 'STARTTLS'),
      server('incomingServer', 'pop3', 995, 'SSL'),
      server('incomingServer', 'pop3', 110, 'STARTTLS'),
      server('outgoingServer', 'smtp', 465, 'SSL'),
      server('outgoingServer', 'smtp', 587, 'STARTTLS'),
    ]);
  });

  it('is the same for every domain, known or not, and for every user', async () => {
    const known = await ask('ann@example.org');
    const stranger = await ask('default@stranger.example');
    expect([known.status, stranger.status]).toEqual([200, 200]);
    expect(stranger.text).toBe(known.text.replaceAll('example.org', 'stranger.example'));
    expect((await ask('nobody@example.org')).text).toBe(known.text);
  });

  it('asks for no key and counts none, also where one is sent', async () => {
    const before = await api.counted('posthorn_auth_attempts_total', { door: 'http', outcome: 'refused' });
    expect((await ask('ann@example.org', { key: 'ph_wrong' })).status).toBe(200);
    expect(await api.counted('posthorn_auth_attempts_total', { door: 'http', outcome: 'refused' })).toBe(before);
  });

  it.each([
    ['autoconfig.example.org', 'example.org'],
    ['AutoConfig.Example.ORG:8080', 'example.org'],
    ['example.org', 'example.org'],
    ['autoconfig.example', 'autoconfig.example'],
    ['autoconfig.autoconfig.example', 'autoconfig.example'],
  ])('is that of the host where no address is given: %s', async (host, domain) => {
    for (const path of PATHS) {
      const answer = await askHost(host, path);
      expect([answer.status, domainIn(answer.body)]).toEqual([200, domain]);
    }
  });

  it('is that of the address, whatever the host', async () => {
    expect(domainIn((await askHost('autoconfig.other.example', `${PATH}?emailaddress=a@example.org`)).body)).toBe(
      'example.org',
    );
  });

  it.each([
    ['ann@bücher.example', 'xn--bcher-kva.example'],
    ['jürgen@Example.ORG', 'example.org'],
    ['"a b"@example.org', 'example.org'],
  ])('is in A-labels: %s', async (address, domain) => {
    expect(domainIn((await ask(address)).text)).toBe(domain);
  });

  it('is given to programs that do not encode a plus, and that have parameters of their own', async () => {
    const answer = await api.request('GET', `${PATH}?emailaddress=ann+shop@example.org&emailmd5=0123`, { key: null });
    expect([answer.status, domainIn(answer.text)]).toEqual([200, 'example.org']);
  });

  it('leaves out what is off, and is none without a server to fetch mail from', async () => {
    const off = {
      POSTHORN_PORT_BASE: '0',
      POSTHORN_IMAP_PORT: '0',
      POSTHORN_POP3_PORT: '0',
      POSTHORN_POP3S_PORT: '0',
    };
    for (const [imapsPort, status, ports] of [
      ['2993', 200, ['2993', '465', '587']],
      ['0', 404, undefined],
    ] as const) {
      const other = await RunningApi.start({ ...off, POSTHORN_IMAPS_PORT: imapsPort });
      try {
        const answer = await other.request('GET', `${PATH}?emailaddress=a@example.org`, { key: null });
        expect(answer.status).toBe(status);
        expect(answer.text.match(/(?<=<port>)\d+/g) ?? undefined).toEqual(ports);
      } finally {
        await other.stop();
      }
    }
  });
});

describe('what is no address', () => {
  it.each(
    [
      '',
      'ann',
      '@example.org',
      'ann@',
      'ann@exa<mple.org',
      'ann@example.org"><x y="',
      'ann@example.org\r\nSet-Cookie: a=b',
      'ann@example.org\0',
      '<script>@example.org',
      'ann@[192.0.2.1]',
      'ann@192.0.2.1',
      'ann@-example.org',
      'ann@example..org',
      `ann@${'a.'.repeat(130)}example`,
      `${'a'.repeat(10_240)}@example.org`,
      `ann@${'a'.repeat(10_240)}.example`,
    ].map(named),
  )('is refused by its name: %j', async (_, address) => {
    const answer = await ask(address);
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid_input']);
    expect(answer.json.errors).toEqual([{ path: 'emailaddress', message: expect.stringMatching(/^must be /) }]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text.length).toBeLessThan(1_000);
  });

  it('is refused where it is said twice', async () => {
    const answer = await api.request('GET', `${PATH}?emailaddress=a@b.example&emailaddress=a@c.example`, { key: null });
    expect([answer.status, answer.json.errors]).toEqual([
      422,
      [{ path: 'emailaddress', message: expect.stringContaining('more than once') }],
    ]);
  });

  it('never comes back as anything but a domain, whatever it is', async () => {
    const part = fc.string({ unit: 'binary', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(part, fc.oneof(fc.domain(), part), async (local, domain) => {
        const answer = await ask(`${local.toWellFormed()}@${domain.toWellFormed()}`);
        expect([200, 422]).toContain(answer.status);
        if (answer.status === 200) expect(domainIn(answer.text)).toMatch(/^[a-z0-9_.-]{1,253}$/);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a host that is no domain', () => {
  it.each(
    [
      '127.0.0.1:8080',
      '[::1]:8080',
      'autoconfig.<x>.example',
      'autoconfig."x".example',
      'autoconfig.b\xfccher.example',
      'example.org/x',
      'a@example.org',
      'example.org:99999',
      'autoconfig.exa\x01mple.org',
      '',
      `autoconfig.${'a'.repeat(10_240)}.example`,
    ].map(named),
  )('is answered with a problem: %j', async (_, host) => {
    const answer = await askHost(host);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});

it('takes no other method, and says which', async () => {
  for (const path of PATHS) {
    const answer = await api.request('POST', path, { key: null, body: '{}' });
    expect([answer.status, answer.json.code]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    const head = await api.request('HEAD', `${path}?emailaddress=a@example.org`, { key: null });
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'text/xml; charset=utf-8']);
  }
});

it('opens nothing else', async () => {
  for (const path of ['/v1/domains', '/v1/messages/x', '/mail', '/.well-known']) {
    expect([401, 404]).toContain((await api.request('GET', path, { key: null })).status);
  }
});
