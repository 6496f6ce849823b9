/** The step after an outcome was followed up: the body that was kept for its report goes, where nobody needs it any more. */
import type { Redis } from 'ioredis';
import { messageKeys, SHARD } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';

/**
 * KEYS: 1 message, 2 body. ARGV: 1 number of the outcome's event, 2 ms to keep the body for its own sake.
 * Each outcome is counted out once. While a recipient waits the body stays.
 */
const followUpScript = new LuaScript<null>(
  'follow up',
  2,
  `
if redis.call('HDEL', KEYS[1], 'o' .. ARGV[1]) == 0 then return false end
if redis.call('HINCRBY', KEYS[1], 'o', -1) > 0 or redis.call('HGET', KEYS[1], 'w') ~= '0' then return false end
if ARGV[2] == '0' then redis.call('UNLINK', KEYS[2])
elseif redis.call('PTTL', KEYS[2]) > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return false
`,
);

export async function countFollowedUp(
  redis: Redis,
  messageId: string,
  number: number,
  { bodyRetentionMs }: { readonly bodyRetentionMs: number },
): Promise<void> {
  const keys = messageKeys(SHARD, messageId);
  await followUpScript.run(redis, [keys.message, keys.body], [number, bodyRetentionMs]);
}
