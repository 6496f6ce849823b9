/**
 * Real mail leaves as it came: the messages of a corpus that is shared beside the project go in through the submission
 * door and come out at a sink, octet for octet but for our own fields on top, with a signature that others verify.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import type { ReceivedMessage } from '../../src/cli/demo/received-message.js';
import { bothVerified, missingOfDkimVerifier, verifyDkim, type DkimVerdict } from './dkim-verifier.js';
import { RawSmtp, type RawReply } from './raw-smtp.js';
import { RunningPosthorn, sharedPath } from './running-posthorn.js';

const SENDER = 'corpus@example.org';
const DELIVERED_WITHIN_MS = 60_000;
const MESSAGES = 103;
/** Their headers hold lines that are no fields, which the verifier cannot read as they stand: `dkim-verifier.py`. */
const UNREADABLE = [
  'error_emails/multiple_references_with_one_invalid.eml',
  'plain_emails/raw_email_incorrect_header.eml',
  'rfc2822/example13.eml',
];

const corpus = sharedPath('corpus/mail');
const missing = [corpus === undefined ? '../shared/corpus/mail' : undefined, missingOfDkimVerifier()].filter(
  (name) => name !== undefined,
);
const describeCorpus = missing.length === 0 ? describe : describe.skip;

interface CorpusMessage {
  readonly name: string;
  /** As a client sends it: lines end in CRLF, one From field at least. */
  readonly sent: Buffer;
  readonly recipient: string;
}

