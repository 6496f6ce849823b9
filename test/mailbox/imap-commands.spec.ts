/** What is a command and what is none, over a socket: RFC 3501 sections 2.2, 4.3 and 9, RFC 7888 (LITERAL-). */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ImapRig } from './imap-rig.js';
import type { Owner } from './running-mailbox.js';

const rig = ImapRig.ofSuite();
let owner: Owner;

beforeAll(async () => {
  owner = await rig.owner();
});

describe('a command', () => {
  it('may have a tag of any legal form, and any case', async () => {
    const { lines } = await rig.logIn(owner);
    for (const tag of ['a', '1', 'A.1', "!#$&',-./:;<=>?@[]^_`|}~", 'x'.repeat(500)]) {
      lines.write(`${tag} nOoP\r\n`);
      expect(await lines.line()).toBe(`${tag} OK NOOP completed`);
    }
  });

  it.each([
    'a+b NOOP',
    '* NOOP',
    '+ NOOP',
    '"a" NOOP',
    '',
    ' ',
    '(a) NOOP',
    'a\\b NOOP',
    'h\xe9 NOOP',
    'a%b NOOP',
    '{',
  ])('without a legal tag is BAD with none: %j', async (line) => {
    const client = await rig.logIn(owner);
    client.lines.write(`${line}\r\n`);
    expect(await client.lines.line()).toMatch(/^\* BAD /);
    expect(await client.end('NOOP')).toMatch(/^OK /);
  });

  it.each(['ENABLE UTF8=ACCEPT', 'FOO', 'UID', 'UID FOO 1', 'UID NOOP', 'COMPRESS DEFLATE', 'NOOP\0', '\xff'])(
    'that is not known is BAD: %j',
    async (command) => {
      expect(await (await rig.logIn(owner)).end(command)).toMatch(/^BAD /);
    },
  );

  it('needs the state that it is for', async () => {
    const client = await rig.stranger();
    for (const command of [
      'SELECT INBOX',
      'LIST "" "*"',
      'STATUS INBOX (MESSAGES)',
      'IDLE',
      'FETCH 1 FLAGS',
      'CLOSE',
    ]) {
      expect(await client.end(command)).toMatch(/^BAD /);
    }
    const { lines } = client;
    lines.write('a APPEND INBOX {3}\r\n');
    expect(await lines.line()).toMatch(/^a BAD /);
    const known = await rig.logIn(owner);
    for (const command of ['FETCH 1 FLAGS', 'UID FETCH 1 FLAGS', 'SEARCH ALL', 'STORE 1 +FLAGS (\\Seen)', 'EXPUNGE']) {
      expect(await known.end(command)).toMatch(/^BAD /);
    }
    for (const command of ['CLOSE', 'UNSELECT', 'CHECK', 'MOVE 1 Archive', 'COPY 1 Archive', 'UID EXPUNGE 1']) {
      expect(await known.end(command)).toMatch(/^BAD /);
    }
  });

  it('may end in a bare LF, and come octet by octet', async () => {
    const { lines } = await rig.logIn(owner);
    lines.write('a NOOP\n');
    expect(await lines.line()).toMatch(/^a OK /);
    await lines.writeByByte('b NOOP\r\n');
    expect(await lines.line()).toMatch(/^b OK /);
  });

  it('may come together with others, and each is answered in its turn', async () => {
    const { lines } = await rig.logIn(owner);
    lines.write('a NOOP\r\nb SELECT INBOX\r\nc FETCH 1:* FLAGS\r\nd FOO\r\ne UNSELECT\r\nf LOGOUT\r\n');
    const tagged = (await lines.ended()).split('\r\n').filter((line) => /^[a-f] /.test(line));
    expect(tagged.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      ...['a OK', 'b OK', 'c OK', 'd BAD', 'e OK', 'f OK'],
    ]);
  });

  it('may be followed by the end of the connection, and is answered', async () => {
    const { lines } = await rig.logIn(owner);
    lines.write('a NOOP\r\n');
    lines.finish();
    expect(await lines.ended()).toBe('a OK NOOP completed\r\n');
  });

  it('that makes no sense twenty times running ends the session; one that does starts the count again', async () => {
    const client = await rig.stranger();
    for (let i = 0; i < 19; i++) expect(await client.end('FOO')).toMatch(/^BAD /);
    expect(await client.end('NOOP')).toMatch(/^OK /);
    for (let i = 0; i < 19; i++) expect(await client.end('FETCH')).toMatch(/^BAD /);
    client.lines.write('a FOO\r\nb NOOP\r\n');
    expect(await client.lines.ended()).toMatch(/^a BAD [^\r]*\r\n\* BYE [^\r]*\r\n$/);
  });
});

