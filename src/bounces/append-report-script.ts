/** The one step that stores a report: it is numbered, and what is too old or too much goes. */
import { LuaScript } from '../store/lua-script.js';

/**
 * KEYS: 1 mailbox, 2 list, 3 contents, 4 flags, 5 occurrences.
 * ARGV: 1 occurrence, 2 uidvalidity where there is none yet, 3 now, 4 ms to keep reports, 5 reports to keep, 6 bytes to keep,
 * 7 occurrences to keep, 8 reports that may go in this call, 9 content as stored, 10 date, 11 octets, 12 kind, 13 category,
 * 14 message id.
 * Returns the report's uid, 0 where it was stored before.
 */
export const appendReportScript = new LuaScript<number>(
  'append report',
  5,
  `
if redis.call('ZSCORE', KEYS[5], ARGV[1]) then return 0 end
redis.call('HSETNX', KEYS[1], 'v', ARGV[2])
-- All of them had their time, and Redis has taken them away.
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('HSET', KEYS[1], 'b', 0) end

local uid = redis.call('HINCRBY', KEYS[1], 'n', 1)
-- The first two fields are read by their place below.
redis.call('XADD', KEYS[2], uid .. '-0', 'at', ARGV[10], 'stored', #ARGV[9],
  'octets', ARGV[11], 'kind', ARGV[12], 'category', ARGV[13], 'message', ARGV[14])
redis.call('HSET', KEYS[3], uid, ARGV[9])
redis.call('ZADD', KEYS[5], uid, ARGV[1])
local bytes = redis.call('HINCRBY', KEYS[1], 'b', #ARGV[9])
local count = redis.call('XLEN', KEYS[2])

local horizon = ARGV[3] - ARGV[4]
for _ = 1, tonumber(ARGV[8]) do
  local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  if not oldest then break end
  local id, at, stored = oldest[1], tonumber(oldest[2][2]), tonumber(oldest[2][4])
  if count <= tonumber(ARGV[5]) and bytes <= tonumber(ARGV[6]) and at > horizon then break end
  local gone = string.match(id, '^%d+')
  redis.call('XDEL', KEYS[2], id)
  redis.call('HDEL', KEYS[3], gone)
  redis.call('HDEL', KEYS[4], gone)
  bytes = redis.call('HINCRBY', KEYS[1], 'b', -stored)
  count = count - 1
end
-- A report that is gone must not come back when its occurrence is told again, so these outlive the reports.
local surplus = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[7])
if surplus > 0 then redis.call('ZPOPMIN', KEYS[5], math.min(surplus, 2)) end

for i = 2, 5 do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
return uid
`,
);
