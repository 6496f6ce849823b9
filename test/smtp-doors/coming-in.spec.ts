/** Who is let in at the SMTP doors, from where, and as whom: connection limits, failed logins, the PROXY protocol. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { refusal, type RefusalCause } from '../../src/submission/refusals.js';
import { RawSmtp } from '../e2e/raw-smtp.js';
import { RunningDoors } from './running-doors.js';

const SENDER = 'app@example.org';

let doors: RunningDoors;
let ca: string;
const open: RawSmtp[] = [];

beforeAll(async () => {
  doors = await RunningDoors.start();
  ca = doors.certificate.cert;
});

beforeEach(() => doors.forgetClients());

afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await doors.closeDoors();
});

afterAll(() => doors.stop());

function refused(cause: RefusalCause, detail: string | number = ''): string {
  const { code, enhanced, text } = refusal(cause, detail);
  return `${code} ${enhanced} ${text}`;
}

async function connected(port: number, tls?: string, localAddress?: string): Promise<RawSmtp> {
  const client = await RawSmtp.connect(port, tls, localAddress);
  open.push(client);
  return client;
}

/** The first thing that a client from `address` hears. */
async function greeting(port: number, tls?: string, address?: string): Promise<string> {
  return (await (await connected(port, tls, address)).reply()).text;
}

const GREETED = expect.stringMatching(/^220 relay\.example ESMTP/);

describe('a network with too many connections', () => {
  it.each(['starttls', 'implicit'] as const)('hears so in place of the greeting: %s', async (kind) => {
    const { port } = await doors.open(kind, { perNetwork: [2, 9, 9] });
    const tls = kind === 'implicit' ? ca : undefined;
    expect(await greeting(port, tls)).toEqual(GREETED);
    expect(await greeting(port, tls)).toEqual(GREETED);
    expect(await greeting(port, tls)).toBe(refused('too_many_connections', '127.0.0.1'));
    expect(await greeting(port, tls, '127.0.0.2')).toEqual(GREETED);
    expect(await doors.counted('posthorn_connections_refused_total', { reason: 'network' })).toBeGreaterThan(0);
  });

  it('may come on to the trusted door', async () => {
    const { port } = await doors.open('trusted', { perNetwork: [1, 1, 1] });
    for (let count = 0; count < 3; count++) expect(await greeting(port)).toEqual(GREETED);
  });

  it('is let in again as soon as one has ended', async () => {
    const { port } = await doors.open('starttls', { perNetwork: [2, 9, 9] });
    const [first] = [await connected(port), await connected(port)];
    const { user, password } = doors.first.smtp;
    await first?.reply();
    await first?.command('EHLO client.test');
    await first?.startTls(ca);
    expect((await first?.logIn(user, password))?.code).toBe(235);
    await first?.command('QUIT');
    await first?.untilClosed();
    // The end is counted a moment after it was said.
    for (let tries = 0; tries < 100; tries++) if ((await greeting(port)).startsWith('220')) return;
    throw new Error('it was never let in again');
  });
});

describe('a full process', () => {
  it('closes the oldest that has not logged in for one that comes', async () => {
    const { port } = await doors.open('starttls', { connectionsMax: 10 });
    const first = await connected(port);
    await first.reply();
    for (let count = 0; count < 7; count++) await greeting(port);
    expect(await greeting(port)).toEqual(GREETED);
    expect((await first.reply()).text).toBe(refused('too_many_connections', 'all clients together'));
    await first.untilClosed();
  });

  it('says so where all are known', async () => {
    const { port } = await doors.open('trusted', { connectionsMax: 3 });
    for (let count = 0; count < 3; count++) expect(await greeting(port)).toEqual(GREETED);
    expect(await greeting(port)).toBe(refused('too_many_connections', 'all clients together'));
    expect(await doors.counted('posthorn_connections_refused_total', { reason: 'process' })).toBe(1);
  });
});

describe('a stranger at the trusted door', () => {
  it('takes no place that another could have', async () => {
    const setup = { connectionsMax: 1, trustedNetworks: ['127.0.0.1/32'] };
    const { port } = await doors.open('trusted', setup);
    expect(await greeting(port)).toEqual(GREETED);
    const stranger = await connected(port, undefined, '127.0.0.2');
    // The one place is taken, and it is not asked for.
    expect((await stranger.reply()).text).toBe(refused('network_not_trusted', '127.0.0.2'));
    await stranger.untilClosed();
  });
});

