/** What the SMTP doors refuse, and in which words, heard on a bare socket: RFC 5321, 3207, 4954, 2034. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { refusal, type RefusalCause } from '../../src/submission/refusals.js';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';

const MESSAGE_BYTES_MAX = 100_000;
const RECIPIENTS_MAX = 3;
const SENDER = 'app@example.org';
const RECIPIENT = 'somebody@example.net';
const MESSAGE = `From: ${SENDER}\r\nTo: ${RECIPIENT}\r\nSubject: hello\r\n\r\nHello.\r\n`;
/** RFC 2034 section 4: code, enhanced status code of the same class, text. */
const ENHANCED_REPLY = /^([245])\d\d \1\.\d{1,3}\.\d{1,3} \S/;

let sink: ScriptedMx;
let posthorn: RunningPosthorn;
let ca: string;
let login: { user: string; password: string };
const open: RawSmtp[] = [];

/** The reply of a row of the table of refusals. */
function refused(cause: RefusalCause, detail: string | number = ''): string {
  const { code, enhanced, text } = refusal(cause, detail);
  return `${code} ${enhanced} ${text}`;
}

function closedAfterTest(client: RawSmtp): RawSmtp {
  open.push(client);
  return client;
}

const plain = async (): Promise<RawSmtp> => closedAfterTest(await RawSmtp.session(posthorn.ports.submission));
const encrypted = async (): Promise<RawSmtp> => closedAfterTest(await RawSmtp.session(posthorn.ports.submissions, ca));
const loggedIn = async (): Promise<RawSmtp> => {
  return closedAfterTest(await RawSmtp.session(posthorn.ports.submissions, ca, login));
};

/** The reply to a whole transaction of a user who is logged in. */
async function sending(message: string, from = SENDER, parameters = ''): Promise<string> {
  const client = await loggedIn();
  return (await client.send(from, [RECIPIENT], Buffer.from(message, 'latin1'), parameters)).text;
}

