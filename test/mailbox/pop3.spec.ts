/** What POP3 says and does for who has logged in, octet by octet, over a real store. RFC 1939. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Pop3Client } from './pop3-client.js';
import { RawLines } from './raw-lines.js';
import { RunningMailbox, type OpenMailboxDoor, type Owner } from './running-mailbox.js';

const FIRST = 'Subject: one\r\n\r\n.dot\r\n..\r\nend\r\n';
const SECOND = 'Subject: two\r\nX: y\r\n\r\nline 1\r\n.\r\nline 3\r\n';

let running: RunningMailbox;
let door: OpenMailboxDoor;
let owner: Owner;

beforeAll(async () => {
  running = await RunningMailbox.start();
  door = await running.open('pop3');
});

beforeEach(async () => {
  owner = await running.owner();
  await running.append(owner, FIRST, SECOND);
});

afterEach(() => {
  Pop3Client.closeAll();
  expect(door.failures).toEqual([]);
});

afterAll(() => running.stop());

const client = (who = owner): Promise<Pop3Client> => Pop3Client.loggedIn(running, door, who);

describe('the maildrop', () => {
  it('is told in numbers and octets', async () => {
    const pop = await client();
    const total = FIRST.length + SECOND.length;
    expect(await pop.command('STAT')).toBe(`+OK 2 ${String(total)}`);
    expect(await pop.listing('LIST')).toEqual([`1 ${String(FIRST.length)}`, `2 ${String(SECOND.length)}`]);
    expect(await pop.command('LIST 2')).toBe(`+OK 2 ${String(SECOND.length)}`);
    expect(await pop.command('list 02 ')).toBe(`+OK 2 ${String(SECOND.length)}`);
  });

  it('is as it was at login', async () => {
    const pop = await client();
    await running.append(owner, FIRST);
    expect(await pop.command('STAT')).toMatch(/^\+OK 2 /);
    expect(await (await client()).command('STAT')).toMatch(/^\+OK 3 /);
  });

  it('may be empty', async () => {
    const pop = await client(await running.owner());
    expect(await pop.command('STAT')).toBe('+OK 0 0');
    expect(await pop.listing('LIST')).toEqual([]);
    expect(await pop.listing('UIDL')).toEqual([]);
    expect(await pop.command('RETR 1')).toMatch(/^-ERR /);
  });

  it('is INBOX without what was archived, under the uids of IMAP', async () => {
    await running.append(owner, FIRST);
    const mailbox = await (await running.rig.process()).open(owner.account);
    await mailbox.archive([2]);
    mailbox.release();
    const pop = await client();
    expect(await pop.listing('UIDL')).toEqual(['1 1', '2 3']);
    expect(await pop.command('UIDL 2')).toBe('+OK 2 3');
  });

  it('of 3,000 messages is told whole', async () => {
    const many = await running.owner();
    await running.append(many, ...Array.from({ length: 3_000 }, () => FIRST));
    const uids = await (await client(many)).listing('UIDL');
    expect(uids).toEqual(Array.from({ length: 3_000 }, (_, index) => `${String(index + 1)} ${String(index + 1)}`));
  });
});

describe('a message', () => {
  it('comes with its dots doubled and ends in a dot', async () => {
    const pop = await client();
    const expected = `+OK ${String(FIRST.length)} octets\r\nSubject: one\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n`;
    pop.lines.write('RETR 1\r\n');
    expect((await pop.lines.octets(expected.length)).toString()).toBe(expected);
    expect(await pop.command('NOOP')).toMatch(/^\+OK/);
  });

  it('comes in part', async () => {
    const pop = await client();
    expect(await pop.listing('TOP 2 0')).toEqual(['Subject: two', 'X: y', '']);
    expect(await pop.listing('TOP 2 2')).toEqual(['Subject: two', 'X: y', '', 'line 1', '.']);
    expect(await pop.listing('TOP 2 99999999')).toEqual(SECOND.split('\r\n').slice(0, -1));
  });

  it('of any octets comes as it is', async () => {
    const body = Buffer.concat([Buffer.from('A: b\r\n\r\n'), Buffer.from([0, 255, 13, 46, 128]), Buffer.from('\r\n')]);
    await running.append(owner, body);
    const pop = await client();
    expect(Buffer.from(`${(await pop.listing('RETR 3')).join('\r\n')}\r\n`, 'latin1')).toEqual(body);
  });

  it('is as large as LIST says, up to megabytes', async () => {
    const content = `A: b\r\n\r\n${'.'.padEnd(900, 'x')}\r\n`.repeat(5_000);
    await running.append(owner, content);
    const pop = await client();
    const lines = await pop.listing('RETR 3');
    expect(`${lines.join('\r\n')}\r\n` === content).toBe(true);
    expect(await pop.command('LIST 3')).toBe(`+OK 3 ${String(content.length)}`);
  });

  it('is seen in IMAP after RETR, and not after TOP', async () => {
    const pop = await client();
    await pop.listing('TOP 1 10');
    await pop.listing('RETR 2');
    const mailbox = await (await running.rig.process()).open(owner.account);
    expect(mailbox.folder('INBOX').reports.map(({ flags }) => flags)).toEqual([[], ['\\Seen']]);
    mailbox.release();
  });

  it('comes also where Redis has no room to mark it as seen', async () => {
    const pop = await client();
    const { redis } = running.rig;
    await redis.config('SET', 'maxmemory', '1');
    try {
      expect(await pop.listing('RETR 2')).toEqual(SECOND.split('\r\n').slice(0, -1));
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });

  it('that is gone meanwhile is refused, and the others are not', async () => {
    const pop = await client();
    const mailbox = await (await running.rig.process()).open(owner.account);
    await mailbox.remove([1]);
    mailbox.release();
    expect(await pop.commands('RETR 1', 'TOP 1 1')).toEqual(Array(2).fill(expect.stringMatching(/^-ERR .*no longer/)));
    expect(await pop.listing('RETR 2')).toEqual(SECOND.split('\r\n').slice(0, -1));
    // RFC 1939 section 6 lets QUIT say what it will of a message that is gone already.
    expect(await pop.commands('DELE 1', 'QUIT')).toEqual(Array(2).fill(expect.stringMatching(/^\+OK/)));
  });
});

describe('a deletion', () => {
  it('is done by QUIT, and IMAP sees it', async () => {
    const mailbox = await (await running.rig.process()).open(owner.account);
    const pop = await client();
    expect(await pop.command('DELE 1')).toMatch(/^\+OK/);
    await mailbox.refresh();
    expect(mailbox.folder('INBOX').reports).toHaveLength(2);
    expect(await pop.quit()).toMatch(/^\+OK/);
    await mailbox.refresh();
    expect(mailbox.folder('INBOX').reports.map(({ uid }) => uid)).toEqual([2]);
    mailbox.release();
  });

  it('hides the message in its session, and RSET brings it back', async () => {
    const pop = await client();
    await pop.command('DELE 1');
    expect(await pop.commands('RETR 1', 'TOP 1 0', 'LIST 1', 'UIDL 1', 'DELE 1')).toEqual(
      Array(5).fill(expect.stringMatching(/^-ERR .*deleted/)),
    );
    expect(await pop.command('STAT')).toBe(`+OK 1 ${String(SECOND.length)}`);
    expect(await pop.listing('LIST')).toEqual([`2 ${String(SECOND.length)}`]);
    expect(await pop.command('RSET')).toMatch(/^\+OK/);
    expect(await pop.command('STAT')).toMatch(/^\+OK 2 /);
    await pop.quit();
    expect(await (await client()).command('STAT')).toMatch(/^\+OK 2 /);
  });

  it('is none where the session ends without QUIT', async () => {
    const pop = await client();
    await pop.command('DELE 1');
    pop.lines.finish();
    await pop.lines.ended();
    expect(await (await client()).command('STAT')).toMatch(/^\+OK 2 /);
  });

  it('is answered and not done for a login that may only read', async () => {
    const reader = await client(await running.owner(['mailbox:read'], owner.account));
    expect(await reader.listing('RETR 1')).toHaveLength(5);
    expect(await reader.command('DELE 1')).toMatch(/^\+OK .*only read/);
    expect(await reader.quit()).toMatch(/^\+OK/);
    const mailbox = await (await running.rig.process()).open(owner.account);
    expect(mailbox.folder('INBOX').reports.map(({ flags }) => flags)).toEqual([[], []]);
    mailbox.release();
  });

  it('that cannot be done is told, and so is a message that cannot be read', async () => {
    const connection = await running.rig.own.connect();
    const other = await running.open('pop3', 'implicit', { store: running.rig.store(connection) });
    const pop = await Pop3Client.loggedIn(running, other, owner);
    await pop.command('DELE 1');
    connection.disconnect();
    expect(await pop.command('RETR 2')).toMatch(/^-ERR \[SYS\/TEMP\] /);
    expect(await pop.command('STAT')).toMatch(/^\+OK 1 /);
    expect(await pop.quit()).toMatch(/^-ERR \[SYS\/TEMP\] /);
    expect(await (await client()).command('STAT')).toMatch(/^\+OK 2 /);
  });
});

it('a client that never reads holds up its own session only', async () => {
  const big = await running.owner();
  await running.append(big, `A: b\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(50_000)}`);
  const slow = await client(big);
  slow.lines.pause();
  slow.lines.write('RETR 1\r\n'.repeat(50));
  expect(await (await client(big)).listing('TOP 1 1')).toHaveLength(3);
  slow.lines.resume();
  expect(await slow.lines.line()).toMatch(/^\+OK 5/);
  expect(await slow.rest()).toHaveLength(50_002);
});

it('a connection that is lost frees its place', async () => {
  const before = await running.sessionsOf('pop3');
  const { port } = door;
  const lines = await RawLines.connect(port, running.certificate.cert);
  lines.write(`USER ${owner.user}\r\nPASS ${owner.password}\r\nSTAT\r\n`);
  await lines.lines((line) => line.startsWith('+OK 2 '));
  expect(await running.sessionsOf('pop3')).toBe(before + 1);
  lines.close();
  while ((await running.sessionsOf('pop3')) > before) await running.rig.redis.ping();
});