describe('a long command', () => {
  it('of 64 KiB is obeyed once logged in', async () => {
    const client = await rig.logIn(owner);
    await client.ok('SELECT INBOX');
    const set = Array.from({ length: 13_000 }, (_, index) => String(10_000 + index)).join(',');
    expect(await client.end(`UID FETCH ${set} FLAGS`)).toMatch(/^OK /);
  });

  it.each([
    ['of a stranger', 8 * 1024, () => rig.stranger()],
    ['of a reader', 128 * 1024, () => rig.logIn(owner)],
  ])('beyond the bound of a line %s is BAD with its tag, and the next one is obeyed', async (_who, bound, open) => {
    const client = await open();
    const prefix = 'a NOOP ';
    client.lines.write(`${prefix}${'x'.repeat(bound - prefix.length)}\r\n`);
    expect(await client.lines.line()).toMatch(/^a BAD NOOP: expected the end/);
    client.lines.write(`a NOOP ${'x'.repeat(bound + 1)}\r\n`);
    expect(await client.lines.line()).toBe('a BAD the command line is too long');
    expect(await client.end('NOOP')).toMatch(/^OK /);
  });

  it('may have literals up to its bound: one that waits is refused before it comes', async () => {
    const client = await rig.stranger();
    client.lines.write('a LOGIN {20000}\r\n');
    expect(await client.lines.line()).toMatch(/^a BAD /);
    client.lines.write('b LOGIN {4294967296}\r\n');
    expect(await client.lines.line()).toMatch(/^b BAD /);
    expect(await client.end('NOOP')).toMatch(/^OK /);
  });

  it('with a literal sent unasked that is too long is swallowed whole', async () => {
    const client = await rig.logIn(owner);
    const literal = 'b LOGOUT\r\n'.repeat(500);
    client.lines.write(`a SELECT {${String(literal.length)}+}\r\n${literal}\r\n`);
    expect(await client.lines.line()).toMatch(/^a BAD .*4096/);
    expect(await client.end('NOOP')).toMatch(/^OK /);
  });

  it.each(['999999999', '99999999999', '9'.repeat(400)])(
    'with a literal of %s octets, more than anything that is swallowed, ends the session',
    async (octets) => {
      const { lines } = await rig.logIn(owner);
      lines.write(`a SELECT {${octets}+}\r\n`);
      expect(await lines.ended()).toMatch(/^\* BYE [^\r]*\r\n$/);
    },
  );

  it('may break off in a literal, which ends the session and no other', async () => {
    const [client, other] = [await rig.logIn(owner), await rig.logIn(owner)];
    client.lines.write('a SELECT {10}\r\n');
    expect(await client.lines.line()).toMatch(/^\+ /);
    client.lines.write('INB');
    client.lines.finish();
    expect(await client.lines.ended()).toBe('');
    expect(await other.end('NOOP')).toMatch(/^OK /);
  });
});

describe('APPEND', () => {
  it('is refused before its message is asked for', async () => {
    const { lines } = await rig.logIn(owner);
    lines.write('a APPEND INBOX (\\Seen) "01-Jan-2026 00:00:00 +0000" {1000000}\r\n');
    expect(await lines.line()).toMatch(/^a NO \[CANNOT\] /);
    lines.write('b append {5}\r\n');
    expect(await lines.line()).toMatch(/^b NO \[CANNOT\] /);
  });

  it('swallows a message that is sent unasked, whatever is in it', async () => {
    const client = await rig.logIn(owner);
    const message = 'Subject: x\r\n\r\na LOGOUT\r\n';
    client.lines.write(`a APPEND Sent {${String(message.length)}+}\r\n${message}\r\nb NOOP\r\n`);
    expect(await client.lines.line()).toMatch(/^a NO \[CANNOT\] /);
    expect(await client.lines.line()).toMatch(/^b OK /);
  });

  it('swallows a folder and a message that are both sent unasked', async () => {
    const client = await rig.logIn(owner);
    client.lines.write('a APPEND {4+}\r\nSent {3+}\r\nabc\r\nb NOOP\r\n');
    expect(await client.lines.line()).toMatch(/^a NO \[CANNOT\] /);
    expect(await client.lines.line()).toMatch(/^b OK /);
  });

  it('without a message is BAD', async () => {
    const client = await rig.logIn(owner);
    expect(await client.end('APPEND INBOX')).toMatch(/^BAD /);
    expect(await client.end('APPEND')).toMatch(/^BAD /);
  });
});
