import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis, disconnectRedis, untilReady } from './connect-redis.js';
import { type EmbeddedRedis, startEmbeddedRedis } from './embedded-redis.js';
import { RedisRoom } from './redis-room.js';

const MIB = 1024 * 1024;

let directory: string;
let embedded: EmbeddedRedis;
let redis: Redis;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-room-'));
  const started = await startEmbeddedRedis({ dataDir: directory, durability: 'fsync', log: () => undefined });
  if (started.kind !== 'running') throw new Error(started.why);
  embedded = started;
  redis = connectRedis(embedded.url, 'answering');
  expect(await untilReady(redis, 60_000)).toEqual({ kind: 'ready' });
});

afterEach(async () => {
  await disconnectRedis(redis);
  await embedded.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('the room in Redis', () => {
  it('has no end where there is no limit', async () => {
    expect(await new RedisRoom(redis).refusalOf(1_000 * MIB)).toBeUndefined();
  });

  it('ends before the last twentieth, counting what was taken since memory was last read', async () => {
    await redis.config('SET', 'maxmemory', 100 * MIB);
    const room = new RedisRoom(redis);
    const taken: (string | undefined)[] = [];
    for (let i = 0; i < 10; i++) taken.push(await room.refusalOf(10 * MIB));
    expect(taken.slice(0, 9)).toEqual(Array(9).fill(undefined));
    expect(taken[9]).toMatch(/^Redis is full: of 104857600 bytes/);
    // Nothing of it was written: the next reading sees the memory as it is.
    await delay(300);
    expect(await room.refusalOf(10 * MIB)).toBeUndefined();
  });

  it('is refused while Redis is unwell', async () => {
    const room = new RedisRoom(redis);
    await redis.replicaof('127.0.0.1', 1);
    expect(await room.refusalOf(1)).toMatch(/replica/);
  });
});
