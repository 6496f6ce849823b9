/** The one step that stores a report: it is numbered, and what is too old or too much goes. */
import { LuaScript } from '../../store/lua-script.js';

/**
 * KEYS: 1 mailbox, 2 list, 3 contents, 4 flags, 5 occurrences, 6 strays.
 * ARGV: 1 occurrence, 2 uidvalidity where there is none yet, 3 now, 4 ms to keep reports, 5 reports to keep, 6 bytes to keep,
 * 7 occurrences to keep, 8 reports that may go in this call, 9 content as stored, 10 date, 11 octets, 12 kind, 13 category,
 * 14 message id, 15 '1' for a stray, 16 strays to keep, 17 bytes of strays to keep.
 * Returns the report's uid, 0 where it was stored before.
 */
export const appendReportScript = new LuaScript<number>(
  'append report',
  6,
  `
if redis.call('ZSCORE', KEYS[5], ARGV[1]) then return 0 end
redis.call('HSETNX', KEYS[1], 'v', ARGV[2])
-- An account that is gone has left it for a while.
redis.call('PERSIST', KEYS[1])
-- All of them had their time, and Redis has taken them away.
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('HSET', KEYS[1], 'b', 0, 's', 0) end

local uid = redis.call('HINCRBY', KEYS[1], 'n', 1)
-- The first two fields are read by their place below.
redis.call('XADD', KEYS[2], uid .. '-0', 'at', ARGV[10], 'stored', #ARGV[9],
  'octets', ARGV[11], 'kind', ARGV[12], 'category', ARGV[13], 'message', ARGV[14])
redis.call('HSET', KEYS[3], uid, ARGV[9])
redis.call('ZADD', KEYS[5], uid, ARGV[1])
redis.call('HINCRBY', KEYS[1], 'b', #ARGV[9])
if ARGV[15] == '1' then
  redis.call('ZADD', KEYS[6], uid, uid)
  redis.call('HINCRBY', KEYS[1], 's', #ARGV[9])
end

local function amount(field) return tonumber(redis.call('HGET', KEYS[1], field) or 0) end
local function drop(entry)
  local gone, stored = string.match(entry[1], '^%d+'), tonumber(entry[2][4])
  redis.call('XDEL', KEYS[2], entry[1])
  redis.call('HDEL', KEYS[3], gone)
  redis.call('HDEL', KEYS[4], gone)
  redis.call('HINCRBY', KEYS[1], 'b', -stored)
  if redis.call('ZREM', KEYS[6], gone) == 1 then redis.call('HINCRBY', KEYS[1], 's', -stored) end
end

local left = tonumber(ARGV[8])
-- Anybody can write to a postmaster: what he sends takes the place of other strays, and of no bounce.
while left > 0 and (redis.call('ZCARD', KEYS[6]) > tonumber(ARGV[16]) or amount('s') > tonumber(ARGV[17])) do
  local stray = redis.call('ZRANGE', KEYS[6], 0, 0)[1]
  if not stray then break end
  local entry = redis.call('XRANGE', KEYS[2], stray .. '-0', stray .. '-0')[1]
  if entry then drop(entry) else redis.call('ZREM', KEYS[6], stray) end
  left = left - 1
end
local horizon = ARGV[3] - ARGV[4]
while left > 0 do
  local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  if not oldest then break end
  local fits = redis.call('XLEN', KEYS[2]) <= tonumber(ARGV[5]) and amount('b') <= tonumber(ARGV[6])
  if fits and tonumber(oldest[2][2]) > horizon then break end
  drop(oldest)
  left = left - 1
end
-- A report that is gone must not come back when its occurrence is told again, so these outlive the reports.
local surplus = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[7])
if surplus > 0 then redis.call('ZPOPMIN', KEYS[5], math.min(surplus, 2)) end

for i = 2, 6 do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
return uid
`,
);
