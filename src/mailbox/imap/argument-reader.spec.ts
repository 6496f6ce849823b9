import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../../test/fuzz-runs.js';
import { ArgumentReader, SyntaxFault } from './argument-reader.js';
import { readFetchItems } from './fetch-items.js';
import { readFlags } from './message-flags.js';
import { readSequenceSet } from './named-reports.js';
import { readSearchKeys } from './search-keys.js';

const of = (text: string) => new ArgumentReader(text);

describe('strings', () => {
  it.each([
    ['atom]', 'atom]'],
    ['"a \\"b\\" \\\\"', 'a "b" \\'],
    ['""', ''],
    ['{5}\r\na\r\nb)', 'a\r\nb)'],
    ['{0}\r\n', ''],
    ['{3+}\r\nabc', 'abc'],
    ['"\xc3\xa9"', '\xc3\xa9'],
    ['NIL', 'NIL'],
  ])('%j is %j', (text, value) => {
    const reader = of(text);
    expect(reader.astring()).toBe(value);
    expect(reader.atEnd).toBe(true);
  });

  it.each(['', ' ', '"open', '"a\r\n"', '"\\x"', '{5}\r\nabc', '{5}abcde', '(', '{99999999999}\r\n', '\x00', '"\x00"'])(
    '%j is none',
    (text) => {
      expect(() => of(text).astring()).toThrow(SyntaxFault);
    },
  );

  it('may be NIL where that is a value, and not where it begins a word', () => {
    expect(of('nil').nstring()).toBeUndefined();
    expect(of('NIL)').nstring()).toBeUndefined();
    expect(() => of('NILS').nstring()).toThrow(SyntaxFault);
    expect(of('"NIL"').nstring()).toBe('NIL');
  });
});

describe('flags', () => {
  it.each([
    ['(\\seen $Forwarded)', ['\\Seen', '$Forwarded']],
    ['\\DELETED', ['\\Deleted']],
    ['\\Flagged work', ['\\Flagged', 'work']],
    ['()', []],
    ['(\\Recent \\Answered)', ['\\Answered']],
  ])('%s', (text, flags) => {
    expect(readFlags(of(text))).toEqual(flags);
  });

  it.each(['\\Foo', '(\\Seen', '(a"b)', `(${'k'.repeat(101)})`, `(${'k '.repeat(200)}k)`, '\\*'])(
    '%s is none',
    (text) => {
      expect(() => readFlags(of(text))).toThrow(SyntaxFault);
    },
  );
});

describe('data items', () => {
  it.each([
    ['FAST', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE']],
    ['(uid flags)', ['UID', 'FLAGS']],
    ['full', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'structure']],
  ])('%s', (text, kinds) => {
    expect(readFetchItems(of(text)).map(({ kind }) => kind)).toEqual(kinds);
  });

  it.each([
    ['BODY[]', 'BODY[]', { part: [], what: '', fields: [] }, true],
    ['body.peek[header]', 'BODY[HEADER]', { part: [], what: 'HEADER', fields: [] }, false],
    ['BODY[1.2.3]<5.100>', 'BODY[1.2.3]<5>', { part: [1, 2, 3], what: '', fields: [] }, true],
    ['BODY.PEEK[4.1.MIME]', 'BODY[4.1.MIME]', { part: [4, 1], what: 'MIME', fields: [] }, false],
    [
      'BODY[HEADER.FIELDS (Subject "From")]',
      'BODY[HEADER.FIELDS (Subject From)]',
      { part: [], what: 'HEADER.FIELDS', fields: ['Subject', 'From'] },
      true,
    ],
    [
      'BODY[2.HEADER.FIELDS.NOT (X)]',
      'BODY[2.HEADER.FIELDS.NOT (X)]',
      { part: [2], what: 'HEADER.FIELDS.NOT', fields: ['X'] },
      true,
    ],
    ['RFC822.HEADER', 'RFC822.HEADER', { part: [], what: 'HEADER', fields: [] }, false],
    ['RFC822', 'RFC822', { part: [], what: '', fields: [] }, true],
  ])('%s', (text, label, section, marksSeen) => {
    expect(readFetchItems(of(text))).toEqual([expect.objectContaining({ label, section, marksSeen })]);
  });

  it.each([
    'NOTHING',
    'BODY[',
    'BODY[0]',
    'BODY[1.]',
    'BODY[1HEADER]',
    'BODY[MIME]',
    'BODY[TEXT.1]',
    'BODY[]<0>',
    'BODY[]<0.0>',
    'BODY[]<-1.5>',
    'BODY[HEADER.FIELDS]',
    'BODY[HEADER.FIELDS Subject]',
    'BODY.PEEK',
    '(FLAGS',
    `BODY[${'1.'.repeat(101)}1]`,
    `(${'UID '.repeat(300)}UID)`,
  ])('%s is none', (text) => {
    expect(() => {
      const reader = of(text);
      readFetchItems(reader);
      reader.end();
    }).toThrow(SyntaxFault);
  });
});

