import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, disconnectRedis, untilReady } from './connect-redis.js';
import { checkDurability } from './durability-check.js';
import { type EmbeddedRedis, startEmbeddedRedis } from './embedded-redis.js';
import type { EmbeddedDurability } from './redis-home.js';

let directory: string;
let embedded: EmbeddedRedis;
let redis: Redis;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-durability-'));
});

afterEach(async () => {
  await disconnectRedis(redis);
  await embedded.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(durability: EmbeddedDurability): Promise<void> {
  const started = await startEmbeddedRedis({ dataDir: directory, durability, log: () => undefined });
  if (started.kind !== 'running') throw new Error(started.why);
  embedded = started;
  redis = connectRedis(embedded.url, 'answering');
  expect(await untilReady(redis, 60_000)).toEqual({ kind: 'ready' });
}

/** Goes on as a user who may do everything but that. */
async function goOnWithout(...commands: string[]): Promise<void> {
  await redis.acl('SETUSER', 'limited', 'on', 'nopass', '~*', '&*', '+@all', ...commands.map((name) => `-${name}`));
  await redis.auth('limited', 'any');
}

describe('checkDurability', () => {
  it.each<EmbeddedDurability>(['memory', 'fsync'])(
    'has no fault to find with the embedded Redis of %s',
    async (wanted) => {
      await start(wanted);
      expect(await checkDurability(redis, wanted, false)).toEqual([]);
    },
  );

  it('names every fault at once, with what to do', async () => {
    await start('memory');
    await redis.config('SET', 'appendfsync', 'everysec');
    await redis.config('SET', 'no-appendfsync-on-rewrite', 'yes');
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const faults = await checkDurability(redis, 'fsync', false);
    expect(faults.map(({ setting, has, mustBe }) => [setting, has, mustBe])).toEqual([
      ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
      ['appendonly', 'no', 'yes'],
      ['appendfsync', 'everysec', 'always'],
      ['no-appendfsync-on-rewrite', 'yes', 'no'],
    ]);
    for (const { setting, mustBe, howTo } of faults) expect(howTo).toContain(`CONFIG SET ${setting} ${mustBe}`);
  });

  it('asks nothing of the disk where memory is promised', async () => {
    await start('memory');
    await redis.config('SET', 'maxmemory-policy', 'volatile-ttl');
    const faults = await checkDurability(redis, 'memory', false);
    expect(faults.map(({ setting }) => setting)).toEqual(['maxmemory-policy']);
  });

  it('calls a fault what it may not read', async () => {
    await start('fsync');
    await goOnWithout('config');
    const faults = await checkDurability(redis, 'fsync', false);
    expect(faults.map(({ setting, has }) => [setting, has])).toEqual([
      ['appendfsync', 'unreadable'],
      ['no-appendfsync-on-rewrite', 'unreadable'],
    ]);
    for (const { howTo } of faults) expect(howTo).toContain('POSTHORN_REDIS_UNCHECKED=true');
  });

  it("takes the operator's word for what it may not read", async () => {
    await start('fsync');
    await goOnWithout('config');
    expect(await checkDurability(redis, 'fsync', true)).toEqual([]);
  });

  it("does not take the operator's word against what INFO says", async () => {
    await start('memory');
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await goOnWithout('config');
    const faults = await checkDurability(redis, 'fsync', true);
    expect(faults.map(({ setting, has }) => [setting, has])).toEqual([
      ['maxmemory-policy', 'allkeys-lru'],
      ['appendonly', 'no'],
    ]);
  });

  it('wants INFO in any case', async () => {
    await start('fsync');
    await goOnWithout('info');
    const faults = await checkDurability(redis, 'fsync', true);
    expect(faults.map(({ setting, has }) => [setting, has])).toEqual([['INFO', 'not permitted']]);
  });

  it('rejects when Redis does not answer', async () => {
    await start('fsync');
    await embedded.stop();
    await expect(checkDurability(redis, 'fsync', true)).rejects.toThrow();
  });
});
