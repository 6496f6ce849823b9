/** The one step that settles recipients: BullMQ's lock is the lease, and its guard stands in the statement that writes. */
import { LuaScript, type ScriptArgument } from '../store/lua-script.js';
import { CLOSE_MESSAGE_LUA } from './close-message-lua.js';
import { isFollowedUp, OUTCOMES_MAX } from './outcomes.js';
import type { Settlement } from './spool.js';

/** A body outlives its last recipient for so long at most where a report is to come of it, which shows its header. */
const BODY_FOR_REPORT_MS = 600_000;

/**
 * KEYS: 1 message, 2 body, 3 events, 4 open, 5 closed, 6 ledger, 7 the job's lock, 8 outcomes, 9 the Message-ID that a
 * smarthost took; the message's own where there is none.
 * ARGV: 1 lease token ('' for nobody), 2 message id, 3 stream, 4 transaction, 5 attempts of the transaction before this
 * one ('' where none was made), 6 ms to keep the history, 7 ms to keep the body, 8 histories to keep, 9 key prefix of
 * the shard, 10 ids below this are past their retention, 11 ms to keep the Message-ID ('' for none), 12 entries that the
 * outcomes may hold, then for each result: its state, the number of its recipients, their positions, how it is followed up ('' not, 'o' as an outcome, 'd' as an outcome
 * that is told once of a transaction), and its event.
 * Returns {-1} where another holds the lease, {-2} where the message is gone, else {0, settled now, still waiting}.
 */
export const settleScript = new LuaScript<[number, number?, number?]>(
  'settle',
  9,
  `${CLOSE_MESSAGE_LUA}
local owner = redis.call('GET', KEYS[7])
if owner and owner ~= ARGV[1] then return {-1} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {-2} end

-- Redis may run a call twice whose reply was lost: a deferral is then known by its attempt, which has been counted.
local counted = tonumber(redis.call('HGET', KEYS[1], 'n' .. ARGV[4]) or '0')
local repeated = ARGV[5] ~= '' and tonumber(ARGV[5]) ~= counted
local delayTold
if ARGV[11] ~= '' then redis.call('SET', KEYS[9], ARGV[2] .. '.' .. ARGV[4], 'PX', ARGV[11]) end
local settled = 0
local anyNews = false
local at = 13
while ARGV[at] do
  local state, count = ARGV[at], tonumber(ARGV[at + 1])
  local follow, event = ARGV[at + 2 + count], ARGV[at + 3 + count]
  local deferral = state == 'deferred'
  -- As it was before this call: it may tell of several that are late.
  if follow == 'd' and delayTold == nil then delayTold = redis.call('HEXISTS', KEYS[1], 'd' .. ARGV[4]) == 1 end
  local news = false
  for i = at + 2, at + 1 + count do
    local field = 's' .. ARGV[i]
    local before = redis.call('HGET', KEYS[1], field)
    -- Settled once is settled for ever; a repeated call changes nothing.
    if (not before or before == 'deferred') and not (deferral and repeated) then
      news = true
      redis.call('HSET', KEYS[1], field, state)
      if not deferral then
        settled = settled + 1
        redis.call('HINCRBY', KEYS[6], ARGV[3] .. ':' .. state, 1)
      end
    end
  end
  if news and not (follow == 'd' and delayTold) then
    anyNews = true
    local number = redis.call('RPUSH', KEYS[3], event)
    if follow ~= '' then
      redis.call('HSET', KEYS[1], 'o' .. string.format('%d', number), 1)
      redis.call('HINCRBY', KEYS[1], 'o', 1)
      redis.call('XADD', KEYS[8], 'MAXLEN', '~', ARGV[12], '*', 'm', ARGV[2], 'n', number, 'e', event)
    end
    if follow == 'd' then redis.call('HSET', KEYS[1], 'd' .. ARGV[4], 1) end
  end
  at = at + 4 + count
end
if anyNews and ARGV[5] ~= '' then redis.call('HINCRBY', KEYS[1], 'n' .. ARGV[4], 1) end
-- Lua writes -0 for nothing settled, which Redis does not take for a number.
if settled == 0 then return {0, 0, tonumber(redis.call('HGET', KEYS[1], 'w'))} end
local waiting = redis.call('HINCRBY', KEYS[1], 'w', -settled)
if waiting > 0 then return {0, settled, waiting} end

-- The last recipient settled closes the message. Reports of it that are not made yet show the header.
local keepBody = ARGV[7]
if tonumber(redis.call('HGET', KEYS[1], 'o') or '0') > 0 then
  keepBody = tostring(math.max(tonumber(keepBody), ${String(BODY_FOR_REPORT_MS)}))
end
closeMessage(KEYS, ARGV[2], {ARGV[6], keepBody, ARGV[8], ARGV[9], ARGV[10]})
return {0, settled, 0}
`,
);

/** The arguments of the script from 12 on. */
export function settleArguments(results: readonly Settlement[]): ScriptArgument[] {
  return [
    OUTCOMES_MAX,
    ...results.flatMap(({ state, recipients, event }) => [
      state,
      recipients.length,
      ...recipients,
      event.type === 'delayed' ? 'd' : isFollowedUp(event) ? 'o' : '',
      JSON.stringify(event),
    ]),
  ];
}
