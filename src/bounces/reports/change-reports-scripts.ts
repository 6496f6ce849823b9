/** The steps by which people change their reports. Each takes at most `STEP_REPORTS_MAX` uids. */
import { MailboxStep } from './mailbox-step.js';
import { FLAG_BYTES_MAX } from './report-mailbox.js';

/**
 * ARGV: 4 `add`, `remove` or `replace`, 5 number of flags, then the flags, then the uids.
 * Returns the uids whose flags are others now, and those that would have too many.
 */
export const changeFlagsScript = new MailboxStep<[changed: string[], refused: string[]]>(
  'change flags',
  `
local how, given, wanted = ARGV[4], tonumber(ARGV[5]), {}
for i = 6, 5 + given do wanted[string.lower(ARGV[i])] = true end

local function changedFlags(flags)
  local kept, has, differs = {}, {}, false
  for flag in string.gmatch(flags, '%S+') do
    local name = string.lower(flag)
    if how == 'add' or (how == 'replace') == (wanted[name] or false) then
      kept[#kept + 1], has[name] = flag, true
    else
      differs = true
    end
  end
  for i = 6, how == 'remove' and 0 or 5 + given do
    local name = string.lower(ARGV[i])
    if not has[name] then
      kept[#kept + 1], has[name], differs = ARGV[i], true, true
    end
  end
  return differs and table.concat(kept, ' ')
end

-- Most reports have one of a few sets of flags.
local known, changed, refused = {}, {}, {}
local parts = '^(' .. string.rep('%S* ', 8) .. ')(.*)$'
for i = 6 + given, #ARGV do
  local record = recordOf(ARGV[i])
  if record then
    local head, flags = string.match(record, parts)
    if known[flags] == nil then known[flags] = changedFlags(flags) end
    local becomes = known[flags]
    if becomes and #becomes > math.max(#flags, ${String(FLAG_BYTES_MAX)}) then
      refused[#refused + 1] = ARGV[i]
    elseif becomes then
      -- First the new one: a set that is empty for a moment forgets when it expires.
      redis.call('ZADD', LISTED, ARGV[i], head .. becomes)
      redis.call('ZREM', LISTED, record)
      changed[#changed + 1] = ARGV[i]
    end
  end
end
if #changed > 0 then tell(changed, {}) end
return { changed, refused }
`,
);

/** ARGV: 4 the flag that one must have, or empty, 5 and on uids. Returns those that went. */
export const removeReportsScript = new MailboxStep<string[]>(
  'remove reports',
  `
local flagsLast = '^' .. string.rep('%S* ', 8) .. '(.*)$'
local gone = {}
for i = 5, #ARGV do
  local record = recordOf(ARGV[i])
  local flags = string.match(record or '', flagsLast)
  if flags and (ARGV[4] == '' or string.find(' ' .. flags .. ' ', ' ' .. ARGV[4] .. ' ', 1, true)) then
    gone[#gone + 1] = drop(record)
  end
end
if #gone > 0 then tell({}, gone) end
return gone
`,
);

/**
 * ARGV: 4 bytes of contents after which it stops, 5 folders of what is archived, then uids.
 * Returns how many of the uids it looked at, then old and new uid of each report that went.
 */
export const archiveReportsScript = new MailboxStep<(string | number)[]>(
  'archive reports',
  `
local seen, bytes, moved, old, new = 0, 0, {}, {}, {}
for i = 6, #ARGV do
  local record = recordOf(ARGV[i])
  local facts, place, flags = string.match(record or '', '^%d+ (' .. string.rep('%S* ', 6) .. ')(%S*) (.*)$')
  local content = place == '' and redis.call('HGET', CONTENTS, ARGV[i])
  if content then
    local uid = redis.call('HINCRBY', MAILBOX, 'n', 1)
    bytes = bytes + #content
    -- First the new ones: what is empty for a moment forgets when it expires.
    redis.call('ZADD', LISTED, uid, uid .. ' ' .. facts .. 'a ' .. flags)
    redis.call('HSET', CONTENTS, uid, content)
    redis.call('HINCRBY', MAILBOX, 'b', #content)
    if redis.call('ZSCORE', STRAYS, ARGV[i]) then
      redis.call('ZADD', STRAYS, uid, uid)
      redis.call('HINCRBY', MAILBOX, 's', #content)
    end
    enter(uid, ARGV[5])
    old[#old + 1], new[#new + 1] = drop(record), uid
    moved[#moved + 1], moved[#moved + 2] = ARGV[i], uid
  end
  seen = seen + 1
  if bytes >= tonumber(ARGV[4]) then break end
end
if #old > 0 then tell(new, old) end
return { seen, unpack(moved) }
`,
);

/** ARGV: 4 folder. Returns the last uid that was shown as recent until now. */
export const claimRecentScript = new MailboxStep<number>(
  'claim recent',
  `
local last, claimed = lastUid(ARGV[4]), amount('r:' .. ARGV[4])
if last > claimed then
  -- Begins with a command that a full Redis takes: to look at reports must always be possible.
  redis.call('HDEL', MAILBOX, 'r:' .. ARGV[4])
  redis.call('HSET', MAILBOX, 'r:' .. ARGV[4], last)
  tell({}, {})
end
return claimed
`,
);

/** ARGV: 4 folder, 5 '1' or '0'. */
export const subscribeFolderScript = new MailboxStep<number>(
  'subscribe folder',
  `
local field = 'off:' .. ARGV[4]
local differs = ARGV[5] == '1' and redis.call('HDEL', MAILBOX, field) or redis.call('HSETNX', MAILBOX, field, 1)
if differs == 1 then tell({}, {}) end
return differs
`,
);
