/** What an IMAP session may cost, who makes room, and how sessions end from our side. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { ImapRig } from './imap-rig.js';
import { RETENTION_MS } from './mailbox-rig.js';
import { RawLines } from './raw-lines.js';
import { HOSTNAME, type OpenMailboxDoor } from './running-mailbox.js';

const rig = ImapRig.ofSuite();

afterEach(() => rig.running.forgetClients());

async function lastWords(lines: RawLines): Promise<string> {
  const words = await lines.ended();
  lines.close();
  return words;
}

const connect = ({ port }: OpenMailboxDoor): Promise<RawLines> => RawLines.connect(port, rig.running.certificate.cert);

/** A store that notes what is read of it, and holds readings up where it is told to. */
class WatchedStore extends RedisReportMailbox {
  octetsRead = 0;
  held: Promise<void> = Promise.resolve();
  private asked: () => void = () => undefined;
  /** Resolves when contents are asked for. */
  readonly isAsked = new Promise<void>((resolve) => (this.asked = resolve));

  override async contents(...[account, reports]: Parameters<RedisReportMailbox['contents']>) {
    this.octetsRead += reports.reduce((sum, { octets }) => sum + octets, 0);
    this.asked();
    await this.held;
    return super.contents(account, reports);
  }
}

function watchedStore(): WatchedStore {
  const { redis, clock, log } = rig.running.rig;
  return new WatchedStore(redis, RETENTION_MS, clock, log);
}

describe('limits', () => {
  it('of the sessions of an account: one too many is refused, until another ends', async () => {
    const door = await rig.open({ perAccount: 2 });
    const [owner, other] = [await rig.owner(), await rig.owner()];
    const first = await rig.logIn(owner, door);
    await rig.logIn(owner, door);
    const third = await rig.stranger(door);
    expect(await third.end(`LOGIN ${owner.user} ${owner.password}`)).toMatch(/^NO \[LIMIT\] .* too many sessions/);
    await rig.logIn(other, door);
    await first.ok('LOGOUT');
    await first.lines.ended();
    expect(await third.end(`LOGIN ${owner.user} ${owner.password}`)).toMatch(/^OK /);
  });

  it('of the connections of a network: one too many is told so, and who logs in counts no more', async () => {
    const door = await rig.open({ perNetwork: [2, 2, 2] });
    const lines = [await connect(door), await connect(door)];
    for (const each of lines) expect(await each.line()).toMatch(/^\* OK /);
    expect(await lastWords(await connect(door))).toMatch(/^\* BYE Too many connections [^\r]*\r\n$/);
    const { user, password } = await rig.owner();
    lines[0]?.write(`a LOGIN ${user} ${password}\r\n`);
    expect(await lines[0]?.line()).toMatch(/^a OK /);
    const next = await connect(door);
    expect(await next.line()).toMatch(/^\* OK /);
    for (const each of [...lines, next]) each.close();
  });

  it('of the connections of a process: the oldest stranger makes room, and nobody who has logged in', async () => {
    const door = await rig.open({ connectionsMax: 5 });
    const session = await rig.logIn(await rig.owner(), door);
    const strangers = [await connect(door), await connect(door), await connect(door)];
    for (const each of strangers) await each.line();
    const next = await connect(door);
    expect(await next.line()).toMatch(/^\* OK /);
    expect(await lastWords(strangers[0] ?? next)).toMatch(/^\* BYE Too many connections: log in sooner\r\n$/);
    expect(await session.end('NOOP')).toMatch(/^OK /);
    for (const each of [...strangers, next]) each.close();
  });
});

describe('behind a load balancer', () => {
  it('a client is who the balancer says, and counts as that', async () => {
    const door = await rig.open({ kind: 'starttls', proxies: ['127.0.0.1/32'], perNetwork: [1, 5, 5] });
    const through = async (client: string): Promise<RawLines> => {
      const lines = await RawLines.connect(door.port);
      lines.write(`PROXY TCP4 ${client} 127.0.0.1 4000 143\r\n`);
      return lines;
    };
    const [one, two] = [await through('192.0.2.1'), await through('198.51.100.2')];
    for (const lines of [one, two]) expect(await lines.line()).toMatch(/^\* OK /);
    expect(await lastWords(await through('192.0.2.1'))).toMatch(/^\* BYE Too many connections \(192\.0\.2\.1\)/);
    const without = await RawLines.connect(door.port);
    without.write('a NOOP\r\n');
    expect(await lastWords(without)).toBe('');
    for (const lines of [one, two]) lines.close();
  });
});

describe('a certificate that is renewed', () => {
  it('is shown to who comes, and sessions that are open go on', async () => {
    const door = await rig.open();
    const owner = await rig.owner();
    const client = await rig.logIn(owner, door);
    const fresh = await createSelfSignedCertificate(HOSTNAME);
    door.door.replaceCertificate(fresh);
    await expect(connect(door)).rejects.toThrow();
    const next = await RawLines.connect(door.port, fresh.cert);
    expect(await next.line()).toMatch(/^\* OK /);
    expect(await client.end('NOOP')).toMatch(/^OK /);
    next.close();
  });
});