describeCorpus(`the corpus of real mail${missing.length === 0 ? '' : ` (missing: ${missing.join(', ')})`}`, () => {
  const messages = readCorpus(corpus ?? '');
  const replies = new Map<string, RawReply>();
  const arrived = new Map<string, ReceivedMessage[]>();
  let sink: ScriptedMx;
  let posthorn: RunningPosthorn;
  let dkimRecords: Record<string, string>;

  beforeAll(async () => {
    sink = await startMx();
    posthorn = await RunningPosthorn.start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none` });
    const added = await posthorn.api('POST', '/v1/domains', { name: '*', assumeVerified: true });
    expect(added.status).toBeLessThan(300);
    await sendAll();
    await sink.waitFor(messages.length, DELIVERED_WITHIN_MS);
    for (const message of sink.received) {
      const [recipient = ''] = message.recipients;
      arrived.set(recipient, [...(arrived.get(recipient) ?? []), message]);
    }
    dkimRecords = await publishedKeys();
  });

  afterAll(async () => {
    await posthorn.dispose();
    await sink.close();
  });

  async function sendAll(): Promise<void> {
    const { user, password } = (await posthorn.credentials()).smtp;
    const ca = await readFile(posthorn.caFile, 'utf8');
    const client = await RawSmtp.session(posthorn.ports.submission);
    await client.startTls(ca);
    await client.logIn(user, password);
    for (const { name, sent, recipient } of messages) {
      replies.set(name, await client.send(SENDER, [recipient], sent, ' BODY=8BITMIME'));
    }
    await client.command('QUIT');
    client.close();
  }

  async function publishedKeys(): Promise<Record<string, string>> {
    const { json } = await posthorn.api('GET', '/v1/domains/example.org');
    const records = json.records as { purpose: string; type: string; name: string; value: string }[];
    const keys = records.filter(({ purpose, type }) => purpose === 'dkim' && type === 'TXT');
    return Object.fromEntries(keys.map(({ name, value }) => [name, value]));
  }

  const received = ({ recipient }: CorpusMessage): Buffer => arrived.get(recipient)?.[0]?.data ?? Buffer.alloc(0);
  const verify = (data: readonly Buffer[]): Promise<DkimVerdict[]> => verifyDkim(data, dkimRecords);
  const namesWhere = (is: (message: CorpusMessage, index: number) => boolean): string[] =>
    messages.filter(is).map(({ name }) => name);

  it(`holds ${MESSAGES} messages, of which all are accepted`, () => {
    expect(messages).toHaveLength(MESSAGES);
    const refused = [...replies].filter(([, { text }]) => !/^250 2\.0\.0 Ok: queued as \S+$/.test(text));
    expect(refused).toEqual([]);
  });

  it('delivers each once, to its recipient, from its sender', () => {
    expect(sink.received).toHaveLength(MESSAGES);
    expect(namesWhere(({ recipient }) => arrived.get(recipient)?.length !== 1)).toEqual([]);
    const returnPaths = new Set(sink.received.map(({ from }) => from));
    expect([...returnPaths].filter((path) => !/^b\+\S{49}@bounces\.relay\.example$/.test(path))).toEqual([]);
    // Each message has its own.
    expect(returnPaths.size).toBe(MESSAGES);
  });

  it('sends no bare CR, no bare LF and no NUL', () => {
    const unclean = sink.received.filter(({ audit }) => audit.bareCr + audit.bareLf + audit.nul > 0);
    expect(unclean).toEqual([]);
  });

  it('changes no octet after its own fields, but for Bcc', () => {
    const changed = namesWhere(
      (message) => !received(message).subarray(ownFields(message).length).equals(expected(message)),
    );
    expect(changed).toEqual([]);
  });

  it('adds the signatures and the trace, and of Message-ID, Date and From only what is missing', () => {
    const wrong = messages
      .map((message) => ({ name: message.name, added: fieldNames(ownFields(message)), due: fieldsDue(message) }))
      .filter(({ added, due }) => added.join() !== due.join());
    expect(wrong).toEqual([]);
  });

  it('signs each for the account so that another verifier agrees', async () => {
    const verdicts = await verify(messages.map(received));
    const refused = messages
      .map(({ name }, index) => ({ name, verdict: verdicts[index] }))
      .filter(({ verdict }) => !verdict || !bothVerified(verdict, 'example.org'));
    expect(refused).toEqual([]);
    expect(verdicts).toHaveLength(MESSAGES);
    expect(namesWhere((_, index) => verdicts[index]?.reread !== false)).toEqual(UNREADABLE);
  });

  it('signs so that a tampered body and a second From are refused by the same verifier', async () => {
    const tampered = messages.map((message) => Buffer.concat([received(message), Buffer.from('and more\r\n')]));
    const forged = messages.map((message) =>
      Buffer.concat([Buffer.from('From: ceo@example.com\r\n'), received(message)]),
    );
    const verdicts = await verify([...tampered, ...forged]);
    const signatures = verdicts
      .flatMap((verdict) => verdict.signatures)
      .filter(({ domain }) => domain === 'example.org');
    expect(signatures).toHaveLength(4 * MESSAGES);
    expect(signatures.filter(({ verified }) => verified)).toEqual([]);
  });

  /** What stands above the first octet that was sent, as far as the end of the message lets us tell. */
  function ownFields(message: CorpusMessage): Buffer {
    const data = received(message);
    return data.subarray(0, Math.max(0, data.length - expected(message).length));
  }
});

/** Every file that is a message: neither the licence of the collection nor an empty file is one. */
function readCorpus(folder: string): CorpusMessage[] {
  if (folder === '') return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'LICENSE')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ name: relative(folder, file), raw: readFileSync(file) }))
    .filter(({ raw }) => raw.length > 0)
    .map(({ name, raw }, index) => ({ name, sent: asSent(raw), recipient: `m${index}@sink.example` }));
}

function asSent(raw: Buffer): Buffer {
  const normalised = raw.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n');
  const ended = normalised.endsWith('\r\n') ? normalised : `${normalised}\r\n`;
  const hasFrom = fieldNames(Buffer.from(ended, 'latin1')).includes('from');
  return Buffer.from(hasFrom ? ended : `From: ${SENDER}\r\n${ended}`, 'latin1');
}

/** What must arrive after our own fields: all that was sent, but for the fields that hold blind recipients. */
function expected({ sent }: CorpusMessage): Buffer {
  const { fields, rest } = split(sent);
  const kept = fields.filter((field) => !/^(resent-)?bcc[ \t]*:/i.test(field));
  return Buffer.from(kept.join('') + rest, 'latin1');
}

function fieldsDue({ sent }: CorpusMessage): string[] {
  const present = fieldNames(sent);
  return [
    'dkim-signature',
    'dkim-signature',
    'x-posthorn-ref',
    'received',
    ...['message-id', 'date', 'from'].filter((name) => !present.includes(name)),
  ];
}

/** Lower-case names of the header's fields in their order; lines that are no fields have none. */
function fieldNames(message: Buffer): string[] {
  return split(message)
    .fields.map((field) => /^([!-9;-~]+)[ \t]*:/.exec(field)?.[1]?.toLowerCase())
    .filter((name) => name !== undefined);
}

/** The header's fields, each with its folded lines, and the rest, which begins with the empty line. */
function split(message: Buffer): { fields: string[]; rest: string } {
  const text = `\r\n${message.toString('latin1')}`;
  const end = text.indexOf('\r\n\r\n');
  const header = end === -1 ? text : text.slice(0, end + 2);
  const rest = end === -1 ? '' : text.slice(end + 2);
  return {
    fields: header
      .slice(2)
      .split(/(?<=\r\n)(?![ \t])/)
      .filter((field) => field !== ''),
    rest,
  };
}
