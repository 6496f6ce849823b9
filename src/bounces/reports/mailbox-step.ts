/**
 * What the steps that change an account's reports have in common: the same keys, a look at what an earlier version left, one
 * way to drop a report, and one to tell of a change.
 */
import type { Redis } from 'ioredis';
import { REPORTS_CHANNEL, reportKeys } from '../../store/keyspace.js';
import { LuaScript, type ScriptArgument } from '../../store/lua-script.js';
import { REPORT_FOLDERS } from './report-folders.js';

/** Changes that are kept for those who hear of them: who comes later reads everything anew. */
const CHANGES_KEPT = 500;
/** Reports that one step changes at most, so that others wait for a few milliseconds only. */
export const STEP_REPORTS_MAX = 500;

const KEYS = Object.keys(reportKeys('')).length;

/** Returned instead of anything else. */
const OLDER_LIST = -1;
const OTHER_MAILBOX = -2;

/** ARGV of each: 1 account, 2 ms to keep reports, 3 its UIDVALIDITY, empty where any will do. What follows is the step's own. */
const COMMON = `
local MAILBOX, LISTED, CONTENTS, OCCURRENCES, STRAYS, CHANGES, OLDER = unpack(KEYS)
local ACCOUNT, KEEP_MS, VALIDITY = unpack(ARGV, 1, 3)
if redis.call('EXISTS', OLDER) == 1 then return ${String(OLDER_LIST)} end
-- The account was removed meanwhile, and perhaps made anew: these uids are not its own.
if VALIDITY ~= '' and redis.call('HGET', MAILBOX, 'v') ~= VALIDITY then return ${String(OTHER_MAILBOX)} end

local function amount(field) return tonumber(redis.call('HGET', MAILBOX, field) or 0) end
local function recordOf(uid) return redis.call('ZRANGEBYSCORE', LISTED, uid, uid)[1] end

-- Begins with a command that a full Redis takes, so that what frees memory can always be done.
local function drop(record)
  local uid, stored = string.match(record, '^(%d+) %S* (%d+)')
  redis.call('ZREM', LISTED, record)
  redis.call('HDEL', CONTENTS, uid)
  redis.call('HINCRBY', MAILBOX, 'b', -stored)
  if redis.call('ZREM', STRAYS, uid) == 1 then redis.call('HINCRBY', MAILBOX, 's', -stored) end
  return uid
end

-- The last uid of a folder. Before there were folders nobody was told one, so any that was given will do.
local function lastUid(folder) return tonumber(redis.call('HGET', MAILBOX, 'u:' .. folder)) or amount('n') end
local function enter(uid, folders)
  if redis.call('HEXISTS', MAILBOX, 'u:INBOX') == 0 then
    for folder in string.gmatch('${REPORT_FOLDERS.map(({ name }) => name).join(' ')}', '%S+') do
      redis.call('HSET', MAILBOX, 'u:' .. folder, uid - 1)
    end
  end
  for folder in string.gmatch(folders, '%S+') do redis.call('HSET', MAILBOX, 'u:' .. folder, uid) end
end

local function tell(changed, gone)
  local version = redis.call('HINCRBY', MAILBOX, 'c', 1)
  redis.call('XADD', CHANGES, 'MAXLEN', ${String(CHANGES_KEPT)}, version .. '-0',
    'u', table.concat(changed, ','), 'x', table.concat(gone, ','))
  redis.call('PEXPIRE', CHANGES, KEEP_MS)
  -- Where it is not permitted, they look for themselves.
  redis.pcall('PUBLISH', '${REPORTS_CHANNEL}', version .. ' ' .. ACCOUNT)
end
`;

/** ARGV: 1 ms to keep. Moves a part of the list that an earlier version wrote. Returns 1 while there is more. */
const MOVE_OLDER_LIST = new LuaScript<number>(
  'move older list',
  KEYS,
  `
local MAILBOX, LISTED, OLDER = KEYS[1], KEYS[2], KEYS[7]
for _, entry in ipairs(redis.call('XRANGE', OLDER, '-', '+', 'COUNT', ${String(STEP_REPORTS_MAX)})) do
  local uid, field = string.match(entry[1], '^%d+'), {}
  for i = 1, #entry[2], 2 do field[entry[2][i]] = entry[2][i + 1] end
  redis.call('ZADD', LISTED, uid, table.concat(
    { uid, field.at, field.stored, field.octets, field.kind, field.category, field.message, '', '' }, ' '))
  redis.call('XDEL', OLDER, entry[1])
end
redis.call('PEXPIRE', LISTED, ARGV[1])
-- A change that the log does not have: who knows the mailbox reads it anew.
redis.call('HINCRBY', MAILBOX, 'c', 1)
if redis.call('XLEN', OLDER) > 0 then return 1 end
redis.call('UNLINK', OLDER)
return 0
`,
);

export class MailboxStep<Result> {
  private readonly script: LuaScript<Result | number>;

  /** `text` follows what all have in common, and returns no negative number. */
  constructor(name: string, text: string) {
    this.script = new LuaScript(name, KEYS, COMMON + text);
  }

  /** @returns undefined where the mailbox is another one by now */
  async run(
    redis: Redis,
    on: { readonly account: string; readonly uidValidity?: number; readonly retentionMs: number },
    args: readonly ScriptArgument[],
  ): Promise<Result | undefined> {
    const keys = Object.values<string>({ ...reportKeys(on.account) });
    for (;;) {
      const result = await this.script.run(redis, keys, [on.account, on.retentionMs, on.uidValidity ?? '', ...args]);
      if (result === OTHER_MAILBOX) return undefined;
      if (result !== OLDER_LIST) return result as Result;
      await moveOlderList(redis, on.account, on.retentionMs);
    }
  }
}

export async function moveOlderList(redis: Redis, account: string, retentionMs: number): Promise<void> {
  const keys = Object.values<string>({ ...reportKeys(account) });
  while ((await MOVE_OLDER_LIST.run(redis, keys, [retentionMs])) === 1);
}
