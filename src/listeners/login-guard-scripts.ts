/**
 * What the login guard does in Redis, each in one step. A subject (a user name, a network) is a hash: `s` and `l` are
 * the failures of its short and its long window, `S` and `L` when these began, `r` the failures of the short window
 * with those that repeat an earlier one, and `p0` to `p7` what they were, for telling a repetition.
 */
import { LuaScript } from '../store/lua-script.js';

/** A burst: long enough that waiting it out makes guessing hopeless, short enough for a person who mistyped. */
export const SHORT_WINDOW_MS = 10 * 60_000;
/** What a patient attacker fills slowly. */
export const LONG_WINDOW_MS = 24 * 3_600_000;

/** ARGV[1] is now, and then come the limits of each subject in KEYS: short and long, 0 0 where there is no such subject. */
const WAIT = `
local SHORT, LONG = ${SHORT_WINDOW_MS}, ${LONG_WINDOW_MS}
local now = tonumber(ARGV[1])
local function limits(i) return tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1]) end
-- Milliseconds until the subject i may try again.
local function wait(i)
  local short, long = limits(i)
  if short == 0 then return 0 end
  local f = redis.call('HMGET', KEYS[i], 's', 'S', 'l', 'L')
  local result = 0
  if f[1] and tonumber(f[1]) >= short then result = math.max(result, tonumber(f[2]) + SHORT - now) end
  if f[3] and tonumber(f[3]) >= long then result = math.max(result, tonumber(f[4]) + LONG - now) end
  return result
end
`;

/**
 * KEYS: the networks, the narrowest first, and the user. ARGV after the limits: a digest of what was tried. Returns
 * { failures that the delay goes by, milliseconds to wait as of before this failure }.
 */
export const FAIL = new LuaScript<[number, number]>(
  'login-fail',
  4,
  `${WAIT}
local USER, digest = 4, ARGV[10]
local ofNetworks = math.max(wait(1), wait(2), wait(3))
-- A locked network adds nothing to any count: else one that is wide would lock all the slots of the narrow ones.
if ofNetworks > 0 then return { 0, math.max(ofNetworks, wait(USER)) } end
local waiting, failures = wait(USER), 0
local slot = 'p' .. (tonumber(string.sub(digest, 1, 1), 16) % 8)
-- Whoever tries the same again learns nothing: a forgotten cron job is not counted as a guess, only delayed.
local repeated = redis.call('HGET', KEYS[1], slot) == digest
for i = 1, USER do
  local key = KEYS[i]
  if limits(i) > 0 then
    local f = redis.call('HMGET', key, 'S', 'L')
    if f[1] and now - f[1] >= SHORT then
      redis.call('HDEL', key, 's', 'S', 'r', 'p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7')
      f[1] = false
    end
    if f[2] and now - f[2] >= LONG then redis.call('HDEL', key, 'l', 'L') f[2] = false end
    if not f[1] then redis.call('HSET', key, 'S', now) end
    if not f[2] then redis.call('HSET', key, 'L', now) end
    if not repeated then
      redis.call('HINCRBY', key, 's', 1)
      redis.call('HINCRBY', key, 'l', 1)
    end
    local r = redis.call('HINCRBY', key, 'r', 1)
    if i == 1 or i == USER then failures = math.max(failures, r) end
    redis.call('PEXPIRE', key, LONG)
  end
end
redis.call('HSET', KEYS[1], slot, digest)
return { failures, waiting }`,
);

/**
 * Somebody logged in from the network in KEYS. ARGV: milliseconds for which it is known, and which of them must be left
 * for it not to be written anew.
 */
export const SUCCEED = new LuaScript<null>(
  'login-succeed',
  1,
  `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
return nil`,
);

/**
 * What is known of a network before it has said anything. KEYS: the network, whether anybody is known in it, and its
 * misconduct. Returns { known, misconduct, failures, milliseconds to wait }.
 */
export const RECORD = new LuaScript<[number, number, number, number]>(
  'login-record',
  3,
  `${WAIT}
local f, failures = redis.call('HMGET', KEYS[1], 'S', 'r'), 0
if f[1] and now - f[1] < SHORT then failures = tonumber(f[2] or 0) end
return { redis.call('EXISTS', KEYS[2]), redis.call('EXISTS', KEYS[3]), failures, wait(1) }`,
);
