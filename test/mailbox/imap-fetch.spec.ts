/** FETCH: RFC 3501 sections 6.4.5, 6.4.8 and 7.4.2. Where it leaves a choice, Dovecot's answer is the right one. */
import { describe, expect, it } from '@jest/globals';
import type { ImapClient } from './imap-client.js';
import { ImapRig } from './imap-rig.js';
import type { Owner } from './running-mailbox.js';

const HEADER = 'Subject: one\r\nFrom: "A" <a@example.org>\r\nContent-Type: text/plain\r\n\r\n';
const PLAIN = `${HEADER}Hello.\r\n`;
const INNER = 'Subject: inner\r\nTo: b@example.org\r\n\r\nInner text.\r\n';
const MULTIPART = [
  'Subject: two\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=x\r\n\r\n',
  '--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Language: en\r\n\r\nFirst.\r\n',
  `--x\r\nContent-Type: message/rfc822\r\n\r\n${INNER}\r\n--x--\r\n`,
].join('');
const AT = Date.UTC(2026, 10, 5, 9, 8, 7);

const rig = ImapRig.ofSuite(2);
let owner: Owner;
let client: ImapClient;

async function open(...reports: readonly string[]): Promise<void> {
  owner = await rig.owner(...(reports.length > 0 ? reports : [PLAIN, MULTIPART]).map(report));
  client = await rig.select(owner);
}

function report(content: string): { content: Buffer; at: number } {
  return { content: Buffer.from(content, 'latin1'), at: AT };
}

function literal(text: string): string {
  return `{${String(text.length)}}\r\n${text}`;
}

const fetched = (items: string): Promise<readonly string[]> => client.ok(`FETCH ${items}`);

const SIZE = String(PLAIN.length);
const ENVELOPE_FIELDS = '(("A" NIL "a" "example.org"))';
const ENVELOPE = `(NIL "one" ${`${ENVELOPE_FIELDS} `.repeat(3)}NIL NIL NIL NIL NIL)`;
const FAST = `FLAGS (\\Recent) INTERNALDATE " 5-Nov-2026 09:08:07 +0000" RFC822.SIZE ${SIZE}`;
const BODY = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1)';

