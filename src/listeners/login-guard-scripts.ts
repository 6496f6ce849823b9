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

/** Of KEYS, the subjects begin here: 1 the places of the user, 2 the place, 3 the user, 4 to 6 the networks. */
const WAIT = `
local SHORT, LONG = ${SHORT_WINDOW_MS}, ${LONG_WINDOW_MS}
local now = tonumber(ARGV[1])
local function limits(i) return tonumber(ARGV[2 + 2 * i - 1]), tonumber(ARGV[2 + 2 * i]) end
-- i: 1 the place, 2 the user, 3 to 5 the networks. Milliseconds until the subject may try again.
local function wait(i)
  local short, long = limits(i)
  if short == 0 then return 0 end
  local f = redis.call('HMGET', KEYS[i + 1], 's', 'S', 'l', 'L')
  local result = 0
  if f[1] and tonumber(f[1]) >= short then result = math.max(result, tonumber(f[2]) + SHORT - now) end
  if f[3] and tonumber(f[3]) >= long then result = math.max(result, tonumber(f[4]) + LONG - now) end
  return result
end
local function waitOfAll(from, to)
  local result = 0
  for i = from, to do result = math.max(result, wait(i)) end
  return result
end
`;

/**
 * ARGV: now, network, limits of the five subjects (short, long; 0 0 where there is none), milliseconds for which a place
 * is known, the same after which its last success is written anew. Returns { place: 0 unknown, 1 known, 2 known and just
 * written; failures of the place; milliseconds to wait }.
 */
export const CHECK = new LuaScript<[number, number, number]>(
  'login-check',
  6,
  `${WAIT}
local seen = redis.call('ZSCORE', KEYS[1], ARGV[2])
if seen and now - seen < tonumber(ARGV[13]) then
  local failures = tonumber(redis.call('HGET', KEYS[2], 'r') or 0)
  return { now - seen < tonumber(ARGV[14]) and 2 or 1, failures, wait(1) }
end
return { 0, 0, waitOfAll(2, 5) }`,
);

/**
 * ARGV: as above up to the limits, then 1 where the place is known, and a digest of what was tried. Returns
 * { failures that the delay goes by, milliseconds to wait as of before this failure }.
 */
export const FAIL = new LuaScript<[number, number]>(
  'login-fail',
  6,
  `${WAIT}
local from, to = 2, 5
if ARGV[13] == '1' then from, to = 1, 1 end
local waiting = waitOfAll(from, to)
local slot, digest, failures = 'p' .. (tonumber(string.sub(ARGV[14], 1, 1), 16) % 8), ARGV[14], 0
-- Whoever tries the same again learns nothing: a forgotten cron job is not counted as a guess, only delayed.
local narrow = KEYS[to == 1 and 2 or 4]
local repeated = redis.call('HGET', narrow, slot) == digest and digest ~= '0'
for i = from, to do
  local key = KEYS[i + 1]
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
    if i <= 3 then failures = math.max(failures, r) end
    redis.call('PEXPIRE', key, LONG)
  end
end
if digest ~= '0' then redis.call('HSET', narrow, slot, digest) end
return { failures, waiting }`,
);

/**
 * A success: the place is known from now on. KEYS: the places of the user, the place, whether anybody is known in this
 * network. ARGV: now, network, milliseconds for which it is known, places of a user at most.
 */
export const SUCCEED = new LuaScript<null>(
  'login-succeed',
  3,
  `
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1] - ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[3], 1, 'PX', ARGV[3])
return nil`,
);

/**
 * What is known of a network before it has said anything. KEYS: whether anybody is known in it, its misconduct, and
 * the three networks. ARGV: now, limits as above of the three. Returns { known, misconduct, failures, wait }.
 */
export const RECORD = new LuaScript<[number, number, number, number]>(
  'login-record',
  5,
  `
local now, result, failures = tonumber(ARGV[1]), 0, 0
for i = 1, 3 do
  local short, long = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if short > 0 then
    local f = redis.call('HMGET', KEYS[i + 2], 's', 'S', 'l', 'L', 'r')
    if f[1] and tonumber(f[1]) >= short then result = math.max(result, f[2] + ${SHORT_WINDOW_MS} - now) end
    if f[3] and tonumber(f[3]) >= long then result = math.max(result, f[4] + ${LONG_WINDOW_MS} - now) end
    if i == 1 and f[2] and now - f[2] < ${SHORT_WINDOW_MS} then failures = tonumber(f[5] or 0) end
  end
end
return { redis.call('EXISTS', KEYS[1]), redis.call('EXISTS', KEYS[2]), failures, result }`,
);
