import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { auditOctets, unstuffDots } from './received-message.js';

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('auditOctets', () => {
  it.each([
    ['', { bareCr: 0, bareLf: 0, nul: 0, longestLine: 0 }],
    ['a\r\nbcd\r\n', { bareCr: 0, bareLf: 0, nul: 0, longestLine: 3 }],
    ['no end', { bareCr: 0, bareLf: 0, nul: 0, longestLine: 6 }],
    ['a\nb\r\n', { bareCr: 0, bareLf: 1, nul: 0, longestLine: 3 }],
    ['\na\r\n', { bareCr: 0, bareLf: 1, nul: 0, longestLine: 2 }],
    ['a\rb\r\n', { bareCr: 1, bareLf: 0, nul: 0, longestLine: 3 }],
    ['\r\r\n', { bareCr: 1, bareLf: 0, nul: 0, longestLine: 1 }],
    ['a\r', { bareCr: 1, bareLf: 0, nul: 0, longestLine: 2 }],
    ['\n\r', { bareCr: 1, bareLf: 1, nul: 0, longestLine: 2 }],
    ['a\0\0\r\n', { bareCr: 0, bareLf: 0, nul: 2, longestLine: 3 }],
  ])('%j', (text, audit) => {
    expect(auditOctets(octets(text))).toEqual(audit);
  });
});

describe('unstuffDots', () => {
  it.each([
    ['', ''],
    ['..\r\n', '.\r\n'],
    ['a\r\n..b\r\n', 'a\r\n.b\r\n'],
    ['.a\r\n..\r\n....\r\n', 'a\r\n.\r\n...\r\n'],
    ['a\n..b\r\n', 'a\n..b\r\n'],
    ['a..b\r\n', 'a..b\r\n'],
  ])('%j', (stuffed, message) => {
    expect(unstuffDots(octets(stuffed)).toString('latin1')).toBe(message);
  });

  it('undoes the stuffing of any message', () => {
    const message = fc.array(fc.constantFrom('.', '\r', '\n', '\r\n', 'a', '\xff')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(message, (text) => {
        // RFC 5321 section 4.5.2, with CRLF alone as the end of a line.
        const stuffed = text.replace(/(^|\r\n)\./g, '$1..');
        expect(unstuffDots(octets(stuffed)).toString('latin1')).toBe(text);
      }),
    );
  });
});
