/** Coming in over IMAP: RFC 3501 sections 6.1 and 6.2, RFC 2595, 4616, 4959, 5530. */
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ImapRig } from './imap-rig.js';
import { RawLines } from './raw-lines.js';
import { HOSTNAME, type OpenMailboxDoor, type Owner } from './running-mailbox.js';

const ALWAYS = 'IMAP4rev1 LITERAL- SASL-IR ID NAMESPACE CHILDREN SPECIAL-USE UIDPLUS MOVE UNSELECT IDLE';

const rig = ImapRig.ofSuite(0);
let tls: OpenMailboxDoor;
let plain: OpenMailboxDoor;
let owner: Owner;

beforeAll(async () => {
  tls = await rig.open();
  plain = await rig.open({ kind: 'starttls' });
  owner = await rig.owner();
});
beforeEach(() => rig.running.forgetClients());

function saslPlain(user: string, password: string, actAs = ''): string {
  return Buffer.from(`${actAs}\0${user}\0${password}`).toString('base64');
}

describe('the greeting', () => {
  it('says what can be done under TLS', async () => {
    const lines = await RawLines.connect(tls.port, rig.running.certificate.cert);
    expect(await lines.line()).toBe(`* OK [CAPABILITY ${ALWAYS} AUTH=PLAIN] ${HOSTNAME} Posthorn is ready`);
    lines.close();
  });

  it('says in the clear that TLS comes first, and offers no mechanism', async () => {
    const lines = await RawLines.connect(plain.port);
    expect(await lines.line()).toBe(`* OK [CAPABILITY ${ALWAYS} STARTTLS LOGINDISABLED] ${HOSTNAME} Posthorn is ready`);
    lines.close();
  });
});

describe('CAPABILITY', () => {
  it('changes with TLS and with the login', async () => {
    const client = await rig.stranger(plain);
    expect(await client.ok('CAPABILITY')).toEqual([`CAPABILITY ${ALWAYS} STARTTLS LOGINDISABLED`]);
    await client.ok('STARTTLS');
    await client.lines.startTls(rig.running.certificate.cert);
    expect(await client.ok('CAPABILITY')).toEqual([`CAPABILITY ${ALWAYS} AUTH=PLAIN`]);
    const end = await client.end(`LOGIN ${owner.user} ${owner.password}`);
    expect(end).toBe(`OK [CAPABILITY ${ALWAYS}] Logged in`);
    expect(await client.ok('CAPABILITY')).toEqual([`CAPABILITY ${ALWAYS}`]);
  });

  it('takes no argument', async () => {
    expect(await (await rig.stranger(tls)).end('CAPABILITY now')).toMatch(/^BAD /);
  });
});

describe('without TLS', () => {
  it('no password is taken', async () => {
    const client = await rig.stranger(plain);
    expect(await client.end(`LOGIN ${owner.user} ${owner.password}`)).toMatch(/^NO \[PRIVACYREQUIRED\] /);
    const response = saslPlain(owner.user, owner.password);
    expect(await client.end(`AUTHENTICATE PLAIN ${response}`)).toMatch(/^NO \[PRIVACYREQUIRED\] /);
    expect(await client.end('AUTHENTICATE PLAIN')).toMatch(/^NO \[PRIVACYREQUIRED\] /);
  });

  it('what is sent behind STARTTLS is not obeyed, and ends the session', async () => {
    const client = await rig.stranger(plain);
    client.lines.write('a STARTTLS\r\nb NOOP\r\n');
    expect(await client.lines.ended()).toMatch(/^a BAD [^\r]*\r\n\* BYE [^\r]*\r\n$/);
  });

  it('what is sent behind STARTTLS later is not obeyed either', async () => {
    const client = await rig.stranger(plain);
    client.lines.write('a STARTTLS\r\n');
    expect(await client.lines.line()).toMatch(/^a OK /);
    client.lines.write(`b NOOP\r\nc LOGIN ${owner.user} ${owner.password}\r\n`);
    expect(await client.lines.ended()).not.toMatch(/[bc] /);
  });

  it('STARTTLS works once, takes no argument, and is not for who has TLS', async () => {
    const client = await rig.stranger(plain);
    expect(await client.end('STARTTLS now')).toMatch(/^BAD /);
    await client.ok('STARTTLS');
    await client.lines.startTls(rig.running.certificate.cert);
    expect(await client.end('STARTTLS')).toMatch(/^BAD /);
    expect(await (await rig.stranger(tls)).end('STARTTLS')).toMatch(/^BAD /);
  });

  it('a connection that went over to TLS gives back its place when it ends', async () => {
    const few = await rig.open({ kind: 'starttls', connectionsMax: 3 });
    for (let i = 0; i < 5; i++) {
      const client = await rig.stranger(few);
      await client.ok('STARTTLS');
      await client.lines.startTls(rig.running.certificate.cert);
      await client.ok(`LOGIN ${owner.user} ${owner.password}`);
      await client.ok('LOGOUT');
      await client.lines.ended();
      client.close();
    }
  });
});

