/** A Redis of a suite's own, and a clock that it moves: for what is counted over minutes and days. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Clock } from '../../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';

export class MovableClock extends Clock {
  private offsetMs = 0;

  now(): number {
    return Date.now() + this.offsetMs;
  }

  pass(ms: number): void {
    this.offsetMs += ms;
  }
}

export class GuardRedis {
  readonly clock = new MovableClock();
  private readonly clients: Redis[] = [];

  private constructor(
    private readonly dataDir: string,
    private readonly embedded: EmbeddedRedis,
  ) {}

  static async start(): Promise<GuardRedis> {
    const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-guard-'));
    const embedded = await startEmbeddedRedis({ dataDir, durability: 'memory', log: () => undefined });
    if (embedded.kind !== 'running') throw new Error(embedded.why);
    return new GuardRedis(dataDir, embedded);
  }

  /** A connection as another process would have it. */
  async connect(): Promise<Redis> {
    const redis = connectRedis(this.embedded.url, 'answering');
    await untilReady(redis, 60_000);
    this.clients.push(redis);
    return redis;
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((redis) => disconnectRedis(redis)));
    await this.embedded.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
