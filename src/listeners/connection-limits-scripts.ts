/**
 * How many connections a client network has, in Redis, each in one step. Every process writes its own number into the
 * network's hash and renews a lease in the set of processes; the numbers of one whose lease has lapsed are dropped.
 */
import { LuaScript } from '../store/lua-script.js';

/** A key lives this long after the last connection of its network came. One of which all have ended is gone at once. */
const OPEN_KEY_MS = 24 * 3_600_000;
/** New connections are counted by the minute. */
const RATE_KEY_MS = 120_000;

/**
 * KEYS: the processes, the open connections of three networks, the new ones of three. ARGV: now, this process, its
 * lease, networks that count, then their limits. Returns 0 where the connection is counted, 1 where it is one too many.
 */
export const ENTER = new LuaScript<0 | 1>(
  'connection-enter',
  7,
  `
local now, networks = tonumber(ARGV[1]), tonumber(ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 1, networks do
  local limit, open = tonumber(ARGV[4 + i]), 0
  local counts = redis.call('HGETALL', KEYS[1 + i])
  for f = 1, #counts, 2 do
    if redis.call('ZSCORE', KEYS[1], counts[f]) then open = open + counts[f + 1]
    else redis.call('HDEL', KEYS[1 + i], counts[f]) end
  end
  if open >= limit or tonumber(redis.call('GET', KEYS[4 + i]) or 0) >= limit then return 1 end
end
for i = 1, networks do
  redis.call('HINCRBY', KEYS[1 + i], ARGV[2], 1)
  redis.call('PEXPIRE', KEYS[1 + i], ${OPEN_KEY_MS})
  redis.call('INCR', KEYS[4 + i])
  redis.call('PEXPIRE', KEYS[4 + i], ${RATE_KEY_MS})
end
return 0`,
);

/** KEYS: the open connections of three networks. ARGV: this process, networks that count. */
export const LEAVE = new LuaScript<null>(
  'connection-leave',
  3,
  `
for i = 1, tonumber(ARGV[2]) do
  local count = tonumber(redis.call('HGET', KEYS[i], ARGV[1]) or 0)
  if count > 1 then redis.call('HINCRBY', KEYS[i], ARGV[1], -1)
  else redis.call('HDEL', KEYS[i], ARGV[1]) end
end
return nil`,
);

/** KEYS: the new connections of three networks. ARGV: networks that count. One of them turned out to be welcome. */
export const GIVE_BACK = new LuaScript<null>(
  'connection-give-back',
  3,
  `
for i = 1, tonumber(ARGV[1]) do
  if tonumber(redis.call('GET', KEYS[i]) or 0) > 0 then redis.call('DECR', KEYS[i]) end
end
return nil`,
);
