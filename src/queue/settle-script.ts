/** The one step that settles recipients: BullMQ's lock is the lease, and its guard stands in the statement that writes. */
import { LuaScript } from '../store/lua-script.js';

/**
 * KEYS: 1 message, 2 body, 3 events, 4 open, 5 closed, 6 ledger, 7 the job's lock.
 * ARGV: 1 lease token ('' for nobody), 2 message id, 3 stream, 4 transaction, 5 attempts of the transaction before this
 * one ('' where none was made), 6 ms to keep the history, 7 ms to keep the body, 8 histories to keep, 9 key prefix of
 * the shard, 10 ids below this are past their retention, 11 number of (recipient, state) pairs, then the pairs, then
 * the events.
 * Returns {-1} where another holds the lease, {-2} where the message is gone, else {0, settled now, still waiting}.
 */
export const settleScript = new LuaScript<[number, number?, number?]>(
  'settle',
  7,
  `
local owner = redis.call('GET', KEYS[7])
if owner and owner ~= ARGV[1] then return {-1} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {-2} end

local pairsEnd = 11 + ARGV[11] * 2
-- Redis may run a call twice whose reply was lost: a deferral is then known by its attempt, which has been counted.
local counted = tonumber(redis.call('HGET', KEYS[1], 'n' .. ARGV[4]) or '0')
local repeated = ARGV[5] ~= '' and tonumber(ARGV[5]) ~= counted
local settled = 0
local news = false
for i = 12, pairsEnd, 2 do
  local field = 's' .. ARGV[i]
  local before = redis.call('HGET', KEYS[1], field)
  local deferral = ARGV[i + 1] == 'deferred'
  -- Settled once is settled for ever; a repeated call changes nothing.
  if (not before or before == 'deferred') and not (deferral and repeated) then
    news = true
    redis.call('HSET', KEYS[1], field, ARGV[i + 1])
    if not deferral then
      settled = settled + 1
      redis.call('HINCRBY', KEYS[6], ARGV[3] .. ':' .. ARGV[i + 1], 1)
    end
  end
end
if news then
  for i = pairsEnd + 1, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
  if ARGV[5] ~= '' then redis.call('HINCRBY', KEYS[1], 'n' .. ARGV[4], 1) end
end
-- Lua writes -0 for nothing settled, which Redis does not take for a number.
if settled == 0 then return {0, 0, tonumber(redis.call('HGET', KEYS[1], 'w'))} end
local waiting = redis.call('HINCRBY', KEYS[1], 'w', -settled)
if waiting > 0 then return {0, settled, waiting} end

-- The last recipient settled closes the message.
redis.call('ZREM', KEYS[4], ARGV[2])
if ARGV[7] == '0' then redis.call('UNLINK', KEYS[2]) else redis.call('PEXPIRE', KEYS[2], ARGV[7]) end
if ARGV[6] == '0' then
  redis.call('UNLINK', KEYS[1], KEYS[3])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
  local length = redis.call('RPUSH', KEYS[5], ARGV[2])
  -- Histories are shed oldest first; a few a call, so that no call is long.
  for _ = 1, 4 do
    local oldest = redis.call('LINDEX', KEYS[5], 0)
    if not oldest or (length <= tonumber(ARGV[8]) and oldest >= ARGV[10]) then break end
    redis.call('LPOP', KEYS[5])
    redis.call('UNLINK', ARGV[9] .. ':m:' .. oldest, ARGV[9] .. ':b:' .. oldest, ARGV[9] .. ':e:' .. oldest)
    length = length - 1
  end
end
return {0, settled, 0}
`,
);
