/** A program of others: what it says while it runs, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';

const WITHIN_MS = 30_000;

export interface Ended {
  /** Null where it had to be killed. */
  readonly code: number | null;
  /** All that it said, on standard output and standard error, in the order in which it came. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunningProgram {
  output = '';
  private readonly said = { stdout: '', stderr: '' };
  private hasEnded = false;
  private heard: () => void = () => undefined;
  private readonly child: ChildProcess;
  private readonly exit: Promise<number | null>;

  /** It is killed where it does not end in time. */
  constructor(program: string, argv: readonly string[], env: Readonly<NodeJS.ProcessEnv> = process.env, input = '') {
    this.child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'pipe'], timeout: WITHIN_MS, env });
    this.child.stdin?.on('error', () => undefined); // Who is refused does not read the rest.
    this.child.stdin?.end(input);
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        this.said[name] += chunk;
        this.output += chunk;
        this.heard();
      });
    }
    this.exit = new Promise((resolve, reject) => this.child.once('close', resolve).once('error', reject));
    const over = (): void => {
      this.hasEnded = true;
      this.heard();
    };
    // Where it cannot be spawned, who waits for `ended` is told.
    this.exit.then(over, over);
  }

  /** Resolves as soon as it has said so. */
  async until(said: RegExp): Promise<void> {
    while (!said.test(this.output)) {
      if (this.hasEnded) throw new Error(`it ended without ${String(said)}:\n${this.output}`);
      await new Promise<void>((resolve) => (this.heard = resolve));
    }
  }

  /** For one that would wait for ever. */
  stop(): void {
    this.child.kill('SIGTERM');
  }

  async ended(): Promise<Ended> {
    return { code: await this.exit, output: this.output, ...this.said };
  }
}

export function runProgram(
  program: string,
  argv: readonly string[],
  env?: Readonly<NodeJS.ProcessEnv>,
  input?: string,
): Promise<Ended> {
  return new RunningProgram(program, argv, env, input).ended();
}
