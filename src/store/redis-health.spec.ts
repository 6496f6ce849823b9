import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis, disconnectRedis, untilReady } from './connect-redis.js';
import { type EmbeddedRedis, startEmbeddedRedis } from './embedded-redis.js';
import { readRedisHealth } from './redis-health.js';
import { embeddedRedisArguments, prepareRedisHome } from './redis-home.js';
import { spawnRedis } from './redis-process.js';
import { withPatience } from '../../test/patience.js';

let directory: string;
let embedded: EmbeddedRedis;
let redis: Redis;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-health-'));
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

const unwell = (reason: RegExp): unknown => ({ kind: 'unwell', reason: expect.stringMatching(reason) });

describe('readRedisHealth', () => {
  it('tells the memory of a Redis that is well', async () => {
    await redis.config('SET', 'maxmemory', '100mb');
    const health = await readRedisHealth(redis);
    expect(health).toEqual({ kind: 'well', usedMemoryBytes: expect.any(Number), maxMemoryBytes: 104_857_600 });
    expect(health.kind === 'well' && health.usedMemoryBytes).toBeGreaterThan(500_000);
  });

  it('is unwell while Redis is frozen, and says so within two seconds', async () => {
    const pid = embedded.pid();
    if (pid === undefined) throw new Error('Redis is down');
    process.kill(pid, 'SIGSTOP');
    const startedAt = performance.now();
    expect(await readRedisHealth(redis)).toEqual(unwell(/does not answer/));
    expect(performance.now() - startedAt).toBeLessThan(withPatience(2_000));
    process.kill(pid, 'SIGCONT');
  });

  it('is unwell when Redis is gone', async () => {
    await embedded.stop();
    expect(await readRedisHealth(redis)).toEqual(unwell(/does not answer/));
  });

  it('is unwell on a replica', async () => {
    await redis.replicaof('127.0.0.1', 1);
    expect(await readRedisHealth(redis)).toEqual(unwell(/replica/));
  });

  it('is unwell from 95 percent of maxmemory on', async () => {
    await redis.set('filler', 'x'.repeat(8_000_000));
    const usedBytes = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
    await redis.config('SET', 'maxmemory', Math.round(usedBytes / 0.9));
    expect((await readRedisHealth(redis)).kind).toBe('well');
    await redis.config('SET', 'maxmemory', Math.round(usedBytes / 0.97));
    expect(await readRedisHealth(redis)).toMatchObject({
      kind: 'unwell',
      reason: expect.stringMatching(/full: \d+ of \d+ bytes/),
      full: true,
    });
  });

  it('is unwell while a failed save makes Redis refuse writes', async () => {
    mkdirSync(join(directory, 'redis/dump.rdb')); // A save cannot be renamed to a directory.
    await redis.config('SET', 'save', '3600 1');
    await redis.bgsave();
    while (!(await redis.info('persistence')).includes('rdb_last_bgsave_status:err')) await delay(5);
    expect(await readRedisHealth(redis)).toEqual(unwell(/MISCONF/));
    await redis.config('SET', 'save', ''); // Else it would not end without having saved.
  });

  it('is unwell while Redis is reading its data', async () => {
    await redis.eval(`for i = 1, 5000 do redis.call('set', i, i) end`, 0);
    await embedded.stop();
    const preparation = prepareRedisHome(directory, 'fsync');
    if (preparation.kind !== 'prepared') throw new Error(preparation.why);
    const args = [...embeddedRedisArguments(preparation.home, 'fsync'), '--key-load-delay', '200'];
    const slow = spawnRedis({ command: 'redis-server', args });
    // Not `once` of node:events: it rejects on the error of an attempt that came before the socket was there.
    await new Promise((resolve) => redis.once('connect', () => resolve(undefined)));
    expect(await readRedisHealth(redis)).toEqual(unwell(/reading its data/));
    expect(await untilReady(redis, 60_000)).toEqual({ kind: 'ready' });
    expect((await readRedisHealth(redis)).kind).toBe('well');
    await slow.terminate(1_000);
  });
});
