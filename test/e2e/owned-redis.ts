/** A redis-server that a test owns: under its own hand it freezes, dies and comes back on the same port and files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { freePort } from './running-posthorn.js';

const READY_WITHIN_MS = 60_000;

export interface OwnedRedisOptions {
  /** On top of an append-only file that is synced always, and of what the relay asks for. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly program?: string;
}

export class OwnedRedis {
  private server: ChildProcess | undefined;
  private client: Redis | undefined;

  private constructor(
    readonly directory: string,
    readonly port: number,
    private readonly options: OwnedRedisOptions,
  ) {}

  static async start(options: OwnedRedisOptions = {}): Promise<OwnedRedis> {
    const redis = new OwnedRedis(await mkdtemp(join(tmpdir(), 'posthorn-owned-redis-')), await freePort(), options);
    await redis.launch();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the server that was killed, and returns when it answers. */
  async launch(): Promise<void> {
    const { program = 'redis-server', settings } = this.options;
    const all = {
      ...{ port: String(this.port), bind: '127.0.0.1', dir: this.directory },
      ...{ appendonly: 'yes', appendfsync: 'always', save: '', 'maxmemory-policy': 'noeviction' },
      ...settings,
    };
    const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    this.server = spawn(program, args, { stdio: 'ignore' });
    if (this.client) await disconnectRedis(this.client);
    this.client = connectRedis(this.url, 'queue');
    const reached = await untilReady(this.client, READY_WITHIN_MS);
    if (reached.kind !== 'ready') throw new Error(reached.why);
  }

  /** Runs a command on a connection of the test's own. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    return this.client?.call(name, ...args);
  }

  /** It keeps its connections and answers nobody: a partition of one. */
  freeze(): void {
    this.server?.kill('SIGSTOP');
  }

  thaw(): void {
    this.server?.kill('SIGCONT');
  }

  /** SIGKILL; returns when it is gone. */
  async kill(): Promise<void> {
    const { server } = this;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  }

  async dispose(): Promise<void> {
    await this.kill();
    if (this.client) await disconnectRedis(this.client);
    await rm(this.directory, { recursive: true, force: true });
  }
}