describe('LOGIN', () => {
  it('takes user and password as atoms, quoted and as literals', async () => {
    const { user, password } = owner;
    const [u, p] = [String(user.length), String(password.length)];
    for (const words of [
      `${user} ${password}`,
      `"${user}" "${password}"`,
      `{${u}+}\r\n${user} {${p}+}\r\n${password}`,
      `"${user}" {${p}+}\r\n${password}`,
    ]) {
      expect(await (await rig.stranger(tls)).end(`LOGIN ${words}`)).toMatch(/^OK \[CAPABILITY /);
    }
  });

  it('asks for a literal that waits to be asked for', async () => {
    const { lines } = await rig.stranger(tls);
    lines.write(`a login {${String(owner.user.length)}}\r\n`);
    expect(await lines.line()).toMatch(/^\+ /);
    lines.write(`${owner.user} {${String(owner.password.length)}}\r\n`);
    expect(await lines.line()).toMatch(/^\+ /);
    lines.write(`${owner.password}\r\n`);
    expect(await lines.line()).toMatch(/^a OK /);
  });

  it('is refused where password or user is wrong, and may be tried again', async () => {
    const client = await rig.stranger(tls);
    expect(await client.end(`LOGIN ${owner.user} wrong`)).toMatch(/^NO \[AUTHENTICATIONFAILED\] /);
    expect(await client.end(`LOGIN nobody@example.org ${owner.password}`)).toMatch(/^NO \[AUTHENTICATIONFAILED\] /);
    expect(await client.end(`LOGIN "" ""`)).toMatch(/^NO \[AUTHENTICATIONFAILED\] /);
    expect(await client.end(`LOGIN ${owner.user} ${owner.password}`)).toMatch(/^OK /);
  });

  it.each(['', ' user', ' user ', ' user pass more', ' "user pass', ' us"er pass', ' user {3+}\r\npassword'])(
    'that is written wrongly is BAD: %j',
    async (words) => {
      expect(await (await rig.stranger(tls)).end(`LOGIN${words}`)).toMatch(/^BAD /);
    },
  );

  it('is for who has not logged in', async () => {
    const client = await rig.stranger(tls);
    await client.ok(`LOGIN ${owner.user} ${owner.password}`);
    expect(await client.end(`LOGIN ${owner.user} ${owner.password}`)).toMatch(/^BAD /);
    expect(await client.end('AUTHENTICATE PLAIN')).toMatch(/^BAD /);
    expect(await client.end('STARTTLS')).toMatch(/^BAD /);
  });

  it('needs a scope of the mailbox', async () => {
    const sender = await rig.running.owner(['smtp']);
    expect(await (await rig.stranger(tls)).end(`LOGIN ${sender.user} ${sender.password}`)).toMatch(
      /^NO \[AUTHORIZATIONFAILED\] .*mailbox:read/,
    );
    const reader = await rig.running.owner(['mailbox:read']);
    expect(await (await rig.stranger(tls)).end(`LOGIN ${reader.user} ${reader.password}`)).toMatch(/^OK /);
  });
});

describe('AUTHENTICATE PLAIN', () => {
  it('takes an initial response', async () => {
    const end = await (await rig.stranger(tls)).end(`AUTHENTICATE PLAIN ${saslPlain(owner.user, owner.password)}`);
    expect(end).toBe(`OK [CAPABILITY ${ALWAYS}] Logged in`);
  });

  it('asks for a response that does not come with it', async () => {
    const { lines } = await rig.stranger(tls);
    lines.write('a authenticate plain\r\n');
    expect(await lines.line()).toBe('+ ');
    lines.write(`${saslPlain(owner.user, owner.password)}\r\n`);
    expect(await lines.line()).toMatch(/^a OK \[CAPABILITY /);
  });

  it('lets a user act as itself and as nobody else', async () => {
    const { user, password } = owner;
    expect(await (await rig.stranger(tls)).end(`AUTHENTICATE PLAIN ${saslPlain(user, password, user)}`)).toMatch(
      /^OK /,
    );
    expect(await (await rig.stranger(tls)).end(`AUTHENTICATE PLAIN ${saslPlain(user, password, 'other')}`)).toMatch(
      /^NO \[AUTHORIZATIONFAILED\] /,
    );
  });

  it('is refused where the password is wrong', async () => {
    const end = await (await rig.stranger(tls)).end(`AUTHENTICATE PLAIN ${saslPlain(owner.user, 'wrong')}`);
    expect(end).toMatch(/^NO \[AUTHENTICATIONFAILED\] /);
  });

  it.each(['*', '!!!', 'AAAA', '=', '', saslPlain('user', 'pass').slice(1)])(
    'is BAD with the response %j, and the session goes on',
    async (response) => {
      const client = await rig.stranger(tls);
      client.lines.write('a AUTHENTICATE PLAIN\r\n');
      expect(await client.lines.line()).toBe('+ ');
      client.lines.write(`${response}\r\n`);
      expect(await client.lines.line()).toMatch(/^a BAD /);
      expect(await client.end('NOOP')).toMatch(/^OK /);
    },
  );

  it('takes `=` for a response of nothing, which is none of PLAIN', async () => {
    expect(await (await rig.stranger(tls)).end('AUTHENTICATE PLAIN =')).toMatch(/^BAD /);
  });

  it('is the only mechanism', async () => {
    const client = await rig.stranger(tls);
    expect(await client.end('AUTHENTICATE CRAM-MD5')).toMatch(/^NO /);
    expect(await client.end('AUTHENTICATE')).toMatch(/^BAD /);
  });

  it('ends the session at a response that does not end', async () => {
    const { lines } = await rig.stranger(tls);
    lines.write('a AUTHENTICATE PLAIN\r\n');
    await lines.line();
    lines.write(`${'A'.repeat(9_000)}\r\n`);
    expect(await lines.ended()).toMatch(/^\* BYE [^\r]*\r\n$/);
  });
});

describe('who guesses', () => {
  it('is sent away after ten failures in one session', async () => {
    const client = await rig.stranger(tls);
    for (let i = 0; i < 9; i++) {
      expect(await client.end(`LOGIN nobody-${String(i)}@example.org wrong`)).toMatch(/^NO \[AUTHENTICATIONFAILED\] /);
      await rig.running.forgetClients();
    }
    client.lines.write('a LOGIN nobody@example.org wrong\r\n');
    expect(await client.lines.ended()).toMatch(/^a NO [^\r]*\r\n\* BYE [^\r]*\r\n$/);
  });
});

describe('LOGOUT', () => {
  it('says BYE, then OK, and closes', async () => {
    const { lines } = await rig.stranger(tls);
    lines.write('a logout\r\nb NOOP\r\n');
    expect(await lines.ended()).toMatch(/^\* BYE [^\r]*\r\na OK [^\r]*\r\n$/);
  });
});
