/** What POP3 makes of commands that are wrong, many, slow or endless: RFC 1939 section 3, RFC 2449 section 4. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Pop3Client } from './pop3-client.js';
import { RunningMailbox, type OpenMailboxDoor, type Owner } from './running-mailbox.js';

let running: RunningMailbox;
let door: OpenMailboxDoor;
let owner: Owner;

beforeAll(async () => {
  running = await RunningMailbox.start();
  door = await running.open('pop3');
});

beforeEach(async () => {
  owner = await running.owner();
  await running.append(owner, 'Subject: one\r\n\r\n', 'Subject: two\r\n\r\n');
});

afterEach(() => {
  Pop3Client.closeAll();
  expect(door.failures).toEqual([]);
});

afterAll(() => running.stop());

const client = (): Promise<Pop3Client> => Pop3Client.loggedIn(running, door, owner);

describe('commands', () => {
  it.each([
    ...['RETR', 'RETR 0', 'RETR 3', 'RETR -1', 'RETR +1', 'RETR 1 2', 'RETR 99999999999999999999', 'RETR one'],
    ...['TOP 1', 'TOP 1 -1', 'TOP 1 2 3', 'TOP 3 1', 'LIST 3', 'LIST x', 'UIDL 0', 'DELE', 'DELE 4294967297'],
    ...['STAT 1', 'NOOP x', 'RSET 1', 'QUIT now', 'CAPA x'],
    ...['USER x', 'PASS x', 'AUTH PLAIN', 'STLS', 'LAST', 'APOP a b', '', ' STAT', 'STAT\0', 'ST\xe4T', 'STAT\tx'],
  ])('refused, and the session goes on: %j', async (line) => {
    const pop = await client();
    expect(await pop.command(line)).toMatch(/^-ERR [\x20-\x7e]+$/);
    expect(await pop.command('STAT')).toMatch(/^\+OK 2 /);
  });

  it('may come all at once', async () => {
    const pop = await client();
    pop.lines.write('STAT\r\nUIDL\r\nTOP 1 0\r\nRETR 9\r\nDELE 1\r\nSTAT\r\nQUIT\r\nSTAT\r\n');
    expect((await pop.lines.ended()).split('\r\n').filter((line) => /^[+-]/.test(line))).toEqual(
      ['+OK', '+OK', '+OK', '-ERR', '+OK', '+OK', '+OK'].map((status) => expect.stringContaining(status)),
    );
  });

  it('may come octet by octet, and end in LF alone', async () => {
    const pop = await client();
    await pop.lines.writeByByte('uidl 1\r\nNoOp\n');
    expect(await pop.lines.line()).toBe('+OK 1 1');
    expect(await pop.lines.line()).toMatch(/^\+OK/);
  });

  it('that are too long are skipped', async () => {
    const pop = await client();
    pop.lines.write(`NOOP ${'x'.repeat(1_025)}\r\nSTAT\r\n${'y'.repeat(60_000)}\r\nSTAT\r\n`);
    const answers = [await pop.lines.line(), await pop.lines.line(), await pop.lines.line(), await pop.lines.line()];
    expect(answers).toEqual(['-ERR', '+OK 2', '-ERR', '+OK 2'].map((start) => expect.stringContaining(start)));
  });

  it('that never end, end the session', async () => {
    const pop = await client();
    pop.lines.write('x'.repeat(200_000));
    expect(await pop.lines.ended()).toMatch(/^-ERR The line is too long\r\n$/);
  });

  it('that are none, 20 in a row, end the session; one that is good begins a new row', async () => {
    const pop = await client();
    const faults = 'EHLO x\r\n'.repeat(19);
    pop.lines.write(`${faults}NOOP\r\n${faults}NOOP\r\n${faults}GET / HTTP/1.1\r\nNOOP\r\n`);
    const answers = (await pop.lines.ended()).trimEnd().split('\r\n');
    expect(answers.filter((answer) => answer.startsWith('+OK'))).toHaveLength(2);
    expect(answers).toHaveLength(60);
  });
});
