import { describe, expect, it } from '@jest/globals';
import { imapAstring, imapProse, imapString, unfolded } from './imap-string.js';

describe('imapString', () => {
  it.each([
    [undefined, 'NIL'],
    ['', '""'],
    ['NIL', '"NIL"'],
    ['a b', '"a b"'],
    ['a "b" \\', '"a \\"b\\" \\\\"'],
    ['""""', '"\\"\\"\\"\\""'],
    ['"""""', '{5}\r\n"""""'],
    ['a\r\nb', '{4}\r\na\r\nb'],
    ['a\nb', '{3}\r\na\nb'],
    ['\xe9', '{1}\r\n\xe9'],
    ['a\0', '{2}\r\na\x80'],
  ])('sends %j as %j', (text, expected) => {
    expect(imapString(text)).toBe(expected);
  });
});

describe('imapProse', () => {
  it.each([
    ['a b', '"a b"'],
    ['', '""'],
    [' \t\r\n ', '""'],
    [' a \r\n\tb ', '{3}\r\na b'],
    ['a "b"', '{5}\r\na "b"'],
    ['\xe9', '{1}\r\n\xe9'],
    [' \xc3\xa9  \xc3\xa9 ', '"=?UTF-8?B?w6kgw6k=?="'],
  ])('sends %j as %j', (text, expected) => {
    expect(imapProse(text)).toBe(expected);
  });
});

describe('imapAstring', () => {
  it.each([
    ['INBOX', 'INBOX'],
    ['a.b]&-', 'a.b]&-'],
    ['nil', '"nil"'],
    ['', '""'],
    ['a b', '"a b"'],
    ['a*', '"a*"'],
    ['a"', '"a\\""'],
    ['\xe9', '{1}\r\n\xe9'],
  ])('sends %j as %j', (text, expected) => {
    expect(imapAstring(text)).toBe(expected);
  });
});

describe('unfolded', () => {
  it('takes out line ends, and leaves words apart', () => {
    expect(unfolded('a\r\n b\n\tc\nd\n')).toBe('a b\tc d');
    expect(unfolded(undefined)).toBeUndefined();
  });
});
