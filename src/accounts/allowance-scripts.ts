/**
 * The steps that count messages against limits. What was sent by one subject is a hash; of each window `w` it holds
 * `wn` the messages that count, `wf` and `wl` the first and the last bucket that may hold one, `w<bucket>` those of a bucket.
 */
import { LuaScript } from '../store/lua-script.js';

/**
 * Counts one message in every window, or in none where one of them is full.
 *
 * KEYS: 1 what the account sent, 2 what the credential sent (the first again where none is limited).
 * ARGV: 1 now, 2 the end of the month (both ms), then for each window 1 or 2 for the key, letter, limit, bucket, earlier
 * buckets that count, ms of a bucket (0 for the month).
 * Returns {1, window (from 0) with the least left, left in it, when all of it is back (ms), then the bucket of each window},
 * or {0, the window that is full for the longest, 0, when it takes the next (ms)}.
 *
 * A bucket that has left is taken off the running total once, so a call costs the same however much was sent.
 */
export const reserveScript = new LuaScript<number[]>(
  'reserve',
  2,
  `
local windows = {}
local full, fullUntil
for i = 3, #ARGV, 6 do
  local key, name = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
  local limit, bucket = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local earlier, length = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5])
  local known = redis.call('HMGET', key, name .. 'n', name .. 'f', name .. 'l')
  local total = tonumber(known[1] or '0')
  local last = tonumber(known[3] or bucket)
  -- A clock that goes backwards frees nothing: the newest time that was seen holds.
  if bucket < last then bucket = last end
  local first = tonumber(known[2] or bucket)
  local keep = bucket - earlier
  if first < keep then
    for b = first, math.min(keep - 1, last) do
      local count = redis.call('HGET', key, name .. b)
      if count then
        total = total - count
        redis.call('HDEL', key, name .. b)
      end
    end
    first = keep
    redis.call('HSET', key, name .. 'n', total, name .. 'f', first)
  end
  local function leaves(b)
    if length == 0 then return tonumber(ARGV[2]) end
    return (b + earlier + 1) * length
  end
  if total >= limit then
    local excess = total - limit + 1
    local free = bucket
    for b = first, bucket do
      excess = excess - (redis.call('HGET', key, name .. b) or 0)
      if excess <= 0 then
        free = b
        break
      end
    end
    if not full or leaves(free) > fullUntil then full, fullUntil = #windows, leaves(free) end
  end
  windows[#windows + 1] = {
    key = key, name = name, bucket = bucket, first = first, left = limit - total - 1, back = leaves(bucket),
  }
end
if full then return {0, full, 0, fullUntil} end

local tightest = 1
local buckets = {}
for i, w in ipairs(windows) do
  redis.call('HINCRBY', w.key, w.name .. w.bucket, 1)
  redis.call('HINCRBY', w.key, w.name .. 'n', 1)
  redis.call('HSET', w.key, w.name .. 'f', w.first, w.name .. 'l', w.bucket)
  -- Nothing counts any more by then; twice as long, so that it is not written anew for every message.
  local needed = w.back - ARGV[1]
  if redis.call('PTTL', w.key) < needed then redis.call('PEXPIRE', w.key, needed * 2) end
  if w.left < windows[tightest].left then tightest = i end
  buckets[i] = w.bucket
end
return {1, tightest - 1, windows[tightest].left, windows[tightest].back, unpack(buckets)}
`,
);

/**
 * Gives a counted message back.
 *
 * KEYS: as above. ARGV: for each window 1 or 2 for the key, letter, bucket. What has left its window since is left alone.
 */
export const refundScript = new LuaScript<null>(
  'refund',
  2,
  `
for i = 1, #ARGV, 3 do
  local key, name = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
  local count = redis.call('HGET', key, name .. ARGV[i + 2])
  if count and tonumber(count) > 0 then
    redis.call('HINCRBY', key, name .. ARGV[i + 2], -1)
    redis.call('HINCRBY', key, name .. 'n', -1)
  end
end
return false
`,
);
