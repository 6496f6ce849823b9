/** Another program as a child of the bench: started, watched, and ended by its pid. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramExit {
  /** Exit status; null after a signal, and for a program that could not be started. */
  readonly code: number | null;
  /** The end of what it printed. */
  readonly said: string;
  /** In words, with what it said. */
  readonly why: string;
}

export interface ChildProgram {
  /** -1 where it could not be started. */
  readonly pid: number;
  /** Never rejects. */
  readonly exited: Promise<ProgramExit>;
  readonly isAlive: () => boolean;
  /** SIGTERM, after `graceMs` SIGKILL; resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
}

export interface ProgramOptions {
  /** A file descriptor for standard output; without it the end of what is printed is kept. */
  readonly stdout?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A process group of its own, so that Ctrl-C on our terminal, and what else our group is told, passes it by. */
  readonly detached?: boolean;
}

/** What is kept of what a program says. */
const SAID_CHARACTERS_MAX = 2_000;

export function startProgram(file: string, args: readonly string[], options: ProgramOptions = {}): ChildProgram {
  const child = spawn(file, args, {
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
    cwd: options.cwd ?? '/',
    detached: options.detached ?? false,
    ...(options.env && { env: options.env }),
  });
  let said = '';
  let alive = true;
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SAID_CHARACTERS_MAX)));
  }
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      alive = false;
      resolve({ code: null, said: '', why: `${file}: ${error.message}` });
    });
    child.once('exit', (code, signal) => {
      alive = false;
      const how = signal === null ? `ended with status ${code ?? '?'}` : `was ended by ${signal}`;
      // What it said last may still be on its way through the pipe; a grandchild may hold the pipe for ever.
      const settle = (): void => {
        const words = said.trim();
        resolve({ code, said: words, why: `${file} ${how}${words === '' ? '' : `: ${words}`}` });
      };
      child.once('close', settle);
      setTimeout(settle, 200).unref();
    });
  });
  return {
    pid: child.pid ?? -1,
    exited,
    isAlive: () => alive,
    async stop(graceMs) {
      if (alive) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Runs a program to its end, or ends it after `withinMs`. */
export async function runProgram(file: string, args: readonly string[], withinMs: number): Promise<ProgramExit> {
  const program = startProgram(file, args);
  const timer = setTimeout(() => void program.stop(1_000), withinMs);
  const exit = await program.exited;
  clearTimeout(timer);
  return exit;
}

/** Asks `ready` until it says yes; undefined then, else why not: the program ended, or the time did. */
export async function untilReady(
  program: ChildProgram | undefined,
  ready: () => Promise<boolean>,
  withinMs: number,
): Promise<string | undefined> {
  const deadline = performance.now() + withinMs;
  while (!(await ready())) {
    if (program && !program.isAlive()) return (await program.exited).why;
    if (performance.now() > deadline) return `it was not ready after ${Math.round(withinMs / 1_000)} s`;
    await sleep(25);
  }
  return undefined;
}
