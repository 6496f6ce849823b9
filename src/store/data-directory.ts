/**
 * Gives one process at a time the data directory, until that process lets go or dies.
 *
 * The lock is SQLite's exclusive lock on `owner.lock`: an fcntl(2) record lock, which the kernel takes back when its process
 * ends in any way, which no child process inherits, and which holds between containers that share the directory's filesystem
 * on one kernel. A pid file alone proves nothing: pids are reused, and mean something else in the next container.
 *
 * Known limits: a filesystem that only pretends to lock (some VM file shares) lets two owners in; the takeover of a running
 * Redis (`redis-takeover.ts`) is then the second line. Deleting `owner.lock` under a running service gives the lock away.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** What came of the claim. `why` is a whole sentence for the operator. */
export type DataDirectoryClaim =
  | { kind: 'owned'; path: string; release(): void }
  | { kind: 'in-use'; path: string; why: string }
  | { kind: 'unusable'; path: string; why: string };

// https://sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

/**
 * A collected DatabaseSync closes its file, and the lock is gone with nobody the wiser: an owner's lock is held here, whatever
 * the caller does with its claim.
 */
const heldLocks = new Set<DatabaseSync>();

/** Creates `path` (0700) where it is missing, proves that it can be written, and takes its lock. Never waits, never throws. */
export async function claimDataDirectory(path: string): Promise<DataDirectoryClaim> {
  const directory = resolve(path);
  const ownerFile = join(directory, 'owner.txt');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    return unusable(directory, messageOf(error));
  }

  const lock = await takeLock(join(directory, 'owner.lock'));
  if (lock.kind === 'busy') {
    const why = `${directory} is in use by ${ownerIn(ownerFile)}: stop it, or name another directory in POSTHORN_DATA_DIR`;
    return { kind: 'in-use', path: directory, why };
  }
  if (lock.kind === 'fault') return unusable(directory, lock.why);

  try {
    writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}\n`, {
      flush: true,
    });
  } catch (error) {
    lock.database.close();
    return unusable(directory, messageOf(error));
  }
  heldLocks.add(lock.database);
  return { kind: 'owned', path: directory, release: () => release(lock.database, ownerFile) };
}

type Lock = { kind: 'taken'; database: DatabaseSync } | { kind: 'busy' } | { kind: 'fault'; why: string };

/**
 * The lock file must never be opened by other means in this process: closing any descriptor of a file drops the process's
 * fcntl locks on it (https://sqlite.org/howtocorrupt.html section 2.2). SQLite itself knows, also for a second claim.
 */
async function takeLock(lockFile: string): Promise<Lock> {
  const sqlite = await import('node:sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(lockFile, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { kind: 'taken', database };
  } catch (error) {
    database?.close();
    const code = (error as { errcode?: number }).errcode;
    if (code === SQLITE_BUSY) return { kind: 'busy' };
    if (code === SQLITE_NOTADB) return { kind: 'fault', why: `${lockFile} is not a lock file of ours: remove it` };
    return { kind: 'fault', why: `locking ${lockFile}: ${messageOf(error)}` };
  }
}

function release(database: DatabaseSync, ownerFile: string): void {
  if (!heldLocks.delete(database)) return;
  rmSync(ownerFile, { force: true });
  // The lock file stays: removing it would let a third process lock a new file while a second waits on the old one.
  database.close();
}

function ownerIn(ownerFile: string): string {
  try {
    return readFileSync(ownerFile, 'utf8').trim().slice(0, 200) || 'another process';
  } catch {
    return 'another process';
  }
}

function unusable(path: string, why: string): DataDirectoryClaim {
  const todo = 'name a directory that this user may write in POSTHORN_DATA_DIR';
  return { kind: 'unusable', path, why: `${path} cannot be the data directory (${why}): ${todo}` };
}

function messageOf(error: unknown): string {
  return (error as { message?: string }).message ?? String(error);
}
