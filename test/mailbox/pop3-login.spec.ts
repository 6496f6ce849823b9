/** How POP3 lets people in, keeps others out, and ends sessions. RFC 1939, 2449, 2595, 3206, 5034. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LoginGuard } from '../../src/listeners/login-guard.js';
import { plain, Pop3Client } from './pop3-client.js';
import { HOSTNAME, RunningMailbox, type OpenMailboxDoor, type Owner } from './running-mailbox.js';

const ALWAYS = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'IMPLEMENTATION Posthorn'];

let running: RunningMailbox;
let implicit: OpenMailboxDoor;
let starttls: OpenMailboxDoor;
let owner: Owner;
let ca: string;

beforeAll(async () => {
  running = await RunningMailbox.start();
  ca = running.certificate.cert;
  implicit = await running.open('pop3', 'implicit');
  starttls = await running.open('pop3', 'starttls');
});

beforeEach(async () => {
  await running.forgetClients();
  owner = await running.owner();
  await running.append(owner, 'A: b\r\n\r\n');
});

afterEach(() => {
  Pop3Client.closeAll();
  expect([...implicit.failures, ...starttls.failures]).toEqual([]);
});

afterAll(() => running.stop());

describe('before TLS', () => {
  it('STLS is offered, and no login', async () => {
    const pop = await Pop3Client.connect(starttls);
    expect(pop.greeting).toBe(`+OK ${HOSTNAME} Posthorn is ready`);
    expect(await pop.listing('CAPA')).toEqual([...ALWAYS, 'STLS']);
  });

  it('a login is refused, right or wrong, and told what to do', async () => {
    const pop = await Pop3Client.connect(starttls);
    const refused = Array(4).fill(expect.stringMatching(/^-ERR .*STLS/));
    expect(
      await pop.commands(
        ...[`USER ${owner.user}`, `PASS ${owner.password}`],
        ...[`AUTH PLAIN ${plain(owner)}`, 'AUTH PLAIN'],
      ),
    ).toEqual(refused);
    expect(await pop.command('STAT')).toMatch(/^-ERR Log in first/);
  });

  it('STLS leads to a login', async () => {
    const pop = await Pop3Client.connect(starttls);
    expect(await pop.command('stls')).toMatch(/^\+OK/);
    await pop.lines.startTls(ca);
    expect(await pop.listing('CAPA')).toEqual([...ALWAYS, 'USER', 'SASL PLAIN']);
    expect(await pop.command('STLS')).toMatch(/^-ERR/);
    expect(await pop.commands(`USER ${owner.user}`, `PASS ${owner.password}`, 'STAT', 'QUIT')).toEqual(
      ['+OK', '+OK Logged in: 1 messages', '+OK 1 8', '+OK'].map((text) => expect.stringContaining(text)),
    );
  });

  it('what is pipelined behind STLS is not taken for what comes under TLS', async () => {
    const pop = await Pop3Client.connect(starttls);
    pop.lines.write('STLS\r\nCAPA\r\n');
    expect(await pop.lines.ended()).toMatch(/^-ERR [^\r]*\r\n$/);
  });
});

describe('a login', () => {
  let pop: Pop3Client;

  beforeEach(async () => {
    pop = await Pop3Client.connect(implicit, ca);
  });

  it('by USER and PASS may come with all that follows', async () => {
    pop.lines.write(`user ${owner.user}\r\npass ${owner.password}\r\nSTAT\r\nQUIT\r\n`);
    expect(await pop.lines.ended()).toMatch(/^\+OK .*\r\n\+OK .*\r\n\+OK 1 8\r\n\+OK .*\r\n$/);
  });

  it('by AUTH PLAIN needs no more than its response', async () => {
    expect(await pop.command(`auth plain ${plain(owner)}`)).toMatch(/^\+OK Logged in/);
    expect(await pop.listing('CAPA')).toContain('SASL PLAIN');
  });

  it('by AUTH PLAIN may wait to be asked', async () => {
    expect(await pop.commands('AUTH PLAIN', plain(owner), 'STAT')).toEqual([
      '+ ',
      expect.stringMatching(/^\+OK Logged in/),
      '+OK 1 8',
    ]);
  });

  it.each([
    ['a cancellation', '*', /^-ERR AUTH was cancelled/],
    ['nothing', '=', /^-ERR /],
    ['an empty line', '', /^-ERR .*PLAIN/],
    ['no base64', 'a b', /^-ERR .*base64/],
    ['a command', 'QUIT', /^-ERR .*PLAIN/],
    ['a long line', 'x'.repeat(8 * 1024 + 1), /^-ERR .*long/],
    ['the name of another', Buffer.from('other\0user\0password').toString('base64'), /^-ERR \[AUTH\] /],
  ])('by AUTH PLAIN is none with %s, and may be tried again', async (_, response, refusal) => {
    expect(await pop.commands('AUTH PLAIN', response)).toEqual(['+ ', expect.stringMatching(refusal)]);
    expect(await pop.command(`AUTH PLAIN ${plain(owner)}`)).toMatch(/^\+OK/);
  });

  it('by another mechanism is refused', async () => {
    expect(await pop.commands('AUTH LOGIN', 'AUTH CRAM-MD5', 'AUTH', 'AUTH PLAIN a b')).toEqual(
      Array(4).fill(expect.stringMatching(/^-ERR /)),
    );
  });

  it('with a wrong password or an unknown name is answered alike', async () => {
    const wrong = await pop.commands(`USER ${owner.user}`, 'PASS wrong', 'USER nobody', 'PASS wrong');
    expect(wrong).toEqual([wrong[2], wrong[3], wrong[0], wrong[1]]);
    expect(wrong[1]).toMatch(/^-ERR \[AUTH\] /);
    expect(await pop.command(`AUTH PLAIN ${plain({ ...owner, password: 'wrong' })}`)).toBe(wrong[1]);
  });

  it('needs USER before each PASS', async () => {
    expect(await pop.command(`PASS ${owner.password}`)).toMatch(/^-ERR Say USER/);
    await pop.commands(`USER ${owner.user}`, 'PASS wrong');
    expect(await pop.command(`PASS ${owner.password}`)).toMatch(/^-ERR Say USER/);
  });

  it('of 8-bit octets and spaces is tried as it is', async () => {
    expect(await pop.commands('USER \xc3\xa9 x', 'PASS  \xff  ')).toEqual([
      expect.stringMatching(/^\+OK/),
      expect.stringMatching(/^-ERR \[AUTH\] /),
    ]);
  });

  it('without a scope for the mailbox is told so', async () => {
    const sender = await running.owner(['smtp']);
    expect(await pop.command(`AUTH PLAIN ${plain(sender)}`)).toMatch(/^-ERR \[AUTH\] .*scope mailbox/);
  });

  it('that fails ten times ends the session', async () => {
    // In a network that is locked they are answered at once.
    const guard = new LoginGuard(running.rig.redis, running.rig.clock);
    for (let n = 0; n < 20; n++) void guard.failed(`user${String(n)}`, 'wrong', '127.0.0.1');
    await guard.failed('user', 'wrong', '127.0.0.1');
    guard.close();
    pop.lines.write(`${'USER nobody\r\nPASS wrong\r\n'.repeat(10)}`);
    pop.lines.write(`AUTH PLAIN ${plain(owner)}\r\n`);
    const answers = (await pop.lines.ended()).trimEnd().split('\r\n');
    expect(answers.filter((answer) => answer.startsWith('-ERR [AUTH]'))).toHaveLength(10);
    expect(answers).toHaveLength(20);
  });
});

describe('a session', () => {
  const loggedIn = (): Promise<Pop3Client> => Pop3Client.loggedIn(running, implicit, owner);
  const left = async (): Promise<number> => {
    const mailbox = await (await running.rig.process()).open(owner.account);
    mailbox.release();
    return mailbox.folder('INBOX').reports.length;
  };

  it('is one too many where the account has its number, until one ends', async () => {
    const narrow = await running.open('pop3', 'implicit', { perAccount: 1 });
    const first = await Pop3Client.loggedIn(running, narrow, owner);
    const second = await Pop3Client.connect(narrow, ca);
    expect(await second.command(`AUTH PLAIN ${plain(owner)}`)).toMatch(/^-ERR \[SYS\/TEMP\] .*too many sessions/);
    await first.quit();
    expect(await second.command(`AUTH PLAIN ${plain(owner)}`)).toMatch(/^\+OK/);
  });

  it('ends with the login that it was opened with, and removes nothing', async () => {
    const pop = await loggedIn();
    await pop.command('DELE 1');
    await running.revoke(owner);
    pop.lines.write('QUIT\r\nSTAT\r\n');
    expect(await pop.lines.ended()).toMatch(/^-ERR \[SYS\/PERM\] [^\r]*\r\n$/);
    expect(await left()).toBe(1);
  });

  it('ends without a word when the process drains, and removes nothing', async () => {
    const own = await running.open('pop3');
    const pop = await Pop3Client.loggedIn(running, own, owner);
    await pop.command('DELE 1');
    await own.door.close();
    expect(await pop.lines.ended()).toBe('');
    expect(await left()).toBe(1);
  });

  it('of a stranger makes room for others without a word', async () => {
    // From four fifths of its places on.
    const small = await running.open('pop3', 'implicit', { connectionsMax: 5 });
    const strangers = [];
    for (let n = 0; n < 4; n++) strangers.push(await Pop3Client.connect(small, ca));
    const last = await Pop3Client.connect(small, ca);
    expect(await strangers[0]?.lines.ended()).toBe('');
    expect(await last.command(`AUTH PLAIN ${plain(owner)}`)).toMatch(/^\+OK/);
  });

  it('is counted once, however it ends', async () => {
    const before = await running.sessionsOf('pop3');
    const [one, other] = [await loggedIn(), await loggedIn()];
    expect(await running.sessionsOf('pop3')).toBe(before + 2);
    await one.quit();
    other.lines.write('QUIT\r\n');
    await other.lines.ended();
    expect(await running.sessionsOf('pop3')).toBe(before);
  });
});
