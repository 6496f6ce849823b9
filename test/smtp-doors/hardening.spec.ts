/** What crooked, hasty and slow clients hear, on bare sockets: RFC 5321, 3207, 4954, 2034, 1870. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { refusal, type RefusalCause } from '../../src/submission/refusals.js';
import { RawSmtp, type RawReply } from '../e2e/raw-smtp.js';
import { MESSAGE_BYTES_MAX, RECIPIENTS_MAX, RunningDoors, type DoorSetup } from './running-doors.js';

const SENDER = 'app@example.org';
const MESSAGE = `From: ${SENDER}\r\nSubject: hello\r\n\r\nHello.\r\n`;
/** RFC 2034 section 4: code, enhanced status code of the same class, text. */
const ENHANCED_REPLY = /^([245])\d\d \1\.\d{1,3}\.\d{1,3} \S/;

let doors: RunningDoors;
const open: RawSmtp[] = [];

beforeAll(async () => {
  doors = await RunningDoors.start();
});

beforeEach(() => doors.forgetClients());

afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await doors.closeDoors();
});

afterAll(() => doors.stop());

/** The reply of a row of the table of refusals. */
function refused(cause: RefusalCause, detail: string | number = ''): string {
  const { code, enhanced, text } = refusal(cause, detail);
  return `${code} ${enhanced} ${text}`;
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

async function connected(port: number, ca?: string): Promise<RawSmtp> {
  const client = await RawSmtp.connect(port, ca);
  open.push(client);
  return client;
}

async function session(port: number, ca?: string): Promise<RawSmtp> {
  const client = await connected(port, ca);
  await client.reply();
  await client.command('EHLO client.test');
  return client;
}

/** A client that may send, without a password. */
const trusted = async (setup?: DoorSetup): Promise<RawSmtp> => session((await doors.open('trusted', setup)).port);
const starttls = async (setup?: DoorSetup): Promise<RawSmtp> => session((await doors.open('starttls', setup)).port);
/** A client that has yet to log in. */
const encrypted = async (setup?: DoorSetup): Promise<RawSmtp> => {
  return session((await doors.open('implicit', setup)).port, doors.certificate.cert);
};

const loggedIn = async (): Promise<RawSmtp> => {
  const client = await encrypted();
  const { user, password } = doors.first.smtp;
  expect((await client.logIn(user, password)).code).toBe(235);
  return client;
};

/** What comes until the other side closes. */
async function untilClosed(client: RawSmtp): Promise<string[]> {
  await client.untilClosed();
  const texts: string[] = [];
  for (;;) {
    const reply: RawReply | undefined = await client.reply().catch(() => undefined);
    if (!reply) return texts;
    texts.push(reply.text);
  }
}

describe('the end of a command', () => {
  it.each([
    ['a bare LF', 'NOOP\n', 1],
    ['a bare LF within', 'RCPT TO:<a@example.net>\nDATA\r\n', 2],
    ['several bare LFs', 'NOOP\nNOOP\nNOOP\r\n', 3],
    ['a bare CR within', 'NOOP\rNOOP\r\n', 1],
    ['a doubled CR', 'NOOP\r\r\n', 1],
  ])('is no %s; nothing of it is done', async (_name, octets, replies) => {
    const client = await trusted();
    await client.command(`MAIL FROM:<${SENDER}>`);
    client.write(octets);
    for (let heard = 0; heard < replies; heard++) {
      expect((await client.reply()).text).toBe(refused('bare_line_ending'));
    }
    if (!octets.endsWith('\r\n')) client.write('\r\n');
    if (!octets.endsWith('\r\n')) expect((await client.reply()).text).toBe(refused('bare_line_ending'));
    // No recipient came in by it, and the session is in step.
    expect(await client.commands('DATA', 'NOOP')).toEqual([expect.stringMatching(/^503 /), '250 2.0.0 OK']);
  });

  it('is not the end of the connection', async () => {
    const client = await trusted();
    client.write(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<a@example.net>\r\nRSE`);
    client.end();
    expect(await untilClosed(client)).toEqual([
      expect.stringMatching(/^250 2\.1\.0 /),
      expect.stringMatching(/^250 2\.1\.5 /),
    ]);
  });
});

describe('a command', () => {
  it.each([
    ['NUL', 'EHLO a\0b'],
    ['an escape', 'EHLO \x1b[2J'],
    ['8-bit octets', 'EHLO bücher.example'],
    ['octets that are no UTF-8', 'MAIL FROM:<\xff@example.org> SMTPUTF8'],
    ['UTF-8 where no address stands', 'HELP ü'],
  ])('with %s is refused', async (_name, line) => {
    const client = await trusted();
    client.write(Buffer.from(`${line}\r\n`, 'latin1'));
    expect((await client.reply()).text).toBe(refused('command_not_ascii'));
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('may hold an address in UTF-8', async () => {
    const client = await trusted();
    client.write('MAIL FROM:<app@example.org> SMTPUTF8\r\nRCPT TO:<jürgen@example.net>\r\n');
    expect((await client.reply()).code).toBe(250);
    expect((await client.reply()).text).not.toBe(refused('command_not_ascii'));
  });

  it('may be 2,048 octets long, and one more is refused at its end', async () => {
    const client = await trusted();
    expect((await client.command(`NOOP ${'x'.repeat(2_043)}`)).code).toBe(250);
    expect((await client.command(`NOOP ${'x'.repeat(2_044)}`)).text).toBe(refused('command_too_long', 2_048));
    expect((await client.command(`NOOP ${'x'.repeat(500_000)}`)).text).toBe(refused('command_too_long', 2_048));
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('without an end ends the session', async () => {
    const client = await trusted();
    client.write('x'.repeat(1_100_000));
    expect(await untilClosed(client)).toContainEqual(refused('too_slow', 'a command line has no end'));
  });

  it.each([
    ['MAIL FROM:<app@example.org> RET=HDRS', 'RET'],
    ['MAIL FROM:<app@example.org> ENVID=x', 'ENVID'],
    ['MAIL FROM:<app@example.org> REQUIRETLS', 'REQUIRETLS'],
    ['MAIL FROM:<app@example.org> SIZE=1 XYZ=1', 'XYZ'],
    ['RCPT TO:<a@example.net> NOTIFY=NEVER', 'NOTIFY'],
    ['RCPT TO:<a@example.net> ORCPT=rfc822;x', 'ORCPT'],
  ])('takes no parameter that is not offered: %s', async (line, parameter) => {
    const client = await trusted();
    if (line.startsWith('RCPT')) await client.command(`MAIL FROM:<${SENDER}>`);
    expect((await client.command(line)).text).toBe(refused('unknown_parameter', parameter));
  });

  it('takes the parameters that are offered, with values that they have', async () => {
    const client = await trusted();
    const from = `MAIL FROM:<${SENDER}>`;
    const [bad, ok] = [expect.stringMatching(/^501 5\.5\.4 /), expect.stringMatching(/^250 2\.1\.0 /)];
    expect(await client.commands(`${from} SIZE=1x`, `${from} SIZE=-1`, `${from} SIZE`, `${from} BODY=BINARY`)).toEqual(
      Array(4).fill(bad),
    );
    expect(await client.commands(`${from} SIZE=9 BODY=8BITMIME SMTPUTF8 AUTH=<>`)).toEqual([ok]);
  });

  it('for a proxy is none', async () => {
    const client = await trusted();
    const commands = ['XCLIENT ADDR=192.0.2.1', 'XFORWARD ADDR=192.0.2.1', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2'];
    expect(await client.commands(...commands)).toEqual(Array(3).fill(expect.stringMatching(/^500 5\.5\.2 /)));
  });

  it('has a reply with an enhanced status code, whatever it is', async () => {
    const client = await trusted();
    const odd = [
      'VRFY',
      'VRFY x',
      'EXPN x',
      'HELP',
      'TURN',
      '',
      ' ',
      'EHLO',
      'HELO',
      'EHLO a b',
      'RCPT TO:<>',
      'BDAT 1',
    ];
    const replies = await client.commands(...odd);
    // RFC 2034 section 4 leaves EHLO and HELO out.
    expect(
      replies.filter((reply) => !ENHANCED_REPLY.test(reply) && !/^501 Error: syntax: (EHLO|HELO)/i.test(reply)),
    ).toEqual([]);
  });
});

describe('a client that says nothing sensible', () => {
  it('is sent away at the twentieth error, and its network is watched from then on', async () => {
    const client = await starttls();
    const errors = ['NOOP\0', 'EHLO', 'MAIL FROM:<a@b> X=1', 'AUTH PLAIN'];
    const replies = await client.commands(...Array.from({ length: 19 }, (_, index) => errors[index % 4] ?? ''));
    expect(replies.filter((reply) => !reply.startsWith('5'))).toEqual([]);
    expect((await client.command('EHLO')).text).toBe(refused('too_many_errors'));
    await client.untilClosed();
    await expect(doors.guard.record('127.0.0.1')).resolves.toMatchObject({ kind: 'bad' });
  });

  it('is not watched where it has logged in', async () => {
    const client = await loggedIn();
    const replies = await client.commands(...Array.from({ length: 20 }, () => 'EHLO'));
    expect(replies.at(-1)).toBe(refused('too_many_errors'));
    await client.untilClosed();
    await expect(doors.guard.record('127.0.0.1')).resolves.toMatchObject({ kind: 'good' });
  });

  it.each(['NOOP', 'RSET', 'VRFY x', 'HELP', 'EHLO again'])('is sent away at the 101st %s', async (command) => {
    const client = await trusted();
    client.write(`${command}\r\n`.repeat(150));
    const replies = await untilClosed(client);
    const said = replies.filter((reply) => !reply.startsWith('421'));
    expect(said.length).toBeGreaterThanOrEqual(99);
    expect(said.length).toBeLessThanOrEqual(100);
    expect(replies.at(-1)).toBe(refused('too_many_errors'));
  });

  it('may have any number of messages refused, and say RSET after each', async () => {
    const client = await loggedIn();
    const [sender, recipient] = [refused('bad_sender', 'nobody'), refused('bad_recipient', 'nobody')];
    const refusedMail = 'MAIL FROM:<nobody>\r\nRCPT TO:<a@example.net>\r\nDATA\r\nMAIL FROM:nobody\r\nRSET\r\n';
    client.write(refusedMail.repeat(150));
    for (let round = 0; round < 150; round++) {
      expect((await client.reply()).text).toBe(sender);
      for (const code of [503, 503, 501, 250]) expect((await client.reply()).code).toBe(code);
    }
    await client.command(`MAIL FROM:<${SENDER}>`);
    const replies = await client.commands(...Array.from({ length: 50 }, () => 'RCPT TO:<nobody>'));
    expect(replies).toEqual(Array(50).fill(recipient));
    await client.command('RSET');
    expect((await client.send(SENDER, ['a@example.net'], Buffer.from(MESSAGE))).code).toBe(250);
  });

  it('may name 10,000 recipients: the first are taken, of the others each is told', async () => {
    const client = await trusted();
    await client.command(`MAIL FROM:<${SENDER}>`);
    client.write(Array.from({ length: 10_000 }, (_, index) => `RCPT TO:<r${index}@example.net>\r\n`).join(''));
    const counts = new Map<string, number>();
    for (let heard = 0; heard < 10_000; heard++) {
      const { text } = await client.reply();
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    expect([...counts]).toEqual([
      ['250 2.1.5 Accepted', RECIPIENTS_MAX],
      [refused('too_many_recipients', RECIPIENTS_MAX), 10_000 - RECIPIENTS_MAX],
    ]);
    expect((await client.command('DATA')).code).toBe(354);
    expect((await client.data(Buffer.from(MESSAGE))).code).toBe(250);
  });
});

describe('an address', () => {
  it.each(['"a b"@example.org', '"john..doe"@example.org', '@route.example:a@example.org'])(
    'is taken as it is: <%s>',
    async (address) => {
      const client = await trusted();
      expect((await client.send(address, [address.replace('.org', '.net')], Buffer.from(MESSAGE))).code).toBe(250);
    },
  );

  it.each([
    'a@x_y.example',
    '"john..doe"@docomo.example',
    '"a> <\\"@b"@example.net',
    'a@[IPv6:2001:db8::1]',
    'a@xn--bcher-kva.example',
  ])('is one of a recipient: <%s>', async (address) => {
    const client = await trusted();
    expect(await client.commands(`MAIL FROM:<${SENDER}>`, `RCPT TO:<${address}>`)).toEqual([
      '250 2.1.0 Accepted',
      '250 2.1.5 Accepted',
    ]);
  });

  it.each(['postmaster', 'a..b@example.net', 'a b@example.net', '@example.net', 'a@-x.example'])(
    'is none, and is refused in the words of the table: <%s>',
    async (address) => {
      const client = await trusted();
      const before = await doors.counted('posthorn_submissions_rejected_total', { reason: 'bad_recipient' });
      expect(await client.commands(`MAIL FROM:<${address}>`, `MAIL FROM:<${SENDER}>`, `RCPT TO:<${address}>`)).toEqual([
        refused('bad_sender', address),
        '250 2.1.0 Accepted',
        refused('bad_recipient', address),
      ]);
      const after = await doors.counted('posthorn_submissions_rejected_total', { reason: 'bad_recipient' });
      expect(after).toBe(before + 1);
    },
  );

  it('that is not written as one is a faulty command', async () => {
    const client = await trusted();
    expect(await client.commands('MAIL FROM:nobody', 'MAIL', 'MAIL FROM:<"a@example.org>')).toEqual(
      Array(3).fill(refused('unreadable_path', 'MAIL FROM:<address>')),
    );
    await client.command(`MAIL FROM:<${SENDER}>`);
    expect(await client.commands('RCPT TO:<>', 'RCPT TO:<a@example.net>x')).toEqual(
      Array(2).fill(refused('unreadable_path', 'RCPT TO:<address>')),
    );
  });

  it('that is not ASCII wants SMTPUTF8, in its domain too', async () => {
    const client = await trusted();
    expect((await client.command('MAIL FROM:<a@bücher.example>')).text).toBe(
      refused('smtputf8_required', 'a@b?cher.example'),
    );
    expect((await client.command('MAIL FROM:<a@bücher.example> SMTPUTF8')).text).toBe(
      refused('sender_not_allowed', 'xn--bcher-kva.example'),
    );
  });
});

describe('a message', () => {
  it('may hold lines of any length', async () => {
    const client = await trusted();
    const line = Buffer.from(`${MESSAGE}${'x'.repeat(90_000)}\r\n`);
    expect((await client.send(SENDER, ['a@example.net'], line)).code).toBe(250);
  });

  it('that is declared too large is refused at MAIL, one that is too large at its end', async () => {
    const client = await trusted();
    const tooLarge = refused('message_too_large', MESSAGE_BYTES_MAX);
    expect((await client.command(`MAIL FROM:<${SENDER}> SIZE=${MESSAGE_BYTES_MAX + 1}`)).text).toBe(tooLarge);
    const large = Buffer.from(MESSAGE + `${'x'.repeat(70)}\r\n`.repeat(2_000));
    expect((await client.send(SENDER, ['a@example.net'], large)).text).toBe(tooLarge);
    expect((await client.send(SENDER, ['a@example.net'], Buffer.from(MESSAGE))).code).toBe(250);
  });

  it('that goes on beyond twice the limit is cut off', async () => {
    const client = await trusted();
    await client.commands(`MAIL FROM:<${SENDER}>`, 'RCPT TO:<a@example.net>', 'DATA');
    client.write('x'.repeat(3 * MESSAGE_BYTES_MAX));
    expect((await client.reply()).text).toBe(refused('message_too_large', MESSAGE_BYTES_MAX));
    await client.untilClosed();
  });

  it('with NUL is refused, and the session goes on', async () => {
    const client = await trusted();
    const reply = await client.send(SENDER, ['a@example.net'], Buffer.from(`${MESSAGE}a\0b\r\n\0.\r\n`));
    expect(reply.text).toBe(refused('nul_octet'));
    expect((await client.command('NOOP')).code).toBe(250);
  });
});

describe('a client that does not wait for the greeting', () => {
  it('is sent away where it speaks at once', async () => {
    const { port } = await doors.open('trusted');
    const socket = connect(port, '127.0.0.1');
    // Before the connection stands: it is with the server when it accepts.
    socket.write('EHLO hasty.test\r\n');
    expect(await heard(socket)).toBe(`${refused('early_talker')}\r\n`);
  });

  it('is sent away where it begins a line, and where its network is watched', async () => {
    const { port } = await doors.open('starttls', { times: { greetingPauseMs: 5_000 } });
    await doors.guard.misbehaved('127.0.0.1');
    const client = await connected(port);
    client.write('EHLO hasty.test\r\n');
    expect(await untilClosed(client)).toEqual([refused('early_talker')]);
  });

  it('is greeted at once where it waits and has a good name, and later where its network is watched', async () => {
    const { port } = await doors.open('starttls', { times: { greetingPauseMs: 200 } });
    const client = await connected(port);
    expect((await client.reply()).code).toBe(220);
    await doors.guard.misbehaved('127.0.0.1');
    const begun = performance.now();
    expect((await (await connected(port)).reply()).code).toBe(220);
    expect(performance.now() - begun).toBeGreaterThan(190);
  });
});

describe('STARTTLS', () => {
  it.each(['NOOP\r\n', 'EHLO x\r\nAUTH PLAIN x\r\n', 'x', '\x16\x03\x01'])(
    'with %j behind it in one packet ends the session, and nothing of it is done',
    async (behind) => {
      const client = await starttls();
      client.write(`STARTTLS\r\n${behind}`);
      expect(await untilClosed(client)).toEqual([refused('pipelined_before_tls')]);
    },
  );

  it('forgets who the client said it was', async () => {
    const client = await starttls();
    await client.startTls(doors.certificate.cert, false);
    expect((await client.command('AUTH PLAIN eA==')).code).toBe(503);
    expect((await client.command('EHLO client.test')).lines).toContain('AUTH PLAIN LOGIN');
    expect((await client.command('STARTTLS')).code).toBe(503);
  });

  it('is not taken with a parameter', async () => {
    expect((await (await starttls()).command('STARTTLS now')).code).toBe(501);
  });
});

describe('AUTH', () => {
  it('may be cancelled, and wants base64 of two or three parts', async () => {
    const client = await encrypted();
    const bad = [
      'AUTH PLAIN !',
      'AUTH PLAIN YQ',
      `AUTH PLAIN ${base64('a')}`,
      `AUTH PLAIN ${base64('a\0b')}`,
      'AUTH PLAIN =',
    ];
    for (const line of bad) expect((await client.command(line)).code).toBe(501);
    expect(await client.commands('AUTH PLAIN', '*', 'AUTH LOGIN', '*')).toEqual([
      '334 ',
      expect.stringMatching(/^501 5\.\d\.\d /),
      '334 VXNlcm5hbWU6',
      expect.stringMatching(/^501 5\.\d\.\d /),
    ]);
    expect(await client.commands('AUTH LOGIN', 'no base64!', 'NOOP')).toEqual([
      '334 VXNlcm5hbWU6',
      '501 5.5.2 This is no base64',
      '250 2.0.0 OK',
    ]);
  });

  it('takes 12,288 octets and not one more', async () => {
    const client = await encrypted();
    // 11 octets are `AUTH PLAIN `.
    expect((await client.command(`AUTH PLAIN ${'AAAA'.repeat(3_069)}`)).code).toBe(501);
    const { text } = await client.command(`AUTH PLAIN ${'AAAA'.repeat(3_070)}`);
    expect(text).toBe(refused('command_too_long', 12_288));
  });

  it('lets nobody in as somebody else, and says nothing of the password', async () => {
    const { user, password } = doors.first.smtp;
    const client = await encrypted();
    const asOther = (secret: string): string => `AUTH PLAIN ${base64(`other@example.org\0${user}\0${secret}`)}`;
    expect(await client.commands(asOther(password), asOther('wrong'))).toEqual(
      Array(2).fill(refused('other_identity')),
    );
    expect((await client.command(`AUTH PLAIN ${base64(`${user}\0${user}\0${password}`)}`)).code).toBe(235);
    expect((await client.logIn(user, password)).code).toBe(503);
    await client.command(`MAIL FROM:<${SENDER}>`);
    expect((await client.logIn(user, password)).code).toBe(503);
  });

  it('takes no name with control characters, and no empty one', async () => {
    const client = await encrypted();
    expect((await client.command(`AUTH PLAIN ${base64('\0a\r\nb\0x')}`)).code).toBe(501);
    expect(await client.commands('AUTH LOGIN', '')).toEqual(['334 VXNlcm5hbWU6', expect.stringMatching(/^501 5/)]);
    expect(await client.commands('AUTH LOGIN', base64('nobody'), '')).toEqual([
      '334 VXNlcm5hbWU6',
      '334 UGFzc3dvcmQ6',
      refused('bad_credentials'),
    ]);
  });
});

describe('a slow client', () => {
  const slow = (detail: string): string => refused('too_slow', detail);

  it('is sent away where it says nothing', async () => {
    expect(await untilClosed(await trusted({ times: { idleMs: 50 } }))).toEqual([slow('nothing has come')]);
  });

  it('is sent away where a command does not end, though octets come', async () => {
    const client = await trusted({ times: { lineMs: 100 } });
    const trickle = setInterval(() => client.write('x'), 10);
    expect(await untilClosed(client).finally(() => clearInterval(trickle))).toEqual([
      slow('a command is not complete'),
    ]);
  });

  it('is sent away where it does not log in, though it speaks', async () => {
    const client = await starttls({ times: { loginMs: 100 } });
    const trickle = setInterval(() => client.write('NOOP\r\n'), 10);
    const replies = await untilClosed(client).finally(() => clearInterval(trickle));
    expect(replies.at(-1)).toBe(slow('nobody has logged in'));
  });

  it('is sent away where it sends nothing, though it may', async () => {
    const client = await trusted({ times: { messageMs: 100 } });
    const trickle = setInterval(() => client.write('NOOP\r\n'), 10);
    const replies = await untilClosed(client).finally(() => clearInterval(trickle));
    expect(replies.at(-1)).toBe(slow('no message has come'));
  });

  it('is sent away where a message comes too slowly, and not where it comes fast enough', async () => {
    const client = await trusted({ times: { dataMs: 100, dataOctetsPerS: 1_000_000 } });
    await client.commands(`MAIL FROM:<${SENDER}>`, 'RCPT TO:<a@example.net>', 'DATA');
    const trickle = setInterval(() => client.write('x\r\n'), 10);
    expect(await untilClosed(client).finally(() => clearInterval(trickle))).toEqual([
      slow('the message comes too slowly'),
    ]);
    const quick = await trusted({ times: { dataMs: 5_000, dataOctetsPerS: 1_000_000 } });
    expect((await quick.send(SENDER, ['a@example.net'], Buffer.from(MESSAGE))).code).toBe(250);
  });

  it.each(['starttls', 'implicit'] as const)(
    'is closed where TLS does not come about: %s',
    async (kind) => {
      const { port } = await doors.open(kind, { times: { handshakeMs: 100 } });
      const client = await connected(port);
      if (kind === 'starttls') {
        await client.reply();
        await client.commands('EHLO client.test', 'STARTTLS');
      }
      await client.untilClosed();
    },
    15_000,
  );
});

describe('a client that closes its side', () => {
  it('has the replies to all that it sent', async () => {
    const client = await trusted();
    client.write(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n${MESSAGE}.\r\nQUIT\r\n`);
    client.end();
    const replies = await untilClosed(client);
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['250', '250', '354', '250', '221']);
  });

  it('within a message has sent none', async () => {
    const before = await doors.counted('posthorn_messages_accepted_total');
    const client = await trusted();
    client.write(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n${MESSAGE}.\r`);
    client.end();
    expect((await untilClosed(client)).map((reply) => reply.slice(0, 3))).toEqual(['250', '250', '354']);
    expect(await doors.counted('posthorn_messages_accepted_total')).toBe(before);
  });
});

describe('a door that closes', () => {
  it('ends a session that is within a message when it has had its reply', async () => {
    const client = await trusted();
    client.write(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n`);
    for (const code of [250, 250, 354]) expect((await client.reply()).code).toBe(code);
    const closing = doors.closeDoors();
    expect((await client.data(Buffer.from(MESSAGE))).code).toBe(250);
    expect((await client.reply()).text).toMatch(/^421 4\.3\.2 /);
    await closing;
  });
});

it('has counted every connection that came and went', async () => {
  expect(await doors.counted('posthorn_connections')).toBe(0);
});

function heard(socket: ReturnType<typeof connect>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', reject);
  socket.on('close', () => resolve(text));
  return promise;
}
