/** A Redis for one suite, with as many connections as it plays processes, and a clock that stands still until it is moved. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Clock } from '../../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';

export class StandingClock extends Clock {
  nowMs = Date.UTC(2026, 10, 21, 12);

  now(): number {
    return this.nowMs;
  }
}

export class OwnRedis {
  private readonly connections: Redis[] = [];

  private constructor(
    readonly directory: string,
    private readonly embedded: EmbeddedRedis,
  ) {}

  static async start(): Promise<OwnRedis> {
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-accounts-'));
    const embedded = await startEmbeddedRedis({ dataDir: directory, durability: 'memory', log: () => undefined });
    if (embedded.kind !== 'running') throw new Error(embedded.why);
    return new OwnRedis(directory, embedded);
  }

  get url(): string {
    return this.embedded.url;
  }

  /** As another process has one. */
  async connect(): Promise<Redis> {
    const redis = connectRedis(this.embedded.url, 'answering');
    this.connections.push(redis);
    await untilReady(redis, 60_000);
    return redis;
  }

  async stop(): Promise<void> {
    for (const redis of this.connections) await disconnectRedis(redis);
    await this.embedded.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** All that Redis holds, by key. */
export async function everythingIn(redis: Redis): Promise<Record<string, string | Record<string, string> | null>> {
  const keys = (await redis.keys('*')).sort();
  const values = keys.map(async (key) => {
    return [key, (await redis.type(key)) === 'hash' ? await redis.hgetall(key) : await redis.get(key)] as const;
  });
  return Object.fromEntries(await Promise.all(values));
}
