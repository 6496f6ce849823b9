/**
 * Runs one redis-server as a child that never outlives us, however we end.
 *
 * A small sh becomes the server by exec after leaving a watcher behind, which blocks on a pipe whose other end only we hold.
 * When we die, even by SIGKILL, the kernel closes that end, the watcher reads end-of-file and ends the server: SIGTERM, and
 * SIGKILL if it has not gone in 30 s. The child has a session of its own, so that Ctrl-C on our terminal passes it by and the
 * service can drain first. POSIX sh only: the same on every platform.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface RedisExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** In words; of a server that gave up by itself also the last it said. */
  why: string;
}

export interface RedisProcess {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly exited: Promise<RedisExit>;
  isAlive(): boolean;
  /** SIGTERM, and after `graceMs` SIGKILL; returns when the process is gone. */
  terminate(graceMs: number): Promise<void>;
}

export interface RedisProcessOptions {
  command: string;
  args: readonly string[];
  /** Every line the server writes to its log. */
  onLine?: (line: string) => void;
  env?: NodeJS.ProcessEnv | undefined;
}

const LAST_LINES_MAX = 3;
// How long output may trail a death: a forked AOF rewriter can hold the pipe open for longer.
const TRAILING_OUTPUT_MS = 250;

/** A line on fd 3 says that the server is gone and its pid no longer ours to signal; end-of-file says that we are. */
const GUARD = `
{
  if ! read -r over; then
    kill -TERM $$
    waited=0
    while kill -0 $$ && [ $waited -lt 30 ]; do sleep 1; waited=$((waited + 1)); done
    kill -KILL $$
  fi
} <&3 >/dev/null 2>&1 &
exec "$@" 3<&-
`;

/** Starts the program at once. A program that cannot be started shows as an exit. */
export function spawnRedis({ command, args, onLine, env }: RedisProcessOptions): RedisProcess {
  const child = spawn('/bin/sh', ['-c', GUARD, 'posthorn-redis', command, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...(env && { env }),
  });
  // There are no streams when no file descriptor was left to make them; `error` follows.
  const guard = (child.stdio as (Writable | undefined)[] | undefined)?.[3];
  // The watcher may be gone before we say that it may go.
  guard?.on('error', () => undefined);

  const lastLines: string[] = [];
  const hear = (line: string): void => {
    if (lastLines.push(line) > LAST_LINES_MAX) lastLines.shift();
    onLine?.(line);
  };
  for (const output of [child.stdout, child.stderr] as (Readable | undefined)[]) {
    if (output !== undefined) createInterface(output).on('line', hear);
  }

  let alive = true;
  const exited = new Promise<RedisExit>((resolve) => {
    child.once('error', (error) => {
      // Also emitted for a signal that could not be sent: only a child that never was has ended by this.
      if (child.pid !== undefined) return;
      alive = false;
      resolve({ code: null, signal: null, why: error.message });
    });
    child.once('exit', (code, signal) => {
      alive = false;
      guard?.end('over\n');
      const settle = (): void => resolve({ code, signal, why: explainExit(code, signal, lastLines) });
      const timer = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        settle();
      }, TRAILING_OUTPUT_MS);
      child.once('close', () => {
        clearTimeout(timer);
        settle();
      });
    });
  });

  return {
    pid: child.pid,
    exited,
    isAlive: () => alive,
    async terminate(graceMs) {
      if (alive) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function explainExit(code: number | null, signal: NodeJS.Signals | null, lastLines: string[]): string {
  if (signal !== null) return `was ended by ${signal}`;
  return [`ended with status ${code}`, ...lastLines].join('\n  ');
}
