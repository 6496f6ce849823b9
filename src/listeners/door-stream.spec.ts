import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AUTH_OCTETS_MAX, COMMAND_OCTETS_MAX, DoorStream } from './door-stream.js';
import { withPatience } from '../../test/patience.js';

/** What a stream makes of octets that come in these pieces: `DATA` begins a message, whose end is told as `message`. */
async function read(pieces: readonly Buffer[], expectsAuth = false): Promise<string[]> {
  const heard: string[] = [];
  const stream = new DoorStream({
    command: (line, next) => {
      heard.push(`command ${line.toString('latin1')}`);
      if (line.toString() === 'DATA') {
        const chunks: Buffer[] = [];
        const message = stream.startDataMode();
        message.on('data', (chunk: Buffer) => chunks.push(chunk));
        message.on('end', () => {
          heard.push(`message ${Buffer.concat(chunks).toString('latin1')}`);
          stream.continue();
        });
        next();
        return;
      }
      // Now at once, now in a while: both ways to go on.
      if (heard.length % 2 === 0) next();
      else setImmediate(next);
    },
    fault: (fault, next, { isEndless }) => {
      heard.push(isEndless ? `endless ${fault}` : fault);
      setImmediate(next);
    },
    expectsAuth: () => expectsAuth,
  });
  for (const piece of pieces) await new Promise<void>((resolve) => stream.write(piece, () => resolve()));
  await new Promise<void>((resolve) => stream.end(() => resolve()));
  return heard;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** What RFC 5321 section 4.1.1.4 and 4.5.2 say of the octets after DATA, in the plainest words. */
function messageOf(octets: string): { message: string; rest: string } | undefined {
  const lines = `\r\n${octets}`;
  const end = lines.indexOf('\r\n.\r\n');
  if (end < 0) return undefined;
  const message = lines
    .slice(0, end + 2)
    .slice(2)
    .replace(/(^|\r\n)\.\./g, '$1.');
  return { message, rest: lines.slice(end + 5) };
}

/** Every sequence of these octets, up to this length. */
function sequences(alphabet: readonly string[], lengthMax: number): string[] {
  let longest = [''];
  const all: string[] = [];
  for (let length = 1; length <= lengthMax; length++) {
    longest = longest.flatMap((start) => alphabet.map((octet) => start + octet));
    all.push(...longest);
  }
  return all;
}

describe('the end of a message', () => {
  it('is CRLF.CRLF and nothing else, of every sequence of CR, LF, NUL, dot and a letter up to six', async () => {
    const wrong: string[] = [];
    for (const sequence of sequences(['\r', '\n', '\0', '.', 'x'], 6)) {
      const octets = `a${sequence}b\r\n.\r\n`;
      const expected = messageOf(octets);
      const heard = await read([latin1(`DATA\r\n${octets}`)]);
      if (heard[1] !== `message ${expected?.message}`) wrong.push(JSON.stringify([sequence, heard]));
      // What follows an early end is a command, and there is one only where CRLF.CRLF stands within.
      const commands = heard.slice(2).length > 0;
      if (commands !== (expected?.rest !== '')) wrong.push(JSON.stringify([sequence, heard]));
    }
    expect(wrong).toEqual([]);
  });

  it('is the same in whatever pieces it comes', async () => {
    const octet = fc.constantFrom('\r', '\n', '.', 'x', '\0', '\r\n', '\r\n.', '\r\n.\r\n', '..');
    const octets = fc.array(octet, { maxLength: 30 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(octets, fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 12 }), async (text, cuts) => {
        const all = latin1(`DATA\r\n${text}\r\n.\r\nQUIT\r\n`);
        const points = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
        const pieces = points.slice(1).map((point, index) => all.subarray(points[index], point));
        const whole = await read([all]);
        expect(await read(pieces)).toEqual(whole);
        expect(whole[1]).toBe(`message ${messageOf(`${text}\r\n.\r\n`)?.message}`);
        expect(await read([...all].map((value) => Buffer.from([value])))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it('is found behind a million dots in no time and few pieces', async () => {
    const begun = performance.now();
    const [, message = ''] = await read([latin1(`DATA\r\n${'\r\n..'.repeat(1_000_000)}\r\n.\r\n`)]);
    expect(message).toHaveLength('message '.length + 3 * 1_000_000 + 2);
    expect(performance.now() - begun).toBeLessThan(withPatience(5_000));
  });
});

describe('a command', () => {
  it('ends at CRLF; what ends otherwise is refused with all that stands before the next CRLF', async () => {
    expect(await read([latin1('NOOP\r\nNOOP\nDATA\nQUIT\r\nNOOP\r\nA\rB\r\nQUIT')])).toEqual([
      'command NOOP',
      'bare_line_ending',
      'bare_line_ending',
      'bare_line_ending',
      'command NOOP',
      'bare_line_ending',
    ]);
  });

  it('may be as long as its kind may be', async () => {
    const line = (octets: number): Buffer => latin1(`${'x'.repeat(octets)}\r\n`);
    expect(await read([line(COMMAND_OCTETS_MAX + 1), line(20_000), line(1)])).toEqual([
      'command_too_long',
      'command_too_long',
      'command x',
    ]);
    expect((await read([line(COMMAND_OCTETS_MAX)]))[0]).toMatch(/^command x/);
    expect((await read([line(AUTH_OCTETS_MAX)], true))[0]).toMatch(/^command x/);
    expect(await read([line(AUTH_OCTETS_MAX + 1)], true)).toEqual(['command_too_long']);
  });

  it('of many octets that ends at a bare LF does not begin a command', async () => {
    expect(await read([latin1(`${'x'.repeat(50_000)}\nQUIT\r\nNOOP\r\n`)])).toEqual([
      'bare_line_ending',
      'bare_line_ending',
      'command NOOP',
    ]);
  });

  it('without an end is given up on', async () => {
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(65_536, 'x'));
    expect((await read(pieces))[0]).toBe('endless command_too_long');
  });

  it('is a command or a fault, one for each line, whatever the octets and their pieces', async () => {
    const octets = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('latin1'));
    const lines = fc.array(fc.oneof(octets, fc.constantFrom('\r\n', '\n', '\r', 'NOOP\r\n')), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(lines, async (parts) => {
        const text = parts.join('').replaceAll('DATA', 'NOOP');
        const heard = await read([latin1(text)]);
        expect(heard).toHaveLength(text.split('\n').length - 1);
        for (const command of heard.filter((line) => line.startsWith('command '))) {
          expect(command.slice(8)).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
        }
        expect(
          await read(parts.filter((part) => part !== '').map((part) => latin1(part.replaceAll('DATA', 'NOOP')))),
        ).toEqual(heard);
      }),
      { numRuns: 500 },
    );
  });
});
