/** Says whether Redis takes writes now, for /readyz and the gauges beside it: full is said, not suffered. */
import type { Redis } from 'ioredis';
import type { RedisInfo } from './redis-info.js';
import { readRedisInfo } from './redis-info.js';

/** `maxMemoryBytes` 0: no limit. `reason` is a clause for the operator; `full` that it is the memory. */
export type RedisHealth =
  { kind: 'well'; usedMemoryBytes: number; maxMemoryBytes: number } | { kind: 'unwell'; reason: string; full?: true };

// The last twentieth is for settling what was accepted before: at the limit Redis refuses that, too.
export const MEMORY_SHARE_MAX = 0.95;

/** Two commands on an `answering` connection: never rejects, and answers within two seconds. */
export async function readRedisHealth(redis: Redis): Promise<RedisHealth> {
  let info: RedisInfo;
  try {
    info = await readRedisInfo(redis);
  } catch (error) {
    return unwell(`Redis does not answer: ${(error as Error).message}`);
  }
  if (info.get('loading') === '1') return unwell('Redis is still reading its data');
  // ioredis answers INFO on a connection whose handshake is not through: other commands would not pass.
  if (redis.status !== 'ready') return unwell('Redis does not answer: the connection is not ready');
  if (info.get('role') === 'slave') return unwell('Redis is a replica, which takes no writes');
  if (info.get('aof_last_write_status') === 'err')
    return unwell('Redis cannot write its append-only file: is its disk full?');

  const usedMemoryBytes = Number(info.get('used_memory') ?? 0);
  const maxMemoryBytes = Number(info.get('maxmemory') ?? 0);
  if (maxMemoryBytes > 0 && usedMemoryBytes >= MEMORY_SHARE_MAX * maxMemoryBytes) {
    const reason = `Redis is full: ${usedMemoryBytes} of ${maxMemoryBytes} bytes (maxmemory) are used`;
    return { kind: 'unwell', reason, full: true };
  }
  return (await refusal(redis)) ?? { kind: 'well', usedMemoryBytes, maxMemoryBytes };
}

/** Redis answers PING with MISCONF for as long as a failed save or append makes it refuse writes. */
async function refusal(redis: Redis): Promise<RedisHealth | undefined> {
  try {
    await redis.ping();
    return undefined;
  } catch (error) {
    return unwell(`Redis refuses writes: ${(error as Error).message}`);
  }
}

function unwell(reason: string): RedisHealth {
  return { kind: 'unwell', reason };
}
