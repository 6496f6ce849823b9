import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../test/fuzz-runs.js';
import { fieldValue, HEADER_FIELDS_MAX, parseHeaderBlock, withoutFields } from './header-block.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const names = (text: string): string[] => parseHeaderBlock(bytes(text)).fields.map(({ name }) => name);

describe('a header block', () => {
  it('ends at the first empty line', () => {
    const message = bytes('From: a\r\nTo: b\r\n\r\nBody: no\r\n');
    const block = parseHeaderBlock(message);
    expect(block.fields.map(({ name }) => name)).toEqual(['from', 'to']);
    expect(message.subarray(block.end).toString()).toBe('\r\nBody: no\r\n');
  });

  it('unfolds a value and keeps 8-bit ones', () => {
    const message = bytes('Subject: one\r\n two\r\n\tthree\r\nX: \xfcber\r\n\r\n');
    const [subject, x] = parseHeaderBlock(message).fields;
    expect(subject && fieldValue(message, subject)).toBe('one two\tthree');
    expect(x && fieldValue(message, x)).toBe('über');
  });

  it('takes lines that are no fields as they are', () => {
    expect(names('From someone Mon May 2 16:07:05\r\nnonsense\r\nTo : b\r\n\r\n')).toEqual(['', '', 'to']);
  });

  it('may be empty, or all there is', () => {
    expect(parseHeaderBlock(bytes('\r\nbody'))).toEqual({ fields: [], end: 0 });
    expect(parseHeaderBlock(bytes('A: b'))).toEqual({ fields: [{ name: 'a', start: 0, end: 4 }], end: 4 });
    expect(parseHeaderBlock(bytes(''))).toEqual({ fields: [], end: 0 });
  });

  it('loses only the unwanted fields, folded lines and all', () => {
    const message = bytes('Bcc: x,\r\n y\r\nFrom: a\r\nBCC : z\r\n\r\nBcc: body\r\n');
    const kept = withoutFields(message, parseHeaderBlock(message), new Set(['bcc']));
    expect(kept.toString()).toBe('From: a\r\n\r\nBcc: body\r\n');
  });

  it('stops at what no mail has, in linear time', () => {
    const { fields, end } = parseHeaderBlock(Buffer.from('y\r\n'.repeat(5_000_000)));
    expect(fields).toHaveLength(HEADER_FIELDS_MAX);
    expect(fields.every(({ name }) => name === '')).toBe(true);
    expect(end).toBe(HEADER_FIELDS_MAX * 3);
  });

  it('covers every byte of the header, whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        const message = Buffer.from(octets);
        const { fields, end } = parseHeaderBlock(message);
        let position = 0;
        for (const field of fields) {
          expect(field.start).toBe(position);
          expect(field.end).toBeGreaterThan(field.start);
          position = field.end;
        }
        expect(position).toBe(end);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
