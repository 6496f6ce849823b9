import { describe, expect, it } from '@jest/globals';
import { TokenReader, type After } from './token-reader.js';

function take(text: string, read: (reader: TokenReader) => After): [After, string, string] {
  const reader = new TokenReader(text);
  const after = read(reader);
  return [after, reader.taken, text.slice(reader.position)];
}

describe('TokenReader', () => {
  it('skips blanks, folds and comments in comments', () => {
    expect(take(' \t\n (a (b) \\) c) x', (reader) => reader.skipBlanks())).toEqual(['more', '', 'x']);
    expect(take(' (a)', (reader) => reader.skipBlanks())).toEqual(['end', '', '']);
    expect(take('(a (b)', (reader) => reader.skipBlanks())).toEqual(['broken', '', '']);
  });

  it('keeps the last comment without what quotes and folds', () => {
    const reader = new TokenReader('(a) (b \\"c\\"\n d)');
    reader.skipBlanks();
    expect(reader.lastComment).toBe('b "c" d');
  });

  it('takes atoms, alone and with dots', () => {
    expect(take('a.b (c) d', (reader) => reader.atom())).toEqual(['more', 'a', '.b (c) d']);
    expect(take('a . b (c) d', (reader) => reader.dotAtom())).toEqual(['more', 'a.b', 'd']);
    expect(take('a.', (reader) => reader.dotAtom())).toEqual(['broken', 'a.', '']);
    expect(take('\xc3\xa9', (reader) => reader.atom())).toEqual(['end', '\xc3\xa9', '']);
  });

  it('takes tokens, which end at more than atoms do', () => {
    expect(take('a.b=c', (reader) => reader.token())).toEqual(['more', 'a.b', '=c']);
    expect(take('/x', (reader) => reader.token())).toEqual(['more', '', '/x']);
  });

  it('takes quoted strings without quotes, folds and NULs', () => {
    expect(take('"a\\"b\n c\0" d', (reader) => reader.quotedString())).toEqual(['more', 'a"b c\xef\xbf\xbd', 'd']);
    expect(take('"a', (reader) => reader.quotedString())).toEqual(['broken', '', '']);
    expect(take('"a\\', (reader) => reader.quotedString())).toEqual(['broken', '', '']);
  });

  it('takes phrases with a space between words', () => {
    expect(take('J. "R R"   T <', (reader) => reader.phrase())).toEqual(['more', 'J. R R T', '<']);
    expect(take('.a', (reader) => reader.phrase())).toEqual(['broken', '', '.a']);
  });

  it('takes domains, and literals as they are', () => {
    expect(take(' b . c ', (reader) => reader.domain())).toEqual(['end', 'b.c', '']);
    expect(take('[a\\]\n b] ', (reader) => reader.domain())).toEqual(['end', '[a\\] b]', '']);
    expect(take('[a', (reader) => reader.domain())).toEqual(['broken', '', '']);
  });
});