describe('what is asked for', () => {
  it.each([
    ['FLAGS', 'FLAGS (\\Recent)'],
    ['uid', 'UID 1'],
    ['(UID FLAGS)', 'UID 1 FLAGS (\\Recent)'],
    ['(UID UID)', 'UID 1'],
    ['FAST', FAST],
    ['ALL', `${FAST} ENVELOPE ${ENVELOPE}`],
    ['full', `${FAST} ENVELOPE ${ENVELOPE} BODY ${BODY}`],
    ['BODYSTRUCTURE', `BODYSTRUCTURE ${BODY.slice(0, -1)} NIL NIL NIL NIL)`],
    ['RFC822.HEADER', `RFC822.HEADER ${literal(HEADER)}`],
    ['BODY.PEEK[]', `BODY[] ${literal(PLAIN)}`],
    ['BODY.PEEK[HEADER]', `BODY[HEADER] ${literal(HEADER)}`],
    ['body.peek[text]', `BODY[TEXT] ${literal('Hello.\r\n')}`],
    ['BODY.PEEK[1]', `BODY[1] ${literal('Hello.\r\n')}`],
    ['BODY.PEEK[1.MIME]', `BODY[1.MIME] ${literal(HEADER)}`],
    ['BODY.PEEK[]<0.7>', `BODY[]<0> ${literal('Subject')}`],
    ['BODY.PEEK[TEXT]<5.100>', `BODY[TEXT]<5> ${literal('.\r\n')}`],
    ['BODY.PEEK[TEXT]<8.1>', `BODY[TEXT]<8> ${literal('')}`],
    ['BODY.PEEK[]<4294967295.4294967295>', `BODY[]<4294967295> ${literal('')}`],
    ['BODY.PEEK[9]', `BODY[9] ${literal('')}`],
    ['BODY.PEEK[1.HEADER]', `BODY[1.HEADER] ${literal('')}`],
    ['BODY.PEEK[1.2.3.TEXT]<0.5>', `BODY[1.2.3.TEXT]<0> ${literal('')}`],
    ['BODY.PEEK[HEADER.FIELDS (subject To)]', `BODY[HEADER.FIELDS (subject To)] ${literal('Subject: one\r\n\r\n')}`],
    ['BODY.PEEK[HEADER.FIELDS ("SUBJECT")]', `BODY[HEADER.FIELDS (SUBJECT)] ${literal('Subject: one\r\n\r\n')}`],
    ['BODY.PEEK[HEADER.FIELDS ({2+}\r\nTo)]', `BODY[HEADER.FIELDS (To)] ${literal('\r\n')}`],
    ['BODY.PEEK[HEADER.FIELDS ({3+}\r\na\r\n)]', `BODY[HEADER.FIELDS (${literal('a\r\n')})] ${literal('\r\n')}`],
    [
      'BODY.PEEK[HEADER.FIELDS.NOT (From Content-Type)]',
      `BODY[HEADER.FIELDS.NOT (From Content-Type)] ${literal('Subject: one\r\n\r\n')}`,
    ],
  ])('is answered: %j', async (items, answer) => {
    await open();
    expect(await fetched(`1 ${items}`)).toEqual([`1 FETCH (${answer})`]);
  });

  it.each([
    ['1', 'First.'],
    ['1.MIME', 'Content-Type: text/plain; charset=utf-8\r\nContent-Language: en\r\n\r\n'],
    ['2', INNER],
    ['2.MIME', 'Content-Type: message/rfc822\r\n\r\n'],
    ['2.HEADER', 'Subject: inner\r\nTo: b@example.org\r\n\r\n'],
    ['2.TEXT', 'Inner text.\r\n'],
    ['2.1', 'Inner text.\r\n'],
    ['2.HEADER.FIELDS (TO)', 'To: b@example.org\r\n\r\n'],
    ['2.HEADER.FIELDS.NOT (TO)', 'Subject: inner\r\n\r\n'],
    ['3', ''],
    ['1.1.1', ''],
  ])('is the section %j of a message in parts', async (section, octets) => {
    await open();
    expect(await fetched(`2 BODY.PEEK[${section}]`)).toEqual([`2 FETCH (BODY[${section}] ${literal(octets)})`]);
  });

  it.each([
    ...[
      '1',
      '1 ',
      '1 FOO',
      '1 ()',
      '1 (FLAGS',
      '1 (ALL)',
      '1 FLAGS UID',
      '1 BODY[',
      '1 BODY[FOO]',
      '1 BODY[0]',
      '1 BODY[1.]',
    ],
    ...[
      '1 BODY[MIME]',
      '1 BODY[]<1>',
      '1 BODY[]<0.0>',
      '1 BODY[]<-1.5>',
      '1 BODY[HEADER.FIELDS]',
      '1 BODY.PEEK',
      '0 FLAGS',
    ],
    ...['1 BODY[HEADER.FIELDS ()]', '1 BODY[4294967296]', '-1 FLAGS', '1,,2 FLAGS', '1: FLAGS', ':2 FLAGS', 'x FLAGS'],
    ...[
      '4294967296 FLAGS',
      '1 MODSEQ',
      '1 BINARY[1]',
      '1 (FLAGS) (CHANGEDSINCE 1)',
      '(1) FLAGS',
      '"1" FLAGS',
      '1 BODY[TEXT',
    ],
    `1 (${Array.from({ length: 201 }, () => 'UID').join(' ')})`,
    `1 BODY[HEADER.FIELDS (${Array.from({ length: 1_001 }, () => 'x').join(' ')})]`,
    `1 BODY[${Array.from({ length: 101 }, () => '1').join('.')}]`,
  ])('is BAD where it is written wrongly: %.60j', async (items) => {
    await open();
    expect(await client.end(`FETCH ${items}`)).toMatch(/^BAD /);
    expect(await fetched('1 FLAGS')).toEqual(['1 FETCH (FLAGS (\\Recent))']);
  });

  it('holds no NUL, which no literal may', async () => {
    await open('Subject: x\r\n\r\na\0b\r\n');
    expect(await fetched('1 BODY.PEEK[TEXT]')).toEqual([`1 FETCH (BODY[TEXT] ${literal('a\x80b\r\n')})`]);
    expect((await fetched('1 BODY.PEEK[]'))[0]).toContain('a\x80b');
  });
});

