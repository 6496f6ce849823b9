import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../../test/fuzz-runs.js';
import { messageLines } from './message-lines.js';

const sent = (content: string | Buffer, lines?: number): string => {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  return Buffer.concat([...messageLines(bytes, lines)]).toString('latin1');
};

/** What a client makes of what stands before `CRLF . CRLF`, or before `LF . LF` if it is of the careless kind. */
const received = (text: string): string => text.replace(/^\./gm, '');

/** Mostly what matters here: dots, and the ends of lines. */
const octets = fc
  .array(fc.oneof(fc.constantFrom(...'..\r\n\r\n\r\nx'), fc.integer({ min: 0, max: 255 }).map(asOctet)), {
    maxLength: 60,
  })
  .map((characters) => characters.join(''));
const lines = fc
  .array(
    octets.map((text) => `${text.replace(/[\r\n]/g, '')}\r\n`),
    { maxLength: 20 },
  )
  .map((all) => all.join(''));

function asOctet(octet: number): string {
  return String.fromCharCode(octet);
}

describe('a whole message', () => {
  it('has its dots doubled, and nothing else', () => {
    expect(sent('A: b\r\n\r\n.\r\n..x\r\nx.\r\n')).toBe('A: b\r\n\r\n..\r\n...x\r\nx.\r\n');
  });

  it.each([
    ['x', 'x\r\n'],
    ['x\n.\ny', 'x\r\n..\r\ny\r\n'],
    ['x\r', 'x\r\n'],
    ['x\r.\r\n', 'x\r.\r\n'],
    ['', ''],
    ['.', '..\r\n'],
  ])('ends its lines in CRLF: %j', (content, expected) => {
    expect(sent(content)).toBe(expected);
  });

  it('arrives as it is kept, and as large, where its lines end in CRLF', () => {
    fc.assert(
      fc.property(lines, (content) => {
        const text = sent(content);
        expect(received(text)).toBe(content);
        expect(text.length - (text.match(/^\./gm) ?? []).length).toBe(content.length);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  it('never holds the end of itself, whatever it is', () => {
    fc.assert(
      fc.property(octets, (content) => {
        const text = sent(content);
        expect(text === '' || text.endsWith('\r\n')).toBe(true);
        expect(text).not.toMatch(/(^|\n)\.\r*(\n|$)/);
        expect(text).not.toMatch(/(^|[^\r])\n/);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  it('is the same wherever its blocks end', () => {
    const part = 'x\r\n.\r\n';
    for (let shift = 0; shift < part.length; shift++) {
      const content = 'y'.repeat(64 * 1024 - shift) + part;
      expect(received(sent(content))).toBe(content);
    }
  });
});

describe('the first lines of a message', () => {
  it.each([
    [0, 'A: b\r\nC: d\r\n\r\n'],
    [1, 'A: b\r\nC: d\r\n\r\none\r\n'],
    [2, 'A: b\r\nC: d\r\n\r\none\r\n\r\n'],
    [99_999_999, 'A: b\r\nC: d\r\n\r\none\r\n\r\n...two\r\n'],
  ])('are the header and %d of the body', (count, expected) => {
    expect(sent('A: b\r\nC: d\r\n\r\none\r\n\r\n..two\r\n', count)).toBe(expected);
  });

  it('are the header where there is no more', () => {
    expect(sent('A: b\r\n', 5)).toBe('A: b\r\n');
    expect(sent('\r\nA: b\r\n', 0)).toBe('\r\n');
  });

  it('are of any message so many', () => {
    fc.assert(
      fc.property(lines, fc.nat(10), (content, count) => {
        const all = content.split('\r\n').slice(0, -1);
        const blank = all.indexOf('');
        const wanted = blank === -1 ? all : all.slice(0, blank + 1 + count);
        expect(received(sent(content, count))).toBe(wanted.map((line) => `${line}\r\n`).join(''));
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
