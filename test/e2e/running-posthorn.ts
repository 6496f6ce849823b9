/** The built service as a process, in a directory and on ports of its own: what end-to-end tests drive from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 60_000;
const POLL_MS = 50;

export interface FirstCredentials {
  readonly account: string;
  readonly domain: string;
  readonly smtp: { readonly user: string; readonly password: string };
  readonly apiKey: string;
}

export interface PosthornPorts {
  readonly submission: number;
  readonly submissions: number;
  readonly trusted: number;
  readonly bounce: number;
  readonly imaps: number;
  readonly imap: number;
  readonly pop3s: number;
  readonly pop3: number;
  readonly http: number;
  readonly ops: number;
}

export class RunningPosthorn {
  /** All that it wrote to standard output and standard error. */
  output = '';
  private exitCode: number | null | undefined;

  private constructor(
    readonly dataDir: string,
    readonly ports: PosthornPorts,
    private readonly process: ChildProcess,
    private readonly ownsDirectory: boolean,
  ) {
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    process.stdout?.on('data', keep);
    process.stderr?.on('data', keep);
    process.once('exit', (code) => {
      this.exitCode = code;
    });
  }

  /**
   * Starts it and waits until it is ready. `settings` are environment variables; a `dataDir` that is given is kept, and
   * `ports` that are given are those of the run before. Throws with its output where it does not come up.
   */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    dataDir?: string,
    ports?: PosthornPorts,
  ): Promise<RunningPosthorn> {
    const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'posthorn-e2e-')));
    ports ??= await freePorts();
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, 'up'], {
      env: environment(directory, ports, settings),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const posthorn = new RunningPosthorn(directory, ports, child, dataDir === undefined);
    await posthorn.untilReady();
    return posthorn;
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  get caFile(): string {
    return join(this.dataDir, 'tls.crt');
  }

  async credentials(): Promise<FirstCredentials> {
    return JSON.parse(await readFile(join(this.dataDir, 'first-credentials.json'), 'utf8')) as FirstCredentials;
  }

  /** Pids of its child processes by their title: `doors`, `bounces`, `mailbox`, `worker`, `redis-server`. */
  async children(name: 'doors' | 'bounces' | 'mailbox' | 'worker' | 'redis-server'): Promise<number[]> {
    if (name === 'redis-server') {
      const pid = Number(await readFile(join(this.dataDir, 'redis/redis.pid'), 'utf8').catch(() => '0'));
      return pid > 0 ? [pid] : [];
    }
    const pids = (await readFile(`/proc/${String(this.pid)}/task/${String(this.pid)}/children`, 'utf8')).trim();
    const found: number[] = [];
    for (const pid of pids === '' ? [] : pids.split(' ').map(Number)) {
      const title = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
      if (title.startsWith(`posthorn ${name}`)) found.push(pid);
    }
    return found;
  }

  /** `/readyz` as it answers now; status 0 where nothing answers. */
  async readiness(): Promise<{ status: number; body: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${String(this.ports.ops)}/readyz`, {
        signal: AbortSignal.timeout(5_000),
      });
      return { status: response.status, body: await response.text() };
    } catch {
      return { status: 0, body: '' };
    }
  }

  async untilReady(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    while ((await this.readiness()).status !== 200) {
      if (this.exitCode !== undefined) throw new Error(`it ended with ${String(this.exitCode)}:\n${this.output}`);
      if (Date.now() > deadline) {
        this.process.kill('SIGKILL');
        throw new Error(`it was not ready in time:\n${this.output}`);
      }
      await sleep(POLL_MS);
    }
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${String(this.ports.ops)}/metrics`)).text();
  }

  /** The sum of a metric's series whose labels contain `labels` as text. */
  async metric(name: string, labels = ''): Promise<number> {
    const lines = (await this.metrics()).split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
    return lines
      .filter((line) => line.charAt(name.length) === '{' || line.charAt(name.length) === ' ')
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** A request to the HTTP API with the first account's key. */
  async api(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const { apiKey } = await this.credentials();
    const response = await fetch(`http://127.0.0.1:${String(this.ports.http)}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  }

  /** SIGTERM, and the exit code. */
  async terminate(): Promise<number | null> {
    this.process.kill('SIGTERM');
    return this.untilGone();
  }

  /** SIGKILL to the supervisor alone. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.untilGone();
  }

  /** For afterEach: ends it however it stands, and removes its directory. */
  async dispose(): Promise<void> {
    if (this.exitCode === undefined) await this.terminate();
    if (this.ownsDirectory) await rm(this.dataDir, { recursive: true, force: true });
  }

  private async untilGone(): Promise<number | null> {
    const deadline = Date.now() + STOP_WITHIN_MS;
    while (this.exitCode === undefined) {
      if (Date.now() > deadline) {
        for (const name of ['doors', 'bounces', 'mailbox', 'worker'] as const) {
          for (const pid of await this.children(name)) process.kill(pid, 'SIGKILL');
        }
        this.process.kill('SIGKILL');
        throw new Error(`it did not end in time:\n${this.output.slice(-4_000)}`);
      }
      await sleep(POLL_MS);
    }
    return this.exitCode;
  }
}

/** What the program prints and how it ends, for starts that must fail and commands that end by themselves. */
export async function runPosthorn(
  argv: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, ...argv], {
    env: { ...cleanEnvironment(), ...settings },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: STOP_WITHIN_MS,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** The files that are shared beside the project: undefined where they are not there. */
export function sharedPath(path: string): string | undefined {
  const shared = join(import.meta.dirname, '../../../shared', path);
  return existsSync(shared) ? shared : undefined;
}

/** A port that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export async function freePorts(): Promise<PosthornPorts> {
  const ports = await Promise.all(Array.from({ length: 10 }, () => freePort()));
  const [submission = 0, submissions = 0, trusted = 0, bounce = 0, http = 0, ops = 0, ...mailbox] = ports;
  const [imaps = 0, imap = 0, pop3s = 0, pop3 = 0] = mailbox;
  return { submission, submissions, trusted, bounce, imaps, imap, pop3s, pop3, http, ops };
}

/** `POSTHORN_SUBMISSION_PORT` and the others: every listener has a port of its own, also while another relay runs. */
export function portSettings(ports: PosthornPorts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [`POSTHORN_${name.toUpperCase()}_PORT`, String(port)]),
  );
}

/** Settings for `up` on `ports`; `settings` overrule. */
export function environment(
  dataDir: string,
  ports: PosthornPorts,
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...cleanEnvironment(),
    POSTHORN_DATA_DIR: dataDir,
    POSTHORN_HOSTNAME: 'relay.example',
    POSTHORN_FIRST_DOMAIN: 'example.org',
    POSTHORN_WORKERS: '1',
    ...portSettings(ports),
    ...settings,
  };
}

/** The environment without settings that whoever runs the tests has for a relay of their own. */
function cleanEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('POSTHORN_'));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
