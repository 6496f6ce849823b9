/** Reads the small text files that settings come from: the YAML file and those that hold one secret. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export type FileText =
  { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'failed'; readonly why: string };

/** The text of `path`, at most `bytesMax` long, in UTF-8. `why` goes on after `which`: `which does not exist`. */
export function readTextFile(path: string, bytesMax: number): FileText {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    return { kind: 'failed', why: whyNot(error) };
  }
  try {
    if (!fstatSync(descriptor).isFile()) return { kind: 'failed', why: 'is not a regular file' };
    return textOf(readAtMost(descriptor, bytesMax + 1), bytesMax);
  } catch (error) {
    return { kind: 'failed', why: whyNot(error) };
  } finally {
    closeSync(descriptor);
  }
}

function readAtMost(descriptor: number, bytesMax: number): Buffer {
  const buffer = Buffer.alloc(bytesMax);
  let length = 0;
  while (length < bytesMax) {
    const count = readSync(descriptor, buffer, length, bytesMax - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

function textOf(bytes: Buffer, bytesMax: number): FileText {
  if (bytes.length > bytesMax) return { kind: 'failed', why: `is larger than ${bytesMax / 1024} KiB` };
  try {
    return { kind: 'ok', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { kind: 'failed', why: 'is not UTF-8 text' };
  }
}

function whyNot(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === 'ENOENT') return 'does not exist';
  return code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${code})`;
}
