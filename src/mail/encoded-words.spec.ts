import { describe, expect, it } from '@jest/globals';
import { decodeWords } from './encoded-words.js';

describe('decodeWords', () => {
  it.each([
    ['Hello', 'Hello'],
    ['=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus?= Bonn', 'Grüße aus Bonn'],
    ['=?utf-8?b?R3LDvMOfZQ==?=', 'Grüße'],
    ['a =?utf-8?Q?b?=\r\n  =?utf-8?Q?c?= d', 'a bc d'],
    ['=?iso-8859-1*de?q?=FC?=', 'ü'],
    ['=?Shift_JIS?B?k/qWew==?=', '日本'],
    ['=?x-unknown?Q?a=20b?=', '=?x-unknown?Q?a=20b?='],
    ['=?utf-8?Q?cut off', '=?utf-8?Q?cut off'],
    ['1 =? 2 ?= 3', '1 =? 2 ?= 3'],
  ])('reads %j', (text, shown) => {
    expect(decodeWords(text)).toBe(shown);
  });
});
