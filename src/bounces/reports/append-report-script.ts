/** The one step that stores a report: it is numbered, and what is too old or too much goes. */
import { MailboxStep } from './mailbox-step.js';

/**
 * ARGV: 4 occurrence, 5 uidvalidity where there is none yet, 6 time up to which reports are too old, 7 reports to keep,
 * 8 bytes to keep, 9 occurrences to keep, 10 reports that may go in this call, 11 content as stored, 12 date, 13 the record
 * after the stored bytes, 14 its folders, 15 '1' for a stray, 16 strays to keep, 17 bytes of strays to keep.
 * Returns the report's uid, 0 where it was stored before.
 */
export const appendReportScript = new MailboxStep<number>(
  'append report',
  `
if redis.call('ZSCORE', OCCURRENCES, ARGV[4]) then return 0 end
redis.call('HSETNX', MAILBOX, 'v', ARGV[5])
-- An account that is gone has left it for a while.
redis.call('PERSIST', MAILBOX)
-- All of them had their time, and Redis has taken them away.
if redis.call('EXISTS', LISTED) == 0 then redis.call('HSET', MAILBOX, 'b', 0, 's', 0) end

local uid = redis.call('HINCRBY', MAILBOX, 'n', 1)
redis.call('ZADD', LISTED, uid, table.concat({ uid, ARGV[12], #ARGV[11], ARGV[13] }, ' '))
redis.call('HSET', CONTENTS, uid, ARGV[11])
redis.call('ZADD', OCCURRENCES, uid, ARGV[4])
redis.call('HINCRBY', MAILBOX, 'b', #ARGV[11])
if ARGV[15] == '1' then
  redis.call('ZADD', STRAYS, uid, uid)
  redis.call('HINCRBY', MAILBOX, 's', #ARGV[11])
end
enter(uid, ARGV[14])

local gone, left = {}, tonumber(ARGV[10])
-- Anybody can write to a postmaster: what he sends takes the place of other strays, and of no bounce.
while #gone < left and (redis.call('ZCARD', STRAYS) > tonumber(ARGV[16]) or amount('s') > tonumber(ARGV[17])) do
  local stray = redis.call('ZRANGE', STRAYS, 0, 0)[1]
  if not stray then break end
  local record = recordOf(stray)
  if record then gone[#gone + 1] = drop(record) else redis.call('ZREM', STRAYS, stray) end
end
while #gone < left do
  local oldest = redis.call('ZRANGE', LISTED, 0, 0)[1]
  if not oldest then break end
  local fits = redis.call('ZCARD', LISTED) <= tonumber(ARGV[7]) and amount('b') <= tonumber(ARGV[8])
  if fits and tonumber(string.match(oldest, '^%d+ (%d+)')) > tonumber(ARGV[6]) then break end
  gone[#gone + 1] = drop(oldest)
end
-- A report that is gone must not come back when its occurrence is told again, so these outlive the reports.
local surplus = redis.call('ZCARD', OCCURRENCES) - tonumber(ARGV[9])
if surplus > 0 then redis.call('ZPOPMIN', OCCURRENCES, math.min(surplus, 2)) end

for i = 2, 5 do redis.call('PEXPIRE', KEYS[i], KEEP_MS) end
tell({ uid }, gone)
return uid
`,
);
