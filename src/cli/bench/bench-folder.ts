/**
 * The folder that everything of a run lies in. Every system waits for its disk before it answers 250, so it must be a
 * real one, the same for all: on a tmpfs fsync costs nothing.
 */
import { chmodSync, closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './figures.js';

export interface BenchFolder {
  readonly path: string;
  readonly onRealDisk: boolean;
  /** Median of writing 4 KiB and waiting for the disk, in milliseconds. */
  readonly fsyncMs: number;
}

// statfs(2).
const TMPFS = 0x01021994;
const RAMFS = 0x858458f6;
const PROBES = 200;

/** Makes it in the first of `/var/tmp`, the temporary directory and `cwd` that is on a real disk. */
export function makeBenchFolder(cwd: string): BenchFolder {
  const candidates = ['/var/tmp', tmpdir(), cwd];
  const parent = candidates.find(isOnRealDisk);
  const path = mkdtempSync(join(parent ?? cwd, 'posthorn-bench-'));
  // Postfix's processes run as another user, and walk through it to their queue.
  chmodSync(path, 0o755);
  return { path, onRealDisk: parent !== undefined, fsyncMs: measureFsync(path) };
}

function isOnRealDisk(directory: string): boolean {
  try {
    const { type } = statfsSync(directory);
    return type !== TMPFS && type !== RAMFS;
  } catch {
    return false;
  }
}

function measureFsync(directory: string): number {
  const file = join(directory, 'fsync');
  const block = Buffer.alloc(4096, 'x');
  const handle = openSync(file, 'w');
  const times = Array.from({ length: PROBES }, () => {
    const startedAt = performance.now();
    writeSync(handle, block);
    fsyncSync(handle);
    return performance.now() - startedAt;
  });
  closeSync(handle);
  rmSync(file);
  return median(times);
}
