/** A Redis of its own for tests of what accounts are kept as, and a clock that they move. */
import type { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clock } from '../../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';

const READY_WITHIN_MS = 60_000;
/** Keys of one test. */
const KEYS_MAX = 100_000;

export class MovableClock extends Clock {
  nowMs = Date.parse('2030-01-01T00:00:00Z');

  now(): number {
    return this.nowMs;
  }
}

export class AccountsStore {
  private constructor(
    readonly redis: Redis,
    readonly directory: string,
    private readonly server: EmbeddedRedis,
  ) {}

  static async start(): Promise<AccountsStore> {
    const directory = mkdtempSync(join(tmpdir(), 'posthorn-accounts-'));
    const server = await startEmbeddedRedis({ dataDir: directory, durability: 'memory', log: () => undefined });
    if (server.kind !== 'running') throw new Error(server.why);
    const redis = connectRedis(server.url, 'answering');
    const reached = await untilReady(redis, READY_WITHIN_MS);
    if (reached.kind !== 'ready') throw new Error(reached.why);
    return new AccountsStore(redis, directory, server);
  }

  /** Every key with all that it holds, of any Redis. */
  static async dump(redis: Redis): Promise<Record<string, string>> {
    const keys = (await redis.keys('*')).sort().slice(0, KEYS_MAX);
    const entries = await Promise.all(keys.map(async (key) => [key, await contents(redis, key)] as const));
    return Object.fromEntries(entries);
  }

  async empty(): Promise<void> {
    await this.redis.flushall();
  }

  async stop(): Promise<void> {
    await disconnectRedis(this.redis);
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function contents(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  if (type === 'string') return (await redis.getBuffer(key))?.toString('latin1') ?? '';
  if (type === 'hash') return JSON.stringify(Object.entries(await redis.hgetall(key)).sort());
  return (await redis.dumpBuffer(key))?.toString('latin1') ?? '';
}
