import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../../test/fuzz-runs.js';
import { readMessageParts, type MessagePart } from './message-parts.js';
import { sectionOf, type Section } from './section.js';

function crlf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
}

function asked(text: string, part: readonly number[], what: Section['what'], fields: readonly string[] = []) {
  const raw = crlf(text);
  const octets = sectionOf(raw, readMessageParts(raw), { part, what, fields });
  return octets?.toString('latin1').replaceAll('\r\n', '\n');
}

const PLAIN = 'Subject: x\nTo: a\n b\nX-Y: z\nto : c\n\nbody\n';
const INNER = 'Subject: in\nContent-Type: multipart/mixed; boundary=c\n\n--c\nX: 1\n\none\n--c\n\ntwo\n--c--';
const NESTED = `Content-Type: multipart/mixed; boundary=b\n\n--b\nY: 1\n\none\n--b\nContent-Type: message/rfc822\n\n${INNER}\n--b--\n`;

describe('sectionOf', () => {
  it('gives the whole, the header and the text of a mail', () => {
    expect(asked(PLAIN, [], '')).toBe(PLAIN);
    expect(asked(PLAIN, [], 'HEADER')).toBe(PLAIN.slice(0, -'body\n'.length));
    expect(asked(PLAIN, [], 'TEXT')).toBe('body\n');
  });

  it('calls the body of what is no multipart part 1', () => {
    expect(asked(PLAIN, [1], '')).toBe('body\n');
    expect(asked(PLAIN, [1], 'MIME')).toBe(asked(PLAIN, [], 'HEADER'));
    expect([asked(PLAIN, [2], ''), asked(PLAIN, [1, 1], ''), asked(PLAIN, [0], '')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('gives fields as they stand, in the order of the message, and an empty line', () => {
    expect(asked(PLAIN, [], 'HEADER.FIELDS', ['TO', 'subject'])).toBe('Subject: x\nTo: a\n b\nto : c\n\n');
    expect(asked(PLAIN, [], 'HEADER.FIELDS.NOT', ['TO', 'subject'])).toBe('X-Y: z\n\n');
    expect(asked(PLAIN, [], 'HEADER.FIELDS', ['none'])).toBe('\n');
    expect(asked('To: a\nSubject: x', [], 'HEADER.FIELDS', ['subject'])).toBe('Subject: x\n\n');
  });

  it('goes through a message to the parts of the one it holds', () => {
    expect(asked(NESTED, [1], '')).toBe('one');
    expect(asked(NESTED, [1], 'MIME')).toBe('Y: 1\n\n');
    // The line end after a final boundary is its own.
    expect(asked(NESTED, [2], '')).toBe(`${INNER}\n`);
    expect(asked(NESTED, [2], 'MIME')).toBe('Content-Type: message/rfc822\n\n');
    expect(asked(NESTED, [2], 'HEADER')).toBe(INNER.slice(0, INNER.indexOf('--c')));
    expect(asked(NESTED, [2], 'TEXT')).toBe(`${INNER.slice(INNER.indexOf('--c'))}\n`);
    expect(asked(NESTED, [2], 'HEADER.FIELDS', ['subject'])).toBe('Subject: in\n\n');
    expect(asked(NESTED, [2, 1], '')).toBe('one');
    expect(asked(NESTED, [2, 1], 'MIME')).toBe('X: 1\n\n');
    expect(asked(NESTED, [2, 2], '')).toBe('two');
  });

  it('has neither header nor text of a part that is no message', () => {
    expect([asked(NESTED, [1], 'HEADER'), asked(NESTED, [1], 'TEXT'), asked(NESTED, [3], '')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(asked(NESTED, [], 'MIME')).toBeUndefined();
  });

  it('sends no NUL', () => {
    expect(asked('X: y\n\na\0b\n', [], 'TEXT')).toBe('a\x80b\n');
    expect(asked('X: y\n\na\0b\n', [], '')).toBe('X: y\n\na\x80b\n');
  });

  it('gives for every part octets of the message, and of a multipart they are all', () => {
    const pieces = [
      '--b',
      '--b--',
      '\r\n',
      '\r\n\r\n',
      'Content-Type: ',
      'multipart/mixed; boundary=b',
      'message/rfc822',
      'x',
    ];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((all) => Buffer.from(all.join('')));
    fc.assert(
      fc.property(text, (raw) => {
        const root = readMessageParts(raw);
        for (const { path, part } of leavesOf(root, [])) {
          const octets = sectionOf(raw, root, { part: path, what: '', fields: [] });
          expect(octets?.equals(raw.subarray(part.bodyStart, part.end))).toBe(true);
        }
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});

/** Those below multiparts alone: their numbers are their places. */
function leavesOf(part: MessagePart, path: readonly number[]): { path: readonly number[]; part: MessagePart }[] {
  if (part.kind === 'multipart') return part.children.flatMap((child, i) => leavesOf(child, [...path, i + 1]));
  return [{ path: path.length === 0 ? [1] : path, part }];
}
