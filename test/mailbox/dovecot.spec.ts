/**
 * What we show of a mail is what Dovecot shows: structure, envelope and every section, for real mails and for nasty ones.
 * The one difference is meant: raw UTF-8 in an envelope goes out in encoded words, so envelopes are compared decoded.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { decodeWords } from '../../src/mail/encoded-words.js';
import { withCrlf } from '../../src/mail/line-endings.js';
import { bodyStructure } from '../../src/mailbox/message/body-structure.js';
import { envelope } from '../../src/mailbox/message/envelope.js';
import { readMessageParts, type MessagePart } from '../../src/mailbox/message/message-parts.js';
import { sectionOf, type Section } from '../../src/mailbox/message/section.js';
import { sharedPath } from '../e2e/running-posthorn.js';
import { FetchSession, ValueReader, type FetchedMessage, type ImapValue } from './fetch-session.js';
import { NASTY_MAILS } from './nasty-mails.js';
import { missingOfDovecot, RunningDovecot } from './running-dovecot.js';

const CORPORA = ['corpus/mail', 'corpus/bounces/corpora'];
const FIELDS = ['Subject', 'FROM', 'received', 'content-type'];
/** Of a mail with more parts these are enough. */
const PARTS_COMPARED_MAX = 300;

const missing = missingOfDovecot();
const describeWithDovecot = missing === undefined ? describe : describe.skip;
const corpora = CORPORA.map((path) => sharedPath(path)).filter((path) => path !== undefined);
const withoutCorpora = corpora.length === CORPORA.length ? '' : ' (missing: the corpora; nasty mails only)';

interface Mail {
  readonly name: string;
  readonly raw: Buffer;
  readonly root: MessagePart;
}

describeWithDovecot(`what Dovecot shows of a mail${missing ? ` (missing: ${missing})` : withoutCorpora}`, () => {
  const mails = [...corpora.flatMap((path) => readCorpus(path)), ...NASTY_MAILS].map(([name, raw]): Mail => ({
    name,
    raw,
    root: readMessageParts(raw),
  }));
  const all = `1:${mails.length}`;
  let dovecot: RunningDovecot;
  let session: FetchSession;

  beforeAll(async () => {
    dovecot = await RunningDovecot.start(mails.map(({ raw }) => raw));
    session = await FetchSession.open(dovecot);
    await session.command('SELECT INBOX');
  });

  afterAll(async () => {
    await session?.close();
    await dovecot?.stop();
  });

  it('is the size and the structure that we show', async () => {
    const fetched = await session.fetch(all, 'RFC822.SIZE BODY BODYSTRUCTURE');
    expectSame(fetched, ({ raw, root }) => ({
      'RFC822.SIZE': String(raw.length),
      BODY: bodyStructure(raw, root, false),
      BODYSTRUCTURE: bodyStructure(raw, root, true),
    }));
  });

  it('is the envelope that we show', async () => {
    const fetched = await session.fetch(all, 'ENVELOPE');
    const theirs = [...fetched.values()].map((items) => decoded(items.get('ENVELOPE')?.value ?? null));
    const ours = mails.map(({ raw, root }) => decoded(new ValueReader(envelope(raw, root)).read()));
    expect(differing(ours, theirs)).toEqual([]);
  });

  it('is every section of the mail itself', async () => {
    const list = `(${FIELDS.join(' ')})`;
    const items = [
      ...['BODY.PEEK[]', 'BODY.PEEK[HEADER]', 'BODY.PEEK[TEXT]', 'BODY.PEEK[1]', 'BODY.PEEK[1.MIME]', 'BODY.PEEK[99]'],
      ...[`BODY.PEEK[HEADER.FIELDS ${list}]`, `BODY.PEEK[HEADER.FIELDS.NOT ${list}]`],
    ];
    const fetched = await session.fetch(all, items.join(' '));
    expectSame(fetched, (mail) => ({
      'BODY[]': literal(mail, [], ''),
      'BODY[HEADER]': literal(mail, [], 'HEADER'),
      'BODY[TEXT]': literal(mail, [], 'TEXT'),
      'BODY[1]': literal(mail, [1], ''),
      'BODY[1.MIME]': literal(mail, [1], 'MIME'),
      'BODY[99]': literal(mail, [99], ''),
      [`BODY[HEADER.FIELDS ${list.toUpperCase()}]`]: literal(mail, [], 'HEADER.FIELDS'),
      [`BODY[HEADER.FIELDS.NOT ${list.toUpperCase()}]`]: literal(mail, [], 'HEADER.FIELDS.NOT'),
    }));
  });

  it('is every section of every part', async () => {
    const holders = new Map<string, number[]>();
    for (const [index, { root }] of mails.entries()) {
      for (const path of pathsOf(root)) holders.set(path, [...(holders.get(path) ?? []), index]);
    }
    for (const [path, indexes] of holders) {
      const list = ` (${FIELDS.join(' ').toUpperCase()})`;
      const whats = (['', 'MIME', 'HEADER', 'TEXT', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT'] as const).map((what) => ({
        what,
        item: (what && `.${what}`) + (what.includes('FIELDS') ? list : ''),
      }));
      const items = whats.map(({ item }) => `BODY.PEEK[${path}${item}]`).join(' ');
      const fetched = await session.fetch(indexes.map((index) => index + 1).join(','), items);
      const numbers = path.split('.').map(Number);
      expectSame(fetched, (mail) => {
        // Of a header that breaks off Dovecot reads on past the boundary, and makes up no empty line.
        const isWhole = /(?:^|\r\n)\r\n$/.test(literal(mail, numbers, 'HEADER').replace(/^.*\r\n/, ''));
        const compared = whats.filter(({ what }) => isWhole || !what.includes('FIELDS'));
        return Object.fromEntries(
          compared.map(({ what, item }) => [`BODY[${path}${item}]`, literal(mail, numbers, what)]),
        );
      });
    }
    expect(holders.size).toBeGreaterThan(100);
  });

  function expectSame(
    fetched: ReadonlyMap<number, FetchedMessage>,
    show: (mail: Mail) => Readonly<Record<string, string>>,
  ): void {
    const differences: unknown[] = [];
    for (const [number, items] of fetched) {
      const mail = mails[number - 1]!;
      for (const [item, ours] of Object.entries(show(mail))) {
        const theirs = items.get(item)?.raw ?? 'none';
        if (ours === theirs || (item.startsWith('BODY') && sameDecoded(ours, theirs))) continue;
        differences.push({ mail: mail.name, item, ours: cut(ours), theirs: cut(theirs) });
      }
    }
    expect(differences.slice(0, 20)).toEqual([]);
  }

  function differing(ours: readonly unknown[], theirs: readonly unknown[]): readonly unknown[] {
    return mails
      .map(({ name }, index) => ({ mail: name, ours: ours[index], theirs: theirs[index] }))
      .filter((pair) => JSON.stringify(pair.ours) !== JSON.stringify(pair.theirs))
      .slice(0, 20);
  }
});