beforeAll(async () => {
  sink = await startMx();
  posthorn = await RunningPosthorn.start({
    POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none`,
    POSTHORN_MESSAGE_BYTES_MAX: String(MESSAGE_BYTES_MAX),
    POSTHORN_RECIPIENTS_MAX: String(RECIPIENTS_MAX),
  });
  ca = await readFile(posthorn.caFile, 'utf8');
  login = (await posthorn.credentials()).smtp;
});

afterEach(() => {
  for (const client of open.splice(0)) client.close();
});

afterAll(async () => {
  await posthorn.dispose();
  await sink.close();
});

describe('who has not logged in', () => {
  it('is offered STARTTLS and no AUTH before TLS, and AUTH and no STARTTLS after it', async () => {
    const client = await plain();
    const always = ['relay.example', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];
    const bounds = [`SIZE ${MESSAGE_BYTES_MAX}`, `LIMITS RCPTMAX=${RECIPIENTS_MAX}`];
    const before = await client.command('EHLO client.test');
    expect(new Set(before.lines)).toEqual(new Set([...always, 'STARTTLS', ...bounds]));
    const after = await client.startTls(ca);
    expect(new Set(after.lines)).toEqual(new Set([...always, 'AUTH PLAIN LOGIN', ...bounds]));
  });

  it('hears of STARTTLS when it logs in, or sends, before TLS', async () => {
    const client = await plain();
    expect(await client.logIn(login.user, login.password)).toMatchObject({ text: refused('tls_required') });
    expect(await client.commands('AUTH LOGIN', `MAIL FROM:<${SENDER}>`)).toEqual([
      refused('tls_required'),
      refused('tls_required'),
    ]);
  });

  it.each(['submission', 'submissions'] as const)('relays nothing for anybody at the %s door', async (door) => {
    const client = door === 'submissions' ? await encrypted() : await plain();
    if (door === 'submission') await client.startTls(ca);
    const foreign = ['MAIL FROM:<spammer@example.com>', 'RCPT TO:<victim@example.net>', 'DATA'];
    expect(await client.commands(...foreign)).toEqual([
      refused('authentication_required'),
      '503 5.5.1 Error: need MAIL command',
      '503 5.5.1 Error: need RCPT command',
    ]);
    expect(await client.commands(`MAIL FROM:<${SENDER}>`, 'MAIL FROM:<>')).toEqual([
      refused('authentication_required'),
      refused('authentication_required'),
    ]);
  });

  it('hears the same of a wrong password and of a user that does not exist, by PLAIN and by LOGIN', async () => {
    const client = await encrypted();
    expect(await client.logIn(login.user, 'wrong')).toMatchObject({ text: refused('bad_credentials') });
    expect(await client.logIn('nobody@example.org', login.password)).toMatchObject({
      text: refused('bad_credentials'),
    });
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    expect(await client.commands('AUTH LOGIN', base64(login.user), base64('wrong'))).toEqual([
      '334 VXNlcm5hbWU6',
      '334 UGFzc3dvcmQ6',
      refused('bad_credentials'),
    ]);
    expect(await client.logIn(login.user, login.password)).toMatchObject({ code: 235 });
  });

  it.each([
    ['submission', undefined],
    ['submissions', 'TLS'],
  ] as const)('must wait for the greeting at the %s door', async (door, tls) => {
    // From a network that misbehaved, a greeting comes late enough to be sure of who speaks first.
    const crooked = await plain();
    crooked.write('STARTTLS\r\nNOOP\r\n');
    expect(await crooked.reply()).toMatchObject({ text: refused('pipelined_before_tls') });
    await crooked.untilClosed();
    const client = closedAfterTest(await RawSmtp.connect(posthorn.ports[door], tls && ca));
    client.write('EHLO hasty.test\r\n');
    expect(await client.reply()).toMatchObject({ text: refused('early_talker') });
    await client.untilClosed();
  });
});

describe('who has logged in', () => {
  it('may not use a foreign domain in the envelope', async () => {
    expect(await sending(MESSAGE, 'ceo@example.com')).toBe(refused('sender_not_allowed', 'example.com'));
  });

  it('may not use a foreign domain in the From header, alone or among others', async () => {
    expect(await sending(MESSAGE.replace(SENDER, 'ceo@example.com'))).toBe(
      refused('sender_not_allowed', 'example.com'),
    );
    const two = MESSAGE.replace(SENDER, `${SENDER}, Boss <ceo@example.com>`);
    expect(await sending(two)).toBe(refused('sender_not_allowed', 'example.com'));
    expect(await sending(`From: ${SENDER}\r\n${MESSAGE}`)).toBe(refused('bad_from_header', 'a second From header'));
  });

  it('may use no envelope sender, but must then be the author by name', async () => {
    expect(await sending(MESSAGE.replace(SENDER, 'ceo@example.com'), '')).toBe(
      refused('sender_not_allowed', 'example.com'),
    );
    expect(await sending('Subject: from nobody\r\n\r\n', '')).toBe(refused('missing_from_header'));
  });

  it('is told which address is none', async () => {
    const client = await loggedIn();
    expect(await client.commands('MAIL FROM:<a@192.0.2.1>', `MAIL FROM:<${SENDER}>`, 'RCPT TO:<x@192.0.2.2>')).toEqual([
      refused('bad_sender', 'a@192.0.2.1'),
      expect.stringMatching(/^250 2\.1\.0 /),
      refused('bad_recipient', 'x@192.0.2.2'),
    ]);
  });

  it('is told the limit of a message, when it declares its size and when it does not', async () => {
    const tooLarge = refused('message_too_large', MESSAGE_BYTES_MAX);
    expect(await sending(MESSAGE, SENDER, ` SIZE=${MESSAGE_BYTES_MAX + 1}`)).toBe(tooLarge);
    expect(await sending(MESSAGE + `${'x'.repeat(70)}\r\n`.repeat(2_000))).toBe(tooLarge);
  });

  it('is told the limit of recipients, and those below it stand', async () => {
    const client = await loggedIn();
    await client.command(`MAIL FROM:<${SENDER}>`);
    const numbered = [1, 2, 3, 4].map((number) => `RCPT TO:<r${number}@example.net>`);
    const accepted = expect.stringMatching(/^250 2\.1\.5 /);
    const tooMany = refused('too_many_recipients', RECIPIENTS_MAX);
    expect(await client.commands(...numbered)).toEqual([accepted, accepted, accepted, tooMany]);
    expect(await client.commands('RSET')).toEqual([expect.stringMatching(/^250 /)]);
  });

  it('may send no NUL', async () => {
    expect(await sending(`${MESSAGE}a\0b\r\n`)).toBe(refused('nul_octet'));
  });

  it('has bare CRs and LFs made CRLFs, and can smuggle no second message behind them', async () => {
    const smuggled = `\n.\nMAIL FROM:<${SENDER}>\r.\rRCPT TO:<x@example.net>\n.\r\nDATA\r\n.\nend`;
    expect(await sending(MESSAGE + smuggled)).toMatch(/^250 2\.0\.0 Ok: queued as /);
    const [message] = await sink.waitFor(1);
    const lines = ['', '.', `MAIL FROM:<${SENDER}>`, '.', 'RCPT TO:<x@example.net>', '.', 'DATA', '.', 'end', ''];
    expect(message?.data.toString('latin1')).toMatch(new RegExp(`Hello\\.\\r\\n${lines.join('\\r\\n')}$`));
    expect(message?.audit).toMatchObject({ bareCr: 0, bareLf: 0, nul: 0 });
    expect(message?.recipients).toEqual([RECIPIENT]);
  });
});

describe('every reply after EHLO', () => {
  it('carries an enhanced status code of its class, before and after the login', async () => {
    // In groups, because the tenth command that is none ends a session.
    const groups = [
      'NOOP|RSET|HELP|VRFY|VRFY somebody|EXPN list|FOO|FOO bar| |RCPT|RCPT TO:<x@y.example>|DATA|BDAT 3 LAST|TURN|QUIT',
      `MAIL|MAIL FROM:nobody|MAIL FROM:<> BODY=X|MAIL FROM:<> SIZE=x|MAIL FROM:<${SENDER}>|RCPT TO:|RCPT TO:<>|QUIT`,
      'WIZ x|SHELL|KILL|XCLIENT NAME=x|XFORWARD NAME=x|QUIT now',
      'AUTH|AUTH CRAM-MD5|AUTH PLAIN !|AUTH PLAIN eA==|STARTTLS x|STARTTLS|QUIT',
      'FOO|'.repeat(9) + 'FOO',
    ];
    const bare: string[] = [];
    for (const session of [plain, encrypted, loggedIn]) {
      for (const group of groups) {
        const client = await session();
        const commands = group.split('|').filter((command) => session !== plain || command !== 'STARTTLS');
        const replies = await client.commands(...commands);
        bare.push(...replies.filter((reply) => !ENHANCED_REPLY.test(reply)));
      }
    }
    expect(bare).toEqual([]);
  });
});

it('has stored nothing of what it refused, and counted each refusal', async () => {
  expect(await posthorn.metric('posthorn_messages_accepted_total')).toBe(1);
  for (const [reason, times] of [
    ['tls_required', 3],
    ['authentication_required', 6],
    ['bad_credentials', 3],
    ['sender_not_allowed', 4],
    ['message_too_large', 2],
    ['too_many_recipients', 1],
    ['nul_octet', 1],
    ['early_talker', 2],
  ] as const) {
    const counted = await posthorn.metric('posthorn_submissions_rejected_total', `reason="${reason}"`);
    expect(`${reason}: ${counted >= times}`).toBe(`${reason}: true`);
  }
  expect(sink.received).toHaveLength(1);
});
