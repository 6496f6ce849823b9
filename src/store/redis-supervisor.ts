/**
 * Keeps the embedded Redis running: starts it, starts it again whenever it dies, and ends it once and for all.
 * Before each start whatever still serves the directory is ended, so that there are never two servers on one append-only file.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { mendAppendOnlyFile, saysTorn } from './mend-append-only-file.js';
import type { RedisHome } from './redis-home.js';
import type { RedisProcess } from './redis-process.js';
import { spawnRedis } from './redis-process.js';
import { untilServerReady } from './redis-socket.js';
import { endPredecessor } from './redis-takeover.js';

export interface RedisLogEntry {
  level: 'debug' | 'info' | 'warn';
  message: string;
}

export interface RedisRestart {
  pid: number | undefined;
  /** From the death to the first answer of its successor. */
  downMs: number;
  /** How the one before ended. */
  why: string;
}

export interface RedisSupervisorOptions {
  home: RedisHome;
  command: string;
  args: readonly string[];
  readyWithinMs: number;
  log: (entry: RedisLogEntry) => void;
  onRestart?: ((restart: RedisRestart) => void) | undefined;
  env?: NodeJS.ProcessEnv | undefined;
}

export type Launch = { kind: 'ready'; pid: number | undefined } | { kind: 'failed'; why: string };

const STOP_GRACE_MS = 10_000;
// A server that lived this long died of something new: it is started again at once.
const SETTLED_AFTER_MS = 10_000;
const RESTART_DELAY_MAX_MS = 5_000;

/** At once after the first death, then 100 ms, 200 ms, 400 ms ... 5 s: a full disk must not become a loop of starts. */
export function restartDelayMs(deathsInARow: number): number {
  return deathsInARow <= 1 ? 0 : Math.min(100 * 2 ** (deathsInARow - 2), RESTART_DELAY_MAX_MS);
}

export class RedisSupervisor {
  private server: RedisProcess | undefined;
  private watching: Promise<void> | undefined;
  private readonly stopped = new AbortController();
  private readonly options: RedisSupervisorOptions;

  constructor(options: RedisSupervisorOptions) {
    this.options = options;
  }

  /** Starts the server and, when it got ready, watches over it. A server that fails its first start is not tried again. */
  async start(): Promise<Launch> {
    const launch = await this.launch();
    if (launch.kind === 'ready') this.watching = this.watch();
    return launch;
  }

  /** The server's pid; undefined while it is down. */
  pid(): number | undefined {
    return this.server?.isAlive() ? this.server.pid : undefined;
  }

  /** Returns when the server is gone. It is not started again. */
  async stop(): Promise<void> {
    this.stopped.abort();
    // The server may be dead, and its successor about to be started: the watch sees the abort and starts none.
    await this.server?.terminate(STOP_GRACE_MS);
    await this.watching;
  }

  private async launch(): Promise<Launch> {
    try {
      return await this.takeOverAndRun();
    } catch (error) {
      // No memory or no process left for a child: the next try may find some.
      return { kind: 'failed', why: (error as Error).message };
    }
  }

  private async takeOverAndRun(): Promise<Launch> {
    const { home, command, env, log } = this.options;
    const takeover = await endPredecessor(home);
    if (takeover.kind === 'stuck') return { kind: 'failed', why: takeover.why };
    if (takeover.kind === 'ended') log({ level: 'warn', message: 'ended the Redis that a former run left behind' });

    const launch = await this.runServer();
    if (launch.kind === 'ready' || !saysTorn(launch.why)) return launch;
    const mending = await mendAppendOnlyFile(home, command, env);
    if (mending.kind === 'failed') return mending;
    const torn = `cut a torn end of ${mending.cutBytes} bytes off ${mending.file}, as a power cut leaves it: none of it was acknowledged`;
    log({ level: 'warn', message: torn });
    return await this.runServer();
  }

  private async runServer(): Promise<Launch> {
    const { home, command, args, env, log, readyWithinMs } = this.options;
    if (this.stopped.signal.aborted) return { kind: 'failed', why: 'stopped while it was starting' };

    const server = spawnRedis({ command, args, env, onLine: (line) => log(entryOf(line)) });
    this.server = server;
    const readiness = await untilServerReady({
      server,
      socketPath: home.socketPath,
      withinMs: readyWithinMs,
      onLoading: (waitedMs) => {
        log({ level: 'info', message: `Redis is reading its data, ${Math.round(waitedMs / 1000)} s so far` });
      },
    });
    if (readiness.kind === 'ready') return { kind: 'ready', pid: server.pid };
    await server.terminate(STOP_GRACE_MS);
    return { kind: 'failed', why: readiness.why };
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopped;
    let deathsInARow = 0;
    let readyAt = performance.now();
    for (;;) {
      const exit = await this.server?.exited;
      if (signal.aborted || exit === undefined) return;
      const diedAt = performance.now();
      if (diedAt - readyAt > SETTLED_AFTER_MS) deathsInARow = 0;
      this.options.log({ level: 'warn', message: `Redis ${exit.why}` });

      for (;;) {
        deathsInARow += 1;
        await delay(restartDelayMs(deathsInARow), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const launch = await this.launch();
        if (launch.kind === 'ready') {
          readyAt = performance.now();
          this.options.log({ level: 'info', message: `Redis is back after ${Math.round(readyAt - diedAt)} ms` });
          this.options.onRestart?.({ pid: launch.pid, downMs: readyAt - diedAt, why: exit.why });
          break;
        }
        if (signal.aborted) return;
        this.options.log({ level: 'warn', message: `Redis did not start: ${launch.why}` });
      }
    }
  }
}

// What Redis marks with # (warning) at every start and stop, and no operator needs to see.
const ROUTINE =
  /Redis is starting|version=|Configuration loaded|Server initialized|overcommit|User requested|child rewriting|ready to exit|SIGTERM|shutdown/i;

/** `21799:M 21 Nov 2026 06:52:19.330 # Server initialized`: the mark tells the level (. debug, - verbose, * notice, # warning). */
function entryOf(line: string): RedisLogEntry {
  const [, mark, text] = /^\d+:\S+ .{20,30}? ([.\-*#]) (.*)$/.exec(line) ?? [];
  const message = `Redis: ${text ?? line}`;
  return { level: mark === '#' && !ROUTINE.test(message) ? 'warn' : 'debug', message };
}
