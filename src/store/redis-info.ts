/** Reads what INFO says, for the durability check and the health. */
import type { Redis } from 'ioredis';

export type RedisInfo = ReadonlyMap<string, string>;

/** All default sections. Answered while Redis is loading, too. Rejects like any command. */
export async function readRedisInfo(redis: Redis): Promise<RedisInfo> {
  const fields = new Map<string, string>();
  for (const line of (await redis.info()).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
