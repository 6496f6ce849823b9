import { describe, expect, it } from '@jest/globals';
import { fieldOf, readMimeTree, type MimePart } from './mime-tree.js';

/** The tree in one line: `type(parts)`, a leaf with its body. */
function shape(raw: Buffer, part: MimePart): string {
  if (part.parts.length > 0) return `${part.type}(${part.parts.map((one) => shape(raw, one)).join(' ')})`;
  return `${part.type}=${JSON.stringify(raw.toString('latin1', part.bodyStart, part.end))}`;
}

function read(text: string): string {
  const raw = Buffer.from(text, 'latin1');
  return shape(raw, readMimeTree(raw));
}

const TWO_PARTS = [
  'From: a@example.com',
  'Content-Type: multipart/mixed; boundary="b 1"',
  '',
  'preamble',
  '--b 1',
  '',
  'one',
  '',
  '--b 1',
  'Content-Type: text/html',
  '',
  'two',
  '--b 1--',
  'epilogue',
];

describe('readMimeTree', () => {
  it('reads a multipart that lost the field which says so', () => {
    expect(read('Subject: x\n\n--b\nContent-Type: text/html\n\none\n--b--\n')).toBe('multipart/mixed(text/html="one")');
    expect(read('Content-Type: text/plain\n\n--b\nContent-Type: text/html\n')).toMatch(/^text\/plain=/);
  });

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
    ['CRCRLF', '\r\r\n'],
  ])('reads the same parts where lines end in %s', (_, ending) => {
    expect(read(TWO_PARTS.join(ending))).toBe(
      `multipart/mixed(text/plain=${JSON.stringify(`one${ending}`)} text/html="two")`,
    );
  });

  it('reads lines that end now in one way, now in another', () => {
    const endings = ['\n', '\r\n', '\r', '\r\n', '\n'];
    const mixed = TWO_PARTS.map((line, i) => line + (line === '' ? '\r\n' : (endings[i % 5] ?? ''))).join('');
    expect(read(mixed)).toBe('multipart/mixed(text/plain="one\\r\\n" text/html="two")');
  });

  it.each([
    [
      'a missing end boundary',
      'C: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none',
      'multipart/mixed(text/plain="one")',
    ],
    [
      'a boundary that is not the one announced',
      'Content-Type: multipart/report; boundary=b\n\n--other\nContent-Type: text/plain\n\none\n--other\n\ntwo\n--other--\n',
      'multipart/report(text/plain="one" text/plain="two")',
    ],
    [
      'no boundary in the header at all',
      'Content-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\none\n--x--\n',
      'multipart/mixed(text/plain="one")',
    ],
    [
      'a missing inner end boundary',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--a\n\ntwo\n--a--\n',
      'multipart/mixed(multipart/alternative(text/plain="one") text/plain="two")',
    ],
    [
      'one boundary in two levels',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a--\n--a\n\ntwo\n--a--\n',
      'multipart/mixed(multipart/mixed(text/plain="one") text/plain="two")',
    ],
    [
      'a part without an empty line',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n<p>one\n--a--',
      'multipart/mixed(text/html="<p>one")',
    ],
    ['a multipart without parts', 'Content-Type: multipart/mixed; boundary=a\n\nwords', 'multipart/mixed="words"'],
    ['an mbox line first', 'From a@example.com Thu Jan 1\nContent-Type: text/html\n\nx', 'text/html="x"'],
    ['empty lines first', '\n  \nContent-Type: text/html\n\nx', 'text/html="x"'],
    ['no header', '\nwords', 'text/plain="words"'],
    ['a type that is none', 'Content-Type: text\n\nx', 'text/plain="x"'],
    ['nothing', '', 'text/plain=""'],
    [
      'a boundary that only begins like one',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--ab\n--a--',
      'multipart/mixed(text/plain="one\\n--ab")',
    ],
  ])('reads %s', (_, text, tree) => {
    expect(read(text)).toBe(tree);
  });

  it('reads the message inside a message, and leaves an encoded one closed', () => {
    expect(read('Content-Type: message/rfc822\n\nContent-Type: text/html\n\nx')).toBe('message/rfc822(text/html="x")');
    const encoded = 'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nVG86IHgK';
    expect(read(encoded)).toBe('message/rfc822="VG86IHgK"');
  });

  it('stops at a depth, and at a number of parts', () => {
    const deep = readMimeTree(Buffer.from('Content-Type: message/rfc822\n\n'.repeat(5_000)));
    let depth = 0;
    for (let part: MimePart | undefined = deep; part; part = part.parts[0]) depth++;
    expect(depth).toBe(25);
    const broad = readMimeTree(
      Buffer.from(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(5_000)}`),
    );
    expect(broad.parts).toHaveLength(999);
  });

  it('unfolds a field, and finds it in any case', () => {
    const raw = Buffer.from('SUBJECT : one\r\n two\r\n\tthree\r\n\r\n');
    expect(fieldOf(raw, readMimeTree(raw), 'subject')).toBe('one two\tthree');
    expect(fieldOf(raw, readMimeTree(raw), 'from')).toBeUndefined();
  });
});