describe('search keys', () => {
  const read = (text: string) => readSearchKeys(of(text), (octets) => octets);

  it('stand together, alternate, and are turned round', () => {
    expect(read('UNSEEN (OR FROM a NOT TO b) 1:2')).toEqual({
      kind: 'and',
      keys: [
        { kind: 'not', key: { kind: 'flag', flag: '\\Seen' } },
        {
          kind: 'not',
          key: {
            kind: 'and',
            keys: [
              { kind: 'not', key: { kind: 'header', field: 'from', text: 'a' } },
              { kind: 'not', key: { kind: 'not', key: { kind: 'header', field: 'to', text: 'b' } } },
            ],
          },
        },
        { kind: 'numbers', set: [[1, 2]] },
      ],
    });
  });

  it.each([
    'ALL ANSWERED BCC x BEFORE 1-Dec-2026 BODY x CC x DELETED DRAFT FLAGGED FROM x',
    'HEADER x "" KEYWORD k LARGER 1 NEW OLD ON 1-Dec-2026 RECENT SEEN SENTBEFORE 1-Dec-2026 SENTON 1-Dec-2026',
    'SENTSINCE 1-Dec-2026 SINCE "1-Dec-2026" SMALLER 1 SUBJECT x TEXT x TO x UID 1:* UNANSWERED UNDELETED UNDRAFT',
    'UNFLAGGED UNKEYWORD k UNSEEN',
  ])('of RFC 3501 are all known: %s', (text) => {
    expect(read(text).kind).toBe('and');
  });

  it.each([
    '',
    'FOO',
    'NOT',
    'OR ALL',
    'HEADER x',
    '(ALL',
    'SINCE yesterday',
    'LARGER x',
    'UID x',
    `${'('.repeat(201)}ALL${')'.repeat(201)}`,
    `${'NOT '.repeat(201)}ALL`,
    Array(600).fill('ALL').join(' '),
  ])('"%s" are none', (text) => {
    expect(() => read(text)).toThrow(SyntaxFault);
  });
});

describe('arguments of any octets', () => {
  /** Pieces of the grammar, put together as they should not be. */
  const piece = fc.oneof(
    fc.constantFrom(' ', '(', ')', '[', ']', '<', '>', '"', '\\', '{3}\r\n', '{1+}\r\n', '.', ':', '*', ',', '\0'),
    fc.constantFrom('BODY', 'BODY.PEEK', 'HEADER.FIELDS', 'UID', 'NOT', 'OR', 'FLAGS', '\\Seen', 'NIL', '1', '0', '99'),
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text).toString('latin1')),
  );
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
  const readers: Record<string, (reader: ArgumentReader) => unknown> = {
    fetch: readFetchItems,
    search: (reader) => readSearchKeys(reader, (octets) => octets),
    flags: readFlags,
    set: readSequenceSet,
    list: (reader) => reader.list(() => reader.astring(), 10, 'a list'),
    pattern: (reader) => reader.listPattern(),
  };

  it.each(Object.keys(readers))('are read as %s, or are a fault in words', (name) => {
    fc.assert(
      fc.property(text, (given) => {
        try {
          readers[name]?.(of(given));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxFault);
          expect((error as Error).message).toMatch(/^expected [\x20-\x7e]+$/);
        }
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
