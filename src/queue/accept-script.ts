/** The steps that write a message; its jobs are added in the same MULTI. Repeating one changes nothing. */
import { LuaScript } from '../store/lua-script.js';
import { CLOSE_MESSAGE_LUA } from './close-message-lua.js';

const WRITE = `
if redis.call('HSETNX', KEYS[1], 'v', ARGV[2]) == 0 then return false end
redis.call('HSET', KEYS[1], 'w', ARGV[6])
redis.call('SET', KEYS[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('HINCRBY', KEYS[4], ARGV[5], ARGV[6])
`;

/**
 * Most mail: no terms.
 *
 * KEYS: 1 message, 2 body, 3 open, 4 ledger.
 * ARGV: 1 message id, 2 the record as JSON, 3 the body, 4 when it expires, 5 ledger field, 6 number of recipients.
 */
export const acceptScript = new LuaScript<null>('accept', 4, `${WRITE}return false`);

const KEEP_ANSWER = `
if ARGV[7] ~= '' then
  redis.call('HDEL', KEYS[8], 't')
  redis.call('HSET', KEYS[8], 'a', ARGV[8])
  redis.call('PEXPIRE', KEYS[8], ARGV[9])
end
`;

const HOLD = `
if ARGV[10] ~= '' then
  redis.call('HSET', KEYS[1], 'h', ARGV[11])
  redis.call('RPUSH', KEYS[5], ARGV[12])
  redis.call('ZADD', KEYS[6], ARGV[14], ARGV[1])
  redis.call('ZADD', KEYS[7], 'NX', ARGV[13], ARGV[10])
end
`;

const SUPERSEDE = `
if ARGV[15] == '' then return false end
local before = redis.call('GET', KEYS[9])
redis.call('SET', KEYS[9], ARGV[1])
redis.call('PEXPIREAT', KEYS[9], ARGV[4])
if not before then return false end
-- The mark is the truth: whoever takes the old message in hand, or finds that it waits, settles it.
local waiting = redis.call('HGET', ARGV[15] .. before, 'w')
if not waiting or tonumber(waiting) <= 0 then return false end
redis.call('HSET', ARGV[15] .. before, 'z', ARGV[1])
return before
`;

const LEASE = `
if ARGV[7] ~= '' and redis.call('EXISTS', KEYS[1]) == 0 and redis.call('HGET', KEYS[8], 't') ~= ARGV[7] then
  return 'lease-lost'
end
`;

const SUPPRESS = `
local left = tonumber(ARGV[6])
local at = 22
while ARGV[at] do
  local count = tonumber(ARGV[at])
  for i = at + 1, at + count do redis.call('HSET', KEYS[1], 's' .. ARGV[i], 'suppressed') end
  redis.call('HINCRBY', KEYS[4], ARGV[16], count)
  left = redis.call('HINCRBY', KEYS[1], 'w', -count)
  redis.call('RPUSH', KEYS[5], ARGV[at + count + 1])
  at = at + count + 2
end
if left == 0 then
  closeMessage({KEYS[1], KEYS[2], KEYS[5], KEYS[3], KEYS[10]}, ARGV[1], {ARGV[17], ARGV[18], ARGV[19], ARGV[20], ARGV[21]})
end
`;

/**
 * A message that is held, comes once by its idempotency key, or comes in another's place.
 *
 * KEYS: as above, then 5 events, 6 the lane, 7 the lanes that hold mail, 8 the idempotency key, 9 the supersede key; the
 * message's own where it has none.
 * ARGV: as above, then 7 token of the idempotency key ('' for none), 8 the answer to keep, 9 for how many ms, 10 name of the
 * lane ('' where it is not held), 11 the holding as JSON, 12 the event that tells of it, 13 when to look at the lane,
 * 14 when it came, 15 prefix of the messages that may be superseded ('' for none).
 * Returns 'lease-lost' where the token is another's: nothing is written; or the id of the message that is superseded.
 */
export const acceptWithTermsScript = new LuaScript<string | null>(
  'accept-with-terms',
  9,
  `${LEASE}${WRITE}${KEEP_ANSWER}${HOLD}${SUPERSEDE}`,
);

/**
 * A message of whose recipients some are suppressed, besides. Where all are, it is closed at once.
 *
 * KEYS: as above, then 10 closed.
 * ARGV: as above, then 16 ledger field of the suppressed, 17 to 21 what is kept after the end as for the script that
 * settles, then for each event: the number of its recipients, their positions, and itself.
 */
export const acceptSuppressedScript = new LuaScript<string | null>(
  'accept-suppressed',
  10,
  `${CLOSE_MESSAGE_LUA}${LEASE}${WRITE}${KEEP_ANSWER}${HOLD}${SUPPRESS}${SUPERSEDE}`,
);