function literal({ raw, root }: Mail, part: readonly number[], what: Section['what']): string {
  const fields = what.startsWith('HEADER.FIELDS') ? FIELDS : [];
  const octets = sectionOf(raw, root, { part, what, fields }) ?? Buffer.alloc(0);
  return `{${octets.length}}\r\n${octets.toString('latin1')}`;
}

/** The numbers that IMAP gives the parts, and one that does not exist below each. */
function pathsOf(root: MessagePart): readonly string[] {
  const paths: string[] = [];
  const walk = (part: MessagePart, path: readonly number[]): void => {
    if (paths.length >= PARTS_COMPARED_MAX) return;
    if (path.length > 0) paths.push(path.join('.'));
    const inner = part.kind === 'message' && path.length > 0 ? (part.children[0] ?? part) : part;
    if (inner.kind === 'multipart') for (const [i, child] of inner.children.entries()) walk(child, [...path, i + 1]);
    else if (inner !== part || path.length === 0) walk(inner, [...path, 1]);
    else paths.push([...path, 1].join('.'), [...path, 2].join('.'));
  };
  walk(root, []);
  return paths;
}

/** Encoded words and UTF-8 as people see them. */
function decoded(value: ImapValue): ImapValue {
  if (typeof value !== 'string') return value?.map(decoded) ?? null;
  const bytes = Buffer.from(value, 'latin1');
  return decodeWords(isUtf8(bytes) ? bytes.toString('utf8') : value);
}

/** Whether an envelope inside a structure differs but in how it sends UTF-8. */
function sameDecoded(ours: string, theirs: string): boolean {
  if (!theirs.startsWith('(') || !/[\x80-\xff]/.test(theirs)) return false;
  const [a, b] = [ours, theirs].map((text) => JSON.stringify(decoded(new ValueReader(text).read())));
  return a === b;
}

function cut(text: string): string {
  return text.length > 1_000 ? `${text.slice(0, 500)} ... ${text.slice(-500)}` : text;
}

function readCorpus(root: string): readonly (readonly [string, Buffer])[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(root, path), withCrlf(readFileSync(path))] as const);
}
