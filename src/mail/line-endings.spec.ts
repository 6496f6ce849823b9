import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../test/fuzz-runs.js';
import { hasNul, withCrlf } from './line-endings.js';

describe('line endings', () => {
  it.each([
    ['a\nb', 'a\r\nb'],
    ['a\rb', 'a\r\nb'],
    ['a\r\r\nb', 'a\r\n\r\nb'],
    ['\n.\n', '\r\n.\r\n'],
    ['\r\n.\n', '\r\n.\r\n'],
    ['a\r', 'a\r\n'],
  ])('%j becomes %j', (from, to) => {
    expect(withCrlf(Buffer.from(from, 'latin1')).toString('latin1')).toBe(to);
  });

  it('leaves a message alone whose endings are right, 8-bit and all', () => {
    const message = Buffer.from([0xff, 0x0d, 0x0a, 0x80, 0x00]);
    expect(withCrlf(message)).toBe(message);
  });

  it('leaves no bare CR or LF, and changes nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        const text = withCrlf(Buffer.from(octets)).toString('latin1');
        expect(text).not.toMatch(/(?<!\r)\n|\r(?!\n)/);
        expect(text.replace(/[\r\n]/g, '')).toBe(
          Buffer.from(octets)
            .toString('latin1')
            .replace(/[\r\n]/g, ''),
        );
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  it('are apart from NUL, which is told', () => {
    expect(hasNul(Buffer.from('a\0b'))).toBe(true);
    expect(hasNul(Buffer.from('ab'))).toBe(false);
  });
});