describe('a client that', () => {
  it('never reads holds up itself alone, and a bounded buffer', async () => {
    const store = watchedStore();
    const door = await rig.open({ store });
    const content = Buffer.from(`Subject: large\r\n\r\n${'x'.repeat(98)}\r\n`.padEnd(100_000, 'y'));
    const owner = await rig.owner(...Array.from({ length: 20 }, () => ({ content })));
    const [client, other] = [await rig.select(owner, 'INBOX', door), await rig.select(owner, 'INBOX', door)];
    client.lines.pause();
    for (let i = 0; i < 50; i++) client.send('FETCH 1:* BODY.PEEK[]');
    // What the system takes it takes at once; then no more is read of the 100 MB.
    let before = -1;
    while (before !== store.octetsRead) {
      before = store.octetsRead;
      for (let i = 0; i < 50; i++) await other.ok('NOOP');
    }
    expect(before).toBeLessThan(25_000_000);
    expect(await other.ok('FETCH 1 BODY.PEEK[]<0.14>')).toEqual(['1 FETCH (BODY[]<0> {14}\r\nSubject: large)']);
    client.close();
    while ((await rig.running.sessionsOf('imap')) > 1) await new Promise(setImmediate);
  });

  it('vanishes within a literal is forgotten', async () => {
    const client = await rig.logIn(await rig.owner());
    client.lines.write('a SELECT {10}\r\n');
    await client.lines.line();
    client.lines.write('INB');
    client.close();
    while ((await rig.running.sessionsOf('imap')) > 0) await new Promise(setImmediate);
  });

  it('does not speak TLS is closed, and others come in', async () => {
    const door = await rig.open();
    const lines = await RawLines.connect(door.port);
    lines.write('a LOGIN user password\r\n');
    await lines.ended();
    lines.close();
    expect(await (await rig.logIn(await rig.owner(), door)).end('NOOP')).toMatch(/^OK /);
  });
});

describe('a login that is revoked', () => {
  it('ends its sessions at the next command', async () => {
    const owner = await rig.owner({});
    const client = await rig.select(owner);
    const other = await rig.logIn(await rig.running.owner(['mailbox'], owner.account));
    await rig.running.revoke(owner);
    client.send('FETCH 1 FLAGS');
    expect(await client.lines.ended()).toMatch(/^\* BYE [^\r]*no longer good\r\n$/);
    expect(await other.end('NOOP')).toMatch(/^OK /);
  });

  it('ends its sessions that say nothing, in IDLE and without', async () => {
    const owner = await rig.owner({});
    const [idling, quiet] = [await rig.select(owner), await rig.select(owner)];
    await idling.idle();
    await rig.running.revoke(owner);
    for (const client of [idling, quiet]) {
      expect(await client.lines.ended()).toMatch(/^\* BYE [^\r]*no longer good\r\n$/);
    }
  });

  it('ends its sessions in the middle of an answer, which is not gone on with', async () => {
    const store = watchedStore();
    const holding = Promise.withResolvers<void>();
    store.held = holding.promise;
    const owner = await rig.owner({});
    const client = await rig.select(owner, 'INBOX', await rig.open({ store }));
    client.send('FETCH 1 BODY.PEEK[]');
    await store.isAsked;
    await rig.running.revoke(owner);
    expect(await client.lines.ended()).toBe('');
    holding.resolve();
  });

  it('ends with its account', async () => {
    const owner = await rig.owner({});
    const client = await rig.select(owner);
    await rig.running.accounts.remove(owner.account);
    rig.running.rig.clock.nowMs += 1_001;
    client.send('NOOP');
    expect(await client.lines.ended()).toMatch(/^\* BYE /);
  });
});

describe('a door that closes', () => {
  it('says goodbye to who waits, and to who is in IDLE', async () => {
    const door = await rig.open();
    const owner = await rig.owner({});
    const [waiting, idling] = [await rig.logIn(owner, door), await rig.select(owner, 'INBOX', door)];
    const stranger = await connect(door);
    await stranger.line();
    await idling.idle();
    const closed = door.door.close();
    for (const lines of [waiting.lines, idling.lines, stranger]) {
      expect(await lastWords(lines)).toMatch(/^\* BYE The server is shutting down[^\r]*\r\n$/);
    }
    await closed;
  });

  it('says goodbye to who is within a literal, or has half a line', async () => {
    const door = await rig.open();
    const owner = await rig.owner();
    const [literal, half] = [await rig.logIn(owner, door), await rig.logIn(owner, door)];
    literal.lines.write('a SELECT {5}\r\n');
    await literal.lines.line();
    literal.lines.write('IN');
    half.lines.write('a NOO');
    const closed = door.door.close();
    for (const { lines } of [literal, half]) expect(await lastWords(lines)).toMatch(/^\* BYE [^\r]*\r\n$/);
    await closed;
  });

  it('lets a command end that is under way', async () => {
    const store = watchedStore();
    const door = await rig.open({ store });
    const client = await rig.select(await rig.owner('Subject: x\r\n\r\n'), 'INBOX', door);
    const { promise, resolve } = Promise.withResolvers<void>();
    store.held = promise;
    const tag = client.send('FETCH 1 BODY.PEEK[HEADER]');
    await store.isAsked;
    const closed = door.door.close();
    resolve();
    expect(await client.answer(tag)).toMatchObject({
      untagged: ['1 FETCH (BODY[HEADER] {14}\r\nSubject: x\r\n\r\n)'],
      end: 'OK FETCH completed',
    });
    expect(await lastWords(client.lines)).toMatch(/^\* BYE [^\r]*\r\n$/);
    await closed;
  });
});
