/** `./posthorn explain` with a reader that has had enough of it. */
import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
/** More than a pipe holds. */
const LINES = 5_000;

/** Exit code and complaints of `explain argv | head -1`. */
async function readOneLine(argv: readonly string[], input: string): Promise<unknown[]> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, 'explain', ...argv]);
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdout.once('data', () => child.stdout.destroy());
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, complaints];
}

describe('a closed pipe', () => {
  it('ends explain --jsonl without a word', async () => {
    const line = `${JSON.stringify({ id: 1, reply: '550 5.1.1 user unknown' })}\n`;
    expect(await readOneLine(['--jsonl'], line.repeat(LINES))).toEqual([0, '']);
  });

  it('ends explain --mail without a word', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-explain-'));
    const file = join(directory, 'mail.eml');
    await writeFile(file, 'From: ann@example.net\r\n\r\nHello\r\n');
    expect(await readOneLine(['--mail', ...Array.from({ length: LINES }, () => file)], '')).toEqual([0, '']);
    await rm(directory, { recursive: true });
  });
});
