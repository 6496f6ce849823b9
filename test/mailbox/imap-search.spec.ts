/** SEARCH: RFC 3501 section 6.4.4. */
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { cpuMsUntilDone } from '../cpu-time.js';
import type { ImapClient } from './imap-client.js';
import { ImapRig } from './imap-rig.js';
import { type Owner } from './running-mailbox.js';

const day = (date: number): number => Date.UTC(2026, 10, date, 23, 59, 59);

const MAILS = [
  [
    'Subject: Your =?utf-8?B?R3LDvMOfZQ==?= from us\r\nFrom: "Ann" <ann@example.org>\r\nTo: bob@example.net\r\n',
    'Date: Mon, 2 Nov 2026 23:30:00 -0500\r\n\r\nPlain text of the first.\r\n',
  ].join(''),
  [
    'Subject: second\r\nCc: carl@example.net\r\nBcc: dora@example.net\r\nX-Tag: \r\nMIME-Version: 1.0\r\n',
    'Date: Wed, 4 Nov 2026 00:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n',
    'Content-Transfer-Encoding: base64\r\n\r\n',
    `${Buffer.from('Hidden in base64: café').toString('base64')}\r\n`,
  ].join(''),
  [
    'Subject: third\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n\r\n',
    `A na=EFve, =\r\nbroken line.\r\n${'padding '.repeat(100)}\r\n`,
  ].join(''),
];

const rig = ImapRig.ofSuite(1, { sessions: 'suite' });
let owner: Owner;
let client: ImapClient;

beforeAll(async () => {
  owner = await rig.owner(...MAILS.map((mail, index) => ({ content: Buffer.from(mail), at: day(3 + index) })));
  // \Recent is this one's.
  await rig.select(owner);
  client = await rig.select(owner);
  await client.ok('STORE 1 FLAGS (\\Seen \\Answered Work)');
  await client.ok('STORE 2 FLAGS (\\Flagged \\Deleted \\Draft)');
});

async function found(keys: string): Promise<number[]> {
  const answers = await client.ok(`SEARCH ${keys}`);
  expect(answers).toHaveLength(1);
  expect(answers[0]).toMatch(/^SEARCH(?: [1-9]\d*)*$/);
  return (answers[0] ?? '').split(' ').slice(1).map(Number);
}

function literal(text: string): string {
  const octets = Buffer.from(text).toString('latin1');
  return `{${String(octets.length)}+}\r\n${octets}`;
}

