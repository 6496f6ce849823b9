import { describe, expect, it } from '@jest/globals';
import { textOf } from './mime-content.js';
import { readMimeTree } from './mime-tree.js';

function text(header: string, body: string | Buffer): string {
  const raw = Buffer.concat([Buffer.from(`${header}\r\n\r\n`), Buffer.from(body)]);
  return textOf(raw, readMimeTree(raw), 100_000);
}

describe('textOf', () => {
  it.each([
    ['base64', 'R3I9\r\nw7zDn2U=\r\n', 'Gr=üße'],
    ['BASE64', 'R3LD\r\nvMOf*ZQ', 'Grüße'],
    ['quoted-printable', 'Gr=C3=BC=c3=9fe=\r\n aus =ZZ Bonn=', 'Grüße aus =ZZ Bonn'],
    ['8bit', 'Grüße\r\n\rx\n', 'Grüße\n\nx\n'],
    ['x-uuencode', 'begin 644 a.txt\r\n%2&5L;&\\\r\n`\r\nend\r\n', 'Hello'],
    ['x-unknown', 'as it is', 'as it is'],
  ])('decodes %s', (encoding, body, shown) => {
    expect(text(`Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}`, body)).toBe(shown);
  });

  it.each([
    ['iso-2022-jp', '1b2442467c4b5c1b2842', '日本'],
    ['Shift_JIS', '93fa967b', '日本'],
    ['cp932', '93fa967b', '日本'],
    ['euc-kr', 'c7d1b1b9', '한국'],
    ['gb2312', 'd6d0b9fa', '中国'],
    ['koi8-r', 'cec5d4', 'нет'],
    ['windows-1251', 'ede5f2', 'нет'],
    ['iso-8859-1', 'fc', 'ü'],
    ['us-ascii', 'fc', 'ü'],
    ['x-no-such', 'c3bc', 'ü'],
    ['', '1b2442467c4b5c1b2842', '日本'],
  ])('reads the charset %s', (charset, hex, shown) => {
    expect(text(`Content-Type: text/plain; charset="${charset}"`, Buffer.from(hex, 'hex'))).toBe(shown);
  });

  it('decodes no more than it is asked for', () => {
    const raw = Buffer.from(`\n${'x'.repeat(1_000)}`);
    expect(textOf(raw, readMimeTree(raw), 10)).toHaveLength(10);
  });
});
