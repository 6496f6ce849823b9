/**
 * Who may be named as the sender: one table, asked of the built service at both doors. SMTP and HTTP must come to the
 * same verdict in the same words.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { Accounts } from '../../src/accounts/accounts.js';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { SystemClock } from '../../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { refusal, type Refusal, type RefusalCause } from '../../src/submission/refusals.js';
import { OwnedRedis } from './owned-redis.js';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';

const OWN = 'a@example.org';
const RECIPIENT = 'somebody@example.net';
const STORE_WITHIN_MS = 60_000;

type Verdict = 'accepted' | readonly [RefusalCause, string];

/** What it is, the envelope's sender, the header lines, and what becomes of it. */
type Row = readonly [string, string, readonly string[], Verdict];

const forbidden = (domain: string): Verdict => ['sender_not_allowed', domain];
const notAdded = (domain: string): Verdict => ['subdomain_not_added', domain];
const notVerified = (domain: string): Verdict => ['sender_not_verified', domain];
const unreadable = (near: string): Verdict => ['bad_from_header', near];
/** A From header by itself, sent by the own domain. */
const from = (about: string, value: string, verdict: Verdict): Row => [about, OWN, [`From: ${value}`], verdict];

const ROWS: readonly Row[] = [
  // The envelope.
  ['the own domain', OWN, [`From: ${OWN}`], 'accepted'],
  ['the own domain in capitals', 'A@EXAMPLE.ORG', ['FROM: <A@Example.ORG>'], 'accepted'],
  ["another account's domain", 'a@other.example', [`From: ${OWN}`], forbidden('other.example')],
  ["nobody's domain", 'a@nobody.example', [`From: ${OWN}`], forbidden('nobody.example')],
  ['a subdomain', 'a@mail.example.org', [`From: ${OWN}`], notAdded('mail.example.org')],
  ['the parent domain', 'a@org', [`From: ${OWN}`], forbidden('org')],
  ['a domain that waits for DNS', 'a@pending.example', [`From: ${OWN}`], notVerified('pending.example')],
  ['a domain that ends alike', 'a@notexample.org', [`From: ${OWN}`], forbidden('notexample.org')],
  ['an address literal', 'a@[192.0.2.1]', [`From: ${OWN}`], forbidden('[192.0.2.1]')],
  ['an IDN as an A-label', 'a@XN--BCHER-KVA.example', ['From: a@xn--bcher-kva.example'], 'accepted'],
  ['an IDN as U-labels', 'a@Bücher.example', ['From: a@xn--bcher-kva.example'], 'accepted'],
  ['a space in a quoted local part', '"a b"@example.org', [`From: ${OWN}`], 'accepted'],
  ['two dots in a quoted local part', '"a..b"@example.org', [`From: ${OWN}`], 'accepted'],
  ['an underscore in the domain', 'a@x_y.example', [`From: ${OWN}`], forbidden('x_y.example')],
  [
    'an at sign in the local part',
    '"ceo@bank.example"@example.org',
    [`From: ${OWN}`],
    ['bad_sender', '"ceo@bank.example"@example.org'],
  ],
  ['a bracket in the local part', '"ceo> x"@example.org', [`From: ${OWN}`], ['bad_sender', '"ceo> x"@example.org']],
  ['the null sender, and the own domain in From', '', [`From: ${OWN}`], 'accepted'],
  ['the null sender, and a foreign domain in From', '', ['From: a@other.example'], forbidden('other.example')],
  ['the null sender, and no From', '', ['Subject: x'], ['missing_from_header', '']],
  ['the null sender, and an empty From', '', ['From: <>'], unreadable('"<>", which names no address')],
  ['no From, which is made of the envelope', OWN, ['Subject: x'], 'accepted'],

  // The From header.
  from("another account's domain in From", 'a@other.example', forbidden('other.example')),
  from('a subdomain in From', 'a@mail.example.org', notAdded('mail.example.org')),
  from('a domain in From that waits for DNS', 'a@pending.example', notVerified('pending.example')),
  from('an IDN in UTF-8', 'Jürgen <j@Bücher.example>', 'accepted'),
  from('an IDN with a full-width dot', 'j@bücher\u3002example', 'accepted'),
  from('an IDN that looks like the own domain', 'a@ex\u0430mple.org', forbidden('xn--exmple-4nf.org')),
  from('an address literal in From', 'a@[192.0.2.1]', forbidden('[192.0.2.1]')),
  from('a dot at the end', 'a@example.org.', unreadable('a@example.org.')),
  from('a spoofed display name', '"ceo@bank.example" <a@example.org>', 'accepted'),
  from('a spoofed display name with brackets', '"<ceo@bank.example>" <a@example.org>', 'accepted'),
  from('a spoofed display name without quotes', 'ceo@bank.example <a@example.org>', forbidden('bank.example')),
  from('an encoded display name', '=?utf-8?q?ceo=40bank.example?= <a@example.org>', 'accepted'),
  from(
    'an encoded word for an address',
    '=?utf-8?q?ceo=40bank.example?=',
    unreadable('=?utf-8?q?ceo=40bank.example?='),
  ),
  from(
    'an encoded word in an address',
    '=?utf-8?q?ceo=40bank.example?=@example.org',
    unreadable('=?utf-8?q?ceo=40bank.example?=@example.org'),
  ),
  from('several own addresses', 'a@example.org, b@example.org', 'accepted'),
  from('a foreign address among several', 'a@example.org, b@other.example', forbidden('other.example')),
  from('a group of own addresses', 'Team: a@example.org, b@example.org;', 'accepted'),
  from('a foreign address in a group', 'Team: a@example.org, b@other.example;', forbidden('other.example')),
  from('an empty group', 'Undisclosed:;', unreadable('"Undisclosed:;", which names no address')),
  from('an empty value', '', unreadable('"", which names no address')),
  from('a comment that looks foreign', 'a@example.org (ceo@bank.example)', 'accepted'),
  from('a comment within the domain', 'ceo@bank.example(.)example.org', unreadable('ceo@bank.example example.org')),
  from('a source route', '<@bank.example:a@example.org>', unreadable('@bank.example:a@example.org')),
  from('a quoted local part', '"a b"@example.org', 'accepted'),
  from('an at sign in the local part', '"ceo@bank.example"@example.org', unreadable('"ceo@bank.example"@example.org')),
  from('two brackets', '<ceo@bank.example> <a@example.org>', unreadable('<ceo@bank.example> <a@example.org>')),
  from('a folded value', 'Somebody\r\n\t<a@example.org>', 'accepted'),
  from('a foreign address behind a fold', 'Somebody\r\n <a@other.example>', forbidden('other.example')),
  from('a control character', 'a@example.org\x01', unreadable('a@example.org?')),

  // Fields that are From as well, or hide it.
  ['a second From', OWN, [`From: ${OWN}`, 'From: a@other.example'], unreadable('a second From header')],
  ['a second From in small letters', OWN, [`From: ${OWN}`, `from: ${OWN}`], unreadable('a second From header')],
  ['a space before the colon', OWN, ['From : a@other.example'], forbidden('other.example')],
  ['a tab before the colon', OWN, [`From: ${OWN}`, 'From\t: a@other.example'], unreadable('a second From header')],
  ['a bare CR before it', OWN, [`From: ${OWN}\rFrom: a@other.example`], unreadable('a second From header')],
  ['a bare LF before it', OWN, [`From: ${OWN}\nFrom: a@other.example`], unreadable('a second From header')],
  [
    'a control character in the name of the field',
    OWN,
    [`From: ${OWN}`, 'From\x01: a@other.example'],
    unreadable('"From?: a@other.example", which looks like a From header'),
  ],
  [
    'an mbox line before it',
    OWN,
    ['From ceo@bank.example Sat Nov 21', `From: ${OWN}`],
    unreadable('"From ceo@bank.example Sat Nov 21", which is no header field and stands before it'),
  ],
  [
    'a line before it that is no field',
    OWN,
    ['garbage', `From: ${OWN}`],
    unreadable('"garbage", which is no header field and stands before it'),
  ],
  ['a line after it that is no field', OWN, [`From: ${OWN}`, 'garbage'], 'accepted'],
  [
    'a line of white space before it',
    OWN,
    ['Subject: x', ' ', `From: ${OWN}`],
    unreadable('a line of white space before its end'),
  ],
  ['a From in the body', OWN, [`From: ${OWN}`, '', 'From: a@other.example'], 'accepted'],

  // Fields that some readers show beside From, or for it.
  ['an own Sender', OWN, [`From: ${OWN}`, 'Sender: b@example.org'], 'accepted'],
  ['a foreign Sender', OWN, [`From: ${OWN}`, 'Sender: a@other.example'], forbidden('other.example')],
  [
    'an unreadable Sender',
    OWN,
    [`From: ${OWN}`, 'Sender: root'],
    ['bad_sender_header', 'Sender cannot be read near root'],
  ],
  ['a foreign Resent-From', OWN, [`From: ${OWN}`, 'Resent-From: a@other.example'], forbidden('other.example')],
  ['a foreign Resent-Sender', OWN, [`From: ${OWN}`, 'Resent-Sender: a@other.example'], forbidden('other.example')],
  ['a foreign Reply-To', OWN, [`From: ${OWN}`, 'Reply-To: a@other.example'], 'accepted'],
];