describe('SEARCH by', () => {
  it.each([
    ['ALL', [1, 2, 3]],
    ['all', [1, 2, 3]],
    ['SEEN', [1]],
    ['UNSEEN', [2, 3]],
    ['ANSWERED', [1]],
    ['UNANSWERED', [2, 3]],
    ['FLAGGED', [2]],
    ['UNFLAGGED', [1, 3]],
    ['DELETED', [2]],
    ['UNDELETED', [1, 3]],
    ['DRAFT', [2]],
    ['UNDRAFT', [1, 3]],
    ['RECENT', []],
    ['OLD', [1, 2, 3]],
    ['NEW', []],
    ['KEYWORD work', [1]],
    ['UNKEYWORD WORK', [2, 3]],
    ['KEYWORD nothing', []],
    ['2', [2]],
    ['2:*', [2, 3]],
    ['1,3', [1, 3]],
    ['9', []],
    ['*', [3]],
    ['UID 2:3', [2, 3]],
    ['UID 9:*', [3]],
    ['BEFORE 4-Nov-2026', [1]],
    ['ON 4-Nov-2026', [2]],
    ['ON "04-nov-2026"', [2]],
    ['SINCE 4-Nov-2026', [2, 3]],
    ['SENTBEFORE 3-Nov-2026', [1]],
    ['SENTON 2-Nov-2026', [1]],
    ['SENTON 4-Nov-2026', [2]],
    ['SENTSINCE 3-Nov-2026', [2]],
    ['LARGER 500', [3]],
    ['SMALLER 500', [1, 2]],
    ['SMALLER 0', []],
    ['FROM ann', [1]],
    ['FROM EXAMPLE.ORG', [1]],
    ['TO bob', [1]],
    ['CC carl', [2]],
    ['BCC dora', [2]],
    ['BCC ""', [2]],
    ['SUBJECT "your gr"', [1]],
    ['SUBJECT hidden', []],
    ['HEADER Subject third', [3]],
    ['HEADER "X-Tag" ""', [2]],
    ['HEADER X-None ""', []],
    ['BODY "plain text"', [1]],
    ['BODY subject', []],
    ['BODY "hidden in"', [2]],
    ['BODY "broken"', [3]],
    ['TEXT carl', [2]],
    ['TEXT second', [2]],
    ['TEXT "subject: SECOND"', [2]],
    ['TEXT x-tag', [2]],
    ['TEXT "mime-version:"', [2, 3]],
    ['TEXT "text of"', [1]],
    ['TEXT ""', [1, 2, 3]],
    ['BODY ""', [1, 2, 3]],
  ])('%s', async (keys, numbers) => {
    expect(await found(keys)).toEqual(numbers);
  });

  it.each([
    ['SEEN UNSEEN', []],
    ['UNSEEN UNDELETED', [3]],
    ['NOT SEEN', [2, 3]],
    ['NOT NOT SEEN', [1]],
    ['OR SEEN DELETED', [1, 2]],
    ['OR SUBJECT third BODY hidden', [2, 3]],
    ['OR (SEEN ANSWERED) (DELETED 3)', [1]],
    ['NOT (OR SEEN DELETED)', [3]],
    ['NOT OR TEXT carl TEXT ann', [3]],
    ['(ALL)', [1, 2, 3]],
    ['((2))', [2]],
    ['1:2 NOT BODY hidden', [1]],
    [`${'('.repeat(30)}SEEN${')'.repeat(30)}`, [1]],
  ])('keys together: %s', async (keys, numbers) => {
    expect(await found(keys)).toEqual(numbers);
  });
});

describe('UID SEARCH', () => {
  it('gives uids, and takes numbers for what they are', async () => {
    const other = await rig.owner({}, {}, {});
    const session = await rig.select(other);
    await session.ok('STORE 1 +FLAGS (\\Deleted)');
    await session.ok('EXPUNGE');
    expect(await session.ok('UID SEARCH ALL')).toEqual(['SEARCH 2 3']);
    expect(await session.ok('UID SEARCH 1')).toEqual(['SEARCH 2']);
    expect(await session.ok('SEARCH UID 2')).toEqual(['SEARCH 1']);
    expect(await session.ok('UID SEARCH UNSEEN RECENT')).toEqual(['SEARCH 2 3']);
    expect(await session.ok('UID SEARCH SEEN')).toEqual(['SEARCH']);
  });

  it('tells first what has come, and finds it', async () => {
    const other = await rig.owner({});
    const [session, knowing] = [await rig.select(other), await rig.select(other)];
    await rig.running.appendReport(other, {});
    // Both are in one process: what one has read, it has for the other.
    await knowing.ok('NOOP');
    expect(await session.ok('SEARCH UNSEEN')).toEqual(['2 EXISTS', '1 RECENT', 'SEARCH 1 2']);
  });

  it('finds nothing in an empty folder', async () => {
    const session = await rig.select(await rig.owner(), 'Archive');
    for (const keys of ['ALL', '1:*', 'UID *', 'BODY x']) {
      expect(await session.ok(`UID SEARCH ${keys}`)).toEqual(['SEARCH']);
    }
  });

  it('finds no content of a report that is gone', async () => {
    const other = await rig.owner('Subject: x\r\n\r\nneedle\r\n', 'Subject: y\r\n\r\nneedle\r\n');
    const [session, remover] = [await rig.select(other), await rig.select(other)];
    await remover.ok('STORE 1 +FLAGS (\\Deleted)');
    await remover.ok('EXPUNGE');
    expect(await session.ok('SEARCH BODY needle')).toContain('SEARCH 2');
  });
});

