/**
 * Ends the redis-server that a dead predecessor left in our directory. Two servers on one append-only file both run, and
 * ruin it: so none is started before the old one is gone. The caller owns the data directory, hence what runs there is nobody's.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisHome } from './redis-home.js';
import { askSocket } from './redis-socket.js';

export type Takeover = { kind: 'clear' } | { kind: 'ended'; pid: number | undefined } | { kind: 'stuck'; why: string };

const POLL_EVERY_MS = 20;
// An AOF being written out or a busy disk holds a server back for some seconds.
const TERM_GRACE_MS = 20_000;
const KILL_GRACE_MS = 5_000;

/** Looks by pid file (verified by the process's command line), then by the socket, which sees into other pid namespaces too. */
export async function endPredecessor(home: RedisHome): Promise<Takeover> {
  const pid = await predecessorPid(home);
  if (pid !== undefined && !(await endProcess(pid, home))) {
    return { kind: 'stuck', why: `process ${pid} serves ${home.directory} and cannot be ended` };
  }
  const bySocket = await endBySocket(home.socketPath);
  if (bySocket === 'stuck') return { kind: 'stuck', why: `another server on ${home.socketPath} does not end` };
  return pid === undefined && bySocket === 'clear' ? { kind: 'clear' } : { kind: 'ended', pid };
}

async function predecessorPid(home: RedisHome): Promise<number | undefined> {
  const pid = Number.parseInt(textOf(home.pidFile), 10);
  return pid > 1 && (await serves(pid, home)) ? pid : undefined;
}

async function endProcess(pid: number, home: RedisHome): Promise<boolean> {
  const phases: [NodeJS.Signals, number][] = [
    ['SIGTERM', TERM_GRACE_MS],
    ['SIGKILL', KILL_GRACE_MS],
  ];
  for (const [signal, graceMs] of phases) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
    if (await comesTrue(async () => !(await serves(pid, home)), graceMs)) return true;
  }
  return false;
}

async function endBySocket(socketPath: string): Promise<'clear' | 'ended' | 'stuck'> {
  if ((await askSocket(socketPath, 'PING', 1_000)).kind === 'nobody') return 'clear';
  const gone = await comesTrue(async () => {
    return (await askSocket(socketPath, 'SHUTDOWN NOSAVE', 1_000)).kind === 'nobody';
  }, TERM_GRACE_MS);
  return gone ? 'ended' : 'stuck';
}

/** Whether the process is a Redis of this directory: a pid may long be someone else's. */
async function serves(pid: number, home: RedisHome): Promise<boolean> {
  return (await commandLine(pid)).includes(`--pidfile ${home.pidFile} `);
}

/** The arguments joined by blanks; empty for a process that is gone, or a zombie. */
function commandLine(pid: number): Promise<string> {
  if (existsSync('/proc/self/cmdline')) {
    return Promise.resolve(textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
  }
  return new Promise((resolve) => {
    execFile('ps', ['-ww', '-o', 'args=', '-p', String(pid)], (_error, stdout) => resolve(stdout));
  });
}

/** Empty for a file that is not there, or no longer. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function comesTrue(condition: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > deadline) return false;
    await delay(POLL_EVERY_MS);
  }
}