/** The same of octets that no string of the table can hold. */
const LATIN1_DOMAIN = Buffer.from(`From: a@b\xfccher.example\r\n\r\nx\r\n`, 'latin1');

let redis: OwnedRedis;
let sink: ScriptedMx;
let posthorn: RunningPosthorn;
let client: RawSmtp;

beforeAll(async () => {
  redis = await OwnedRedis.start();
  sink = await startMx();
  posthorn = await RunningPosthorn.start({
    POSTHORN_REDIS_URL: redis.url,
    POSTHORN_LISTEN: '127.0.0.1',
    POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none`,
  });
  const store = connectRedis(redis.url, 'answering');
  await untilReady(store, STORE_WITHIN_MS);
  await new Accounts(store, new SystemClock()).create('other');
  await disconnectRedis(store);
  for (const [path, body] of [
    ['/v1/domains?account=other', { name: 'other.example', assumeVerified: true }],
    ['/v1/domains', { name: 'bücher.example', assumeVerified: true }],
    ['/v1/domains', { name: 'pending.example' }],
  ] as const) {
    expect((await posthorn.api('POST', path, body)).status).toBe(201);
  }
  const { smtp } = await posthorn.credentials();
  client = await RawSmtp.session(posthorn.ports.submissions, await readFile(posthorn.caFile, 'utf8'), smtp);
});

afterAll(async () => {
  client.close();
  await posthorn.dispose();
  await sink.close();
  await redis.dispose();
});

async function overSmtp(sender: string, message: Buffer): Promise<string> {
  const isAscii = /^[\x00-\x7f]*$/.test(sender);
  const reply = await client.send(sender, [RECIPIENT], message, isAscii ? '' : ' SMTPUTF8');
  if (reply.code !== 250) await client.command('RSET');
  return reply.code === 250 ? 'accepted' : reply.text;
}

async function overHttp(sender: string, message: Buffer): Promise<unknown> {
  const envelope = { from: sender, to: [RECIPIENT] };
  const { status, json } = await posthorn.api('POST', '/v1/messages', { raw: message.toString('base64'), envelope });
  return status === 202 ? 'accepted' : { status, code: json.code, detail: json.detail };
}

function refused(verdict: Exclude<Verdict, string>): Refusal {
  const [cause, detail] = verdict;
  return refusal(cause, detail);
}

async function expectVerdict(sender: string, message: Buffer, verdict: Verdict): Promise<void> {
  const answers = [await overSmtp(sender, message), await overHttp(sender, message)];
  if (verdict === 'accepted') {
    expect(answers).toEqual(['accepted', 'accepted']);
    return;
  }
  const { cause, code, enhanced, status, text } = refused(verdict);
  expect(answers).toEqual([`${code} ${enhanced} ${text}`, { status, code: cause, detail: text }]);
}

describe('the sender of a message, by SMTP and by HTTP', () => {
  it.each(ROWS)('%s: MAIL FROM:<%s> %j: %j', async (_, sender, header, verdict) => {
    await expectVerdict(sender, Buffer.from(`${header.join('\r\n')}\r\n\r\nHello.\r\n`), verdict);
  });

  it('is not guessed where a domain is not UTF-8', async () => {
    await expectVerdict(OWN, LATIN1_DOMAIN, unreadable('a@b?cher.example'));
  });

  it('is nobody of a foreign domain, whatever was accepted', async () => {
    const accepted = ROWS.filter(([, , , verdict]) => verdict === 'accepted').length * 2;
    const messages = await sink.waitFor(accepted);
    expect(messages.filter(({ from: sender }) => /other|bank|nobody/.test(sender))).toEqual([]);
  });
});