describe('a text', () => {
  it.each([
    ['CHARSET UTF-8 SUBJECT', 'grüße'],
    ['CHARSET utf-8 TEXT', 'CAFÉ'],
    ['BODY', 'cafe\u0301'],
    ['CHARSET "UTF-8" BODY', 'naïve, broken'],
  ])('is found as people read it: %s %s', async (keys, text) => {
    expect(await found(`${keys} ${literal(text)}`)).toHaveLength(1);
    expect(await found(`${keys} "${Buffer.from(text).toString('latin1')}"`)).toHaveLength(1);
  });

  it('may come in other charsets', async () => {
    expect(await found('CHARSET ISO-8859-1 SUBJECT {5+}\r\ngr\xfc\xdfe')).toEqual([1]);
    expect(await found('CHARSET US-ASCII SUBJECT second')).toEqual([2]);
    expect(await found('CHARSET koi8-r SUBJECT second')).toEqual([2]);
  });

  it('in a charset that is not known is NO, with those that are', async () => {
    for (const charset of ['X-UNKNOWN', '"none such"', 'UTF-7']) {
      expect(await client.end(`SEARCH CHARSET ${charset} SUBJECT x`)).toMatch(/^NO \[BADCHARSET \(US-ASCII UTF-8\)\] /);
    }
  });

  it('may wait to be asked for', async () => {
    client.lines.write('x SEARCH SUBJECT {6}\r\n');
    expect(await client.lines.line()).toMatch(/^\+ /);
    client.lines.write('second BODY {6}\r\n');
    expect(await client.lines.line()).toMatch(/^\+ /);
    client.lines.write('hidden\r\n');
    expect(await client.lines.line()).toBe('* SEARCH 2');
    expect(await client.lines.line()).toMatch(/^x OK /);
  });
});

describe('a search for much', () => {
  // Decoded for each key, it takes forty times as long.
  it('decodes a large message once, however many keys look at it', async () => {
    const large = await rig.owner(`Subject: large\r\n\r\n${'No line of this is \xe9 short one.\r\n'.repeat(60_000)}`);
    const reader = await rig.select(large);
    const keys = Array.from({ length: 99 }, (_, i) => `NOT TEXT absent${String(i)}`);
    const tookMs = await cpuMsUntilDone(async () => {
      expect(await reader.ok(`SEARCH ${keys.join(' ')}`)).toEqual(['SEARCH 1']);
    });
    expect(tookMs).toBeLessThan(1_000);
  });

  it('lets others have their turn', async () => {
    const many = await rig.running.owner();
    await rig.running.rig.append(3_000, {}, many.account);
    const [reader, other] = [await rig.select(many), await rig.logIn(many)];
    const ended: string[] = [];
    const search = reader.ok(`SEARCH ${'UNKEYWORD absent '.repeat(98)}LARGER 1`).finally(() => ended.push('SEARCH'));
    await other.ok('NOOP').finally(() => ended.push('NOOP'));
    expect((await search)[0]).toMatch(/ 3000$/);
    expect(ended).toEqual(['NOOP', 'SEARCH']);
  });
});

describe('what is no search', () => {
  afterEach(async () => {
    expect(await found('SEEN')).toEqual([1]);
  });

  it.each([
    ...[
      '',
      ' ',
      ' FOO',
      ' ()',
      ' (SEEN',
      ' SEEN)',
      ' NOT',
      ' OR',
      ' OR SEEN',
      ' SUBJECT',
      ' HEADER Subject',
      ' KEYWORD',
    ],
    ...[
      ' LARGER x',
      ' LARGER',
      ' UID',
      ' UID x',
      ' 0',
      ' ON',
      ' ON 32-Jan-2026',
      ' ON 1-Foo-2026',
      ' CHARSET',
      ' 1:',
      ' "x"',
    ],
    ...[
      ' CHARSET UTF-8',
      ' SEENFLAGGED',
      ' RETURN (MIN) ALL',
      ' MODSEQ 1',
      ' LARGER 4294967296',
      ' SUBJECT "x',
      ' SEEN,1',
    ],
    ` ${'NOT '.repeat(201)}SEEN`,
    ` ${'('.repeat(201)}SEEN${')'.repeat(201)}`,
    ` ${'SEEN '.repeat(201)}`,
  ])('is BAD: %.60j', async (keys) => {
    expect(await client.end(`SEARCH${keys}`)).toMatch(/^BAD /);
    // So that the session is not ended for too many.
    await client.ok('NOOP');
  });
});
