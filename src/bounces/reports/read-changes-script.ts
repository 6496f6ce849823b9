/** What happened in a mailbox since a version, in one round trip. It writes nothing. */
import { MailboxStep } from './mailbox-step.js';

/** Above it reading everything is as fast, and keeps nobody waiting in Redis. */
const REPORTS_MAX = 2_000;

/**
 * ARGV: 4 the version since which. Returns 0 where everything has to be read anew; else the mailbox's fields and values,
 * the records that are new or have other flags, and the uids that are gone.
 */
export const readChangesScript = new MailboxStep<0 | [mailbox: string[], records: string[], gone: string[]]>(
  'read changes',
  `
local since, version = tonumber(ARGV[4]), amount('c')
local records, gone, seen, left = {}, {}, {}, ${String(REPORTS_MAX)}
if version ~= since then
  local log = redis.call('XRANGE', CHANGES, string.format('%.0f-0', since + 1), '+')
  -- Each change is one entry. A version that went back, of a Redis that lost some, has less than none.
  if #log ~= version - since then return 0 end
  for _, entry in ipairs(log) do
    for uid in string.gmatch(entry[2][2], '%d+') do
      left = left - 1
      if left < 0 then return 0 end
      if not seen[uid] then
        seen[uid] = true
        records[#records + 1] = recordOf(uid)
      end
    end
    for uid in string.gmatch(entry[2][4], '%d+') do
      left = left - 1
      if left < 0 then return 0 end
      gone[#gone + 1] = uid
    end
  end
end
return { redis.call('HGETALL', MAILBOX), records, gone }
`,
);
