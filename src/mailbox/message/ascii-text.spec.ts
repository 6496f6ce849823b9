import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../../test/fuzz-runs.js';
import { decodeWords } from '../../mail/encoded-words.js';
import { asciiOf } from './ascii-text.js';

function octets(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('asciiOf', () => {
  it('leaves ASCII, and what is no UTF-8, as it is', () => {
    expect(asciiOf('plain =?utf-8?Q?x?= "text"')).toBe('plain =?utf-8?Q?x?= "text"');
    expect(asciiOf('\xe9')).toBe('\xe9');
  });

  it('takes the shorter of Q and B', () => {
    expect(asciiOf(octets('a long text with one é'))).toBe('=?UTF-8?Q?a_long_text_with_one_=C3=A9?=');
    expect(asciiOf(octets('日本語'))).toBe('=?UTF-8?B?5pel5pys6Kqe?=');
  });

  it('encodes around the encoded words that stand there', () => {
    expect(asciiOf(octets('=?utf-8?Q?x?= é'))).toBe('=?utf-8?Q?x?= =?UTF-8?B?IMOp?=');
    expect(asciiOf(octets('é =?utf-8?Q?x?= y'))).toBe('=?UTF-8?B?w6kg?= =?utf-8?Q?x?= y');
  });

  it('makes words of 75 chars at most that decode to the text, and cuts no character', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 }).filter((each) => /[^\0-\x7f]/.test(each));
    fc.assert(
      fc.property(text, (each) => {
        const ascii = asciiOf(octets(each));
        expect(ascii).toMatch(/^[\x20-\x7e]+$/);
        expect(Math.max(...ascii.split(' ').map((word) => word.length))).toBeLessThanOrEqual(75);
        expect(decodeWords(ascii)).toBe(Buffer.from(each).toString());
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
