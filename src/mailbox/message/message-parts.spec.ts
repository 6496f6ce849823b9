import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../../test/fuzz-runs.js';
import { DEPTH_MAX, PARTS_MAX, PartScan, readMessageParts, type MessagePart } from './message-parts.js';

function crlf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
}

/** The tree in one line: `kind(parts)`, a leaf with its body and the lines in it. */
function shape(raw: Buffer, part: MessagePart): string {
  if (part.children.length > 0) return `${part.kind}(${part.children.map((one) => shape(raw, one)).join(' ')})`;
  const body = raw.toString('latin1', part.bodyStart, part.end).replaceAll('\r\n', '|');
  return `${part.kind}[${body}]${part.bodyLines}`;
}

function read(text: string): string {
  const raw = crlf(text);
  return shape(raw, readMessageParts(raw));
}

function mixed(body: string, type = 'mixed'): string {
  return `Content-Type: multipart/${type}; boundary=b\n\n${body}`;
}

function depthOf(part: MessagePart): number {
  return 1 + Math.max(0, ...part.children.map(depthOf));
}

function countOf(part: MessagePart): number {
  return part.children.reduce((count, child) => count + countOf(child), 1);
}

describe('readMessageParts', () => {
  it.each([
    ['a plain message', 'Subject: x\n\nbody\n', 'text[body|]1'],
    ['a message without a body', 'Subject: x\n\n', 'text[]0'],
    ['a header that breaks off', 'Subject: x', 'text[]0'],
    ['nothing', '', 'text[]0'],
    [
      'two parts',
      mixed('pre\n--b\n\none\n--b\nContent-Type: image/png\n\ntwo\n\n--b--\npost\n'),
      'multipart(text[one]0 other[two|]1)',
    ],
    ['a missing final boundary', mixed('--b\n\none\n--b\n\ntwo\n'), 'multipart(text[one]0 text[two|]1)'],
    ['a boundary that never comes', mixed('--c\n\none\n'), 'multipart[--c||one|]3'],
    ['empty parts', mixed('--b\n--b\n\n--b\n\n\n--b--\n'), 'multipart(text[]0 text[]0 text[]0)'],
    ['a part that opens at the end', mixed('--b\n\none\n--b\n'), 'multipart(text[one]0 text[]0)'],
    ['what stands after the final boundary', mixed('--b\n\none\n--b--\n--b\n\ntwo\n'), 'multipart(text[one]0)'],
    [
      'a message inside',
      mixed('--b\nContent-Type: message/rfc822\n\nSubject: in\n\none\n--b--\n'),
      'multipart(message(text[one]0))',
    ],
    ['a digest', mixed('--b\n\nSubject: in\n\none\n--b--\n', 'digest'), 'multipart(message(text[one]0))'],
    ['a text in a digest', mixed('--b\nContent-Type: text/plain\n\none\n--b--\n', 'digest'), 'multipart(text[one]0)'],
    ['a mail that is a message', 'Content-Type: message/rfc822\n\nSubject: in\n\none\n', 'message(text[one|]1)'],
    [
      'a boundary in two pieces',
      'Content-Type: multipart/mixed; boundary*1=b; boundary*0=a\n\n--ab\n\none\n',
      'multipart(text[one|]1)',
    ],
  ])('reads %s', (_, text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it('ends an inner multipart where the outer one goes on', () => {
    const inner = '--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n';
    expect(read(mixed(`${inner}--b\n\ntwo\n--b--\n`))).toBe('multipart(multipart(text[one]0) text[two]0)');
  });

  it('takes the longest boundary that a line begins with, and the whole line first of all', () => {
    const inner = '--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb--\n';
    expect(read(mixed(`${inner}--bx\n\ntwo\n--b--\n`))).toBe('multipart(multipart(text[one]0) text[two]0)');
  });

  it('gives the line end before a boundary to the boundary, were it the end of a header', () => {
    const raw = crlf(mixed('--b\nContent-Id: <x>\n\n--b--\n'));
    const [part] = readMessageParts(raw).children;
    expect(raw.toString('latin1', part?.start, part?.bodyStart)).toBe('Content-Id: <x>\r\n');
    expect(part?.end).toBe(part?.bodyStart);
  });

  it('counts no Content- field where neither MIME-Version nor Content-Type says that it is MIME', () => {
    expect(readMessageParts(crlf('Content-Id: <x>\n\nbody\n')).isMime).toBe(false);
    expect(readMessageParts(crlf('MIME-Version: 1.0\n\nbody\n')).isMime).toBe(true);
  });

  it('goes no deeper than DEPTH_MAX, and takes the rest for content', () => {
    let nested = '';
    for (let i = 0; i < 2 * DEPTH_MAX; i++) nested += `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`;
    expect(depthOf(readMessageParts(crlf(`${nested}\ndeep\n`)))).toBe(DEPTH_MAX);
    expect(depthOf(readMessageParts(crlf('Content-Type: message/rfc822\n\n'.repeat(2 * DEPTH_MAX))))).toBe(DEPTH_MAX);
  });

  it('looks no further for boundaries where too many lines might have been one', () => {
    const parts = (lines: number) => countOf(readMessageParts(crlf(mixed(`--b\n\n${'--c\n'.repeat(lines)}--b\n\n`))));
    expect([parts(150_000), parts(250_000)]).toEqual([3, 2]);
  });

  it('reads no more parts than PARTS_MAX', () => {
    expect(countOf(readMessageParts(crlf(mixed('--b\n\n'.repeat(2 * PARTS_MAX)))))).toBe(PARTS_MAX);
  });

  it('reads any octets into parts that lie in each other and after each other', () => {
    const pieces = [
      '--b',
      '--bb',
      '--b--',
      '--',
      '\r\n',
      '\n',
      '\r',
      'Content-Type: ',
      'multipart/mixed; boundary=b',
      ' ',
    ];
    const more = [
      'multipart/digest; boundary=bb',
      'message/rfc822',
      'text/plain',
      'Mime-Version: 1.0',
      'x: y',
      '\0',
      'é',
    ];
    const text = fc.array(fc.constantFrom(...pieces, '\r\n', '\r\n\r\n', ...more), { maxLength: 80 });
    const octets = fc.oneof(
      text.map((all) => Buffer.from(all.join(''), 'latin1')),
      fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all)),
    );
    fc.assert(
      fc.property(octets, (raw) => {
        const root = readMessageParts(raw);
        expect([root.start, root.end]).toEqual([0, raw.length]);
        expectNested(root, raw);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  it.each([
    ['boundaries on every line', (nested: string) => nested + '--\xff\r\n'.repeat(1_000_000)],
    ['long lines that begin as boundaries do', (nested: string) => nested + `--${'l'.repeat(78)}x\r\n`.repeat(63_000)],
    ['fields without an end', () => 'X: y\r\n'.repeat(870_000)],
    ['parts without an end', () => 'Content-Type: multipart/mixed; boundary=b\r\n\r\n' + '--b\r\n\r\n'.repeat(750_000)],
  ])('takes steps in proportion to the size: %s', (_, make) => {
    let nested = '';
    for (let i = 0; i < DEPTH_MAX; i++) {
      const boundary = 'l'.repeat(i < 80 ? 80 - i : 1);
      nested += `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}\r\n`;
    }
    const raw = Buffer.from(make(nested), 'latin1');
    const scan = new PartScan(raw);
    scan.read();
    expect(raw.length).toBeGreaterThan(5_000_000);
    expect(scan.steps).toBeLessThan(2 * raw.length);
  });
});

function expectNested(part: MessagePart, raw: Buffer): void {
  expect(part.start).toBeLessThanOrEqual(part.bodyStart);
  expect(part.bodyStart).toBeLessThanOrEqual(part.end);
  expect(part.bodyLines).toBe(raw.toString('latin1', part.bodyStart, part.end).split('\n').length - 1);
  let free = part.bodyStart;
  for (const child of part.children) {
    expect(child.start).toBeGreaterThanOrEqual(free);
    expectNested(child, raw);
    free = child.end;
  }
  expect(part.end).toBeGreaterThanOrEqual(free);
}