describe('who guesses passwords', () => {
  let guesses = 0;

  /** Logs in from `address` until the door has had enough, never twice with the same; the replies. */
  async function guess(port: number, address: string, tries: number): Promise<string[]> {
    const heard: string[] = [];
    const client = await connected(port, ca, address);
    await client.reply();
    await client.command('EHLO client.test');
    for (let made = 0; made < tries; made++) {
      // What is tried again is not counted, where it is still remembered.
      const { text } = await client.logIn(`user${made % 3}@example.org`, `guess ${guesses++}`);
      heard.push(text);
      if (text.startsWith('421')) {
        await client.untilClosed();
        break;
      }
    }
    return heard;
  }

  it('hears no more of them after a while, is sent away, and not even greeted', async () => {
    const { port } = await doors.open('implicit');
    doors.guard.close();
    const first = await guess(port, '127.0.0.7', 19);
    expect(first).toEqual(Array(19).fill(refused('bad_credentials')));
    const [last, over] = [await guess(port, '127.0.0.7', 1), await guess(port, '127.0.0.8', 1)];
    expect(last).toEqual([refused('bad_credentials')]);
    expect(over).toEqual([refused('bad_credentials')]);
    expect(await greeting(port, ca, '127.0.0.7')).toMatch(
      /^421 4\.7\.0 Too many failed logins: .* try again in \d+ minutes$/,
    );
  });

  it('locks nobody out who has logged in from there before', async () => {
    const { port } = await doors.open('implicit');
    const { user, password } = doors.first.smtp;
    await doors.guard.succeeded('127.0.0.9');
    for (let made = 0; made < 25; made++) await doors.guard.failed(`user${made}`, `guess ${made}`, '127.0.0.9');
    const client = await connected(port, ca, '127.0.0.9');
    await client.reply();
    await client.command('EHLO client.test');
    const stranger = await client.logIn('somebody@example.org', 'guess');
    expect(stranger.text).toMatch(/^421 4\.7\.0 Too many failed logins/);
    const known = await connected(port, ca, '127.0.0.9');
    await known.reply();
    await known.command('EHLO client.test');
    expect((await known.logIn(user, password)).code).toBe(235);
    expect(await doors.counted('posthorn_auth_attempts_total', { outcome: 'locked' })).toBeGreaterThan(0);
  });
});

describe('behind a load balancer', () => {
  const PROXY = 'PROXY TCP4 203.0.113.77 192.0.2.1 50000 587\r\n';
  const proxied = { proxies: ['127.0.0.5/32'] };

  it.each(['starttls', 'implicit', 'trusted'] as const)('the client is who the header says: %s', async (kind) => {
    const { port } = await doors.open(kind, { ...proxied, perNetwork: [1, 9, 9], trustedNetworks: ['203.0.113.0/24'] });
    const heard: string[] = [];
    for (let count = 0; count < 2; count++) {
      const client = await RawSmtp.connectThrough(PROXY, port, kind === 'implicit' ? ca : undefined, '127.0.0.5');
      open.push(client);
      heard.push((await client.reply()).text);
    }
    const second = kind === 'trusted' ? GREETED : refused('too_many_connections', '203.0.113.77');
    expect(heard).toEqual([GREETED, second]);
  });

  it('the trusted networks are asked about the client, not about the balancer', async () => {
    const { port } = await doors.open('trusted', proxied);
    const client = await connected(port, undefined, '127.0.0.5');
    client.write(PROXY);
    expect((await client.reply()).text).toBe(refused('network_not_trusted', '203.0.113.77'));
  });

  it('a mapped address in hexadecimal is the IPv4 one', async () => {
    const { port } = await doors.open('trusted', { ...proxied, trustedNetworks: ['203.0.113.0/24'] });
    const client = await connected(port, undefined, '127.0.0.5');
    client.write('PROXY TCP6 ::ffff:cb00:714d 2001:db8::1 50000 2525\r\n');
    expect((await client.reply()).text).toEqual(GREETED);
  });

  it('the header may come in pieces, and of a balancer that speaks for itself', async () => {
    const { port } = await doors.open('trusted', proxied);
    const client = await connected(port, undefined, '127.0.0.5');
    for (const piece of ['PROXY UNK', 'NOWN anything', '\r', '\n']) {
      client.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.reply()).code).toBe(220);
    expect((await client.command('EHLO balancer.test')).code).toBe(250);
    const reply = await client.send(SENDER, ['a@example.net'], Buffer.from(`From: ${SENDER}\r\n\r\n`));
    expect(reply.code).toBe(250);
  });

  it.each([
    ['nothing', ''],
    ['another protocol', 'EHLO client.test\r\n'],
    ['a malformed header', 'PROXY TCP4 nobody nowhere 1 2\r\n'],
    ['a header without end', `PROXY UNKNOWN ${'x'.repeat(200)}`],
    ['version 2', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c'],
  ])('%s closes the connection without a word', async (_name, octets) => {
    const { port } = await doors.open('starttls', { ...proxied, times: { proxyHeaderMs: 200 } });
    const client = await connected(port, undefined, '127.0.0.5');
    client.write(octets);
    await client.untilClosed();
    await expect(client.reply()).rejects.toThrow();
  });

  it('a header of anybody else is an early command, and never believed', async () => {
    const { port } = await doors.open('trusted', proxied);
    await doors.guard.misbehaved('127.0.0.1');
    const client = await connected(port);
    client.write(PROXY);
    const { code } = await client.reply();
    // Too early where it came before the greeting, else no command.
    expect([421, 220]).toContain(code);
    if (code === 220) expect((await client.reply()).text).toMatch(/^500 5\.5\.2 /);
  });
});