describe('\\Seen', () => {
  it.each(['BODY[]', 'BODY[TEXT]', 'BODY[HEADER]', 'BODY[1]<0.1>', 'RFC822', 'RFC822.TEXT'])(
    'is set by %s, and told',
    async (item) => {
      await open();
      expect((await fetched(`1 ${item}`))[0]).toMatch(/^1 FETCH \(FLAGS \(\\Seen \\Recent\) /);
      expect((await fetched(`1 ${item}`))[0]).not.toMatch(/FLAGS/);
      expect(await fetched('1 FLAGS')).toEqual(['1 FETCH (FLAGS (\\Seen \\Recent))']);
      expect(await (await rig.select(owner, 'Hard', 1)).ok('FETCH 1 FLAGS')).toEqual([
        '1 FETCH (FLAGS (\\Seen \\Recent))',
      ]);
    },
  );

  it.each(['BODY.PEEK[]', 'BODY.PEEK[1]', 'RFC822.HEADER', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822.SIZE'])(
    'is not set by %s',
    async (item) => {
      await open();
      await fetched(`1 ${item}`);
      expect(await fetched('1 FLAGS')).toEqual(['1 FETCH (FLAGS (\\Recent))']);
    },
  );

  it('is told where flags were asked for, once', async () => {
    await open();
    expect(await fetched('1 (UID FLAGS BODY[TEXT])')).toEqual([
      `1 FETCH (UID 1 FLAGS (\\Seen \\Recent) BODY[TEXT] ${literal('Hello.\r\n')})`,
    ]);
  });

  it('is told with the keywords that others set, which are told first', async () => {
    await open();
    const other = await rig.select(owner, 'INBOX', 0);
    await other.ok('STORE 1 +FLAGS (Urgent)');
    const answers = await fetched('1 BODY[TEXT]');
    expect(answers[0]).toMatch(/^FLAGS \(.* Urgent\)$/);
    expect(answers.at(-1)).toMatch(/^1 FETCH \(FLAGS \(Urgent \\Seen \\Recent\) /);
  });

  it('is not set where Redis has no room, and the report is read all the same', async () => {
    owner = await rig.owner(PLAIN);
    const { redis } = rig.running.rig;
    await redis.config('SET', 'maxmemory', '1');
    try {
      client = await rig.select(owner);
      expect(await fetched('1 BODY[TEXT]')).toEqual([`1 FETCH (BODY[TEXT] ${literal('Hello.\r\n')})`]);
      expect(await client.end('STORE 1 +FLAGS (\\Seen)')).toMatch(/^NO \[UNAVAILABLE\] /);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });

  it('is not set by a login that may only read', async () => {
    await open();
    client = await rig.select(await rig.running.owner(['mailbox:read'], owner.account));
    expect((await fetched('1 BODY[TEXT]'))[0]).toBe(`1 FETCH (BODY[TEXT] ${literal('Hello.\r\n')})`);
    expect((await fetched('1 FLAGS'))[0]).not.toMatch(/Seen/);
  });
});

describe('who is named', () => {
  it.each([
    ['1:*', [1, 2, 3]],
    ['*', [3]],
    ['*:2', [2, 3]],
    ['3,1', [1, 3]],
    ['2:1,2:3', [1, 2, 3]],
    ['1,1,1', [1]],
  ])('by %s', async (set, numbers) => {
    await open(PLAIN, PLAIN, PLAIN);
    expect(await fetched(`${set} UID`)).toEqual(numbers.map((n) => `${String(n)} FETCH (UID ${String(n)})`));
  });

  it('and is not there is BAD by number, and nothing by uid', async () => {
    await open();
    expect(await client.end('FETCH 3 FLAGS')).toMatch(/^BAD /);
    expect(await client.end('FETCH 1:3 FLAGS')).toMatch(/^BAD /);
    expect(await client.end('UID FETCH 3:9 FLAGS')).toMatch(/^OK /);
    expect(await client.ok('UID FETCH 2:9 FLAGS')).toEqual(['2 FETCH (UID 2 FLAGS (\\Recent))']);
    expect(await client.ok('UID FETCH 9:* (UID)')).toEqual(['2 FETCH (UID 2)']);
    expect(await client.ok('UID FETCH *:9 FLAGS')).toEqual(['2 FETCH (UID 2 FLAGS (\\Recent))']);
  });

  it('in an empty folder is nobody', async () => {
    await open();
    await client.ok('SELECT Archive');
    for (const command of ['FETCH 1:* FLAGS', 'UID FETCH 1:* FLAGS', 'UID FETCH * BODY[]']) {
      expect(await client.end(command)).toMatch(/^OK /);
    }
  });

  it('has a number of its own in each view, and one uid', async () => {
    owner = await rig.owner({ kind: 'hard' }, { kind: 'soft' }, { kind: 'soft' });
    client = await rig.select(owner, 'Soft');
    expect(await fetched('1:* UID')).toEqual(['1 FETCH (UID 2)', '2 FETCH (UID 3)']);
  });
});

describe('a report that another session took away', () => {
  it('keeps its number, has no content, and is told at the next NOOP', async () => {
    await open(PLAIN, MULTIPART);
    const other = await rig.select(owner);
    await other.ok('STORE 1 +FLAGS (\\Deleted)');
    await other.ok('EXPUNGE');
    const answer = await client.command('FETCH 1:2 (UID BODY.PEEK[1])');
    expect(answer.end).toMatch(/^NO \[EXPUNGEISSUED\] /);
    expect(answer.untagged).toEqual([`2 FETCH (UID 2 BODY[1] ${literal('First.')})`]);
    expect((await client.command('UID FETCH 1:2 (BODY.PEEK[1])')).untagged).toContain('1 EXPUNGE');
    expect(await fetched('1 UID')).toEqual(['1 FETCH (UID 2)']);
  });
});
