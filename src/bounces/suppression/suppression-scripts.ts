/**
 * The steps that change suppressions, each of them one. What the keys hold stands in `suppression-record.ts`. KEYS: 1 the
 * index; all other keys of the account have the same hash tag, and are named from the prefix.
 * ARGV of all: 1 prefix, 2 now (ms), 3 the most addresses that may be held.
 */
import { LuaScript } from '../../store/lua-script.js';

/** What has ended is cleaned away while something else is written, so many at a time. */
const SWEPT_AT_ONCE = 100;
/** So long a repeat of an old refusal is told from a new one: whoever repeats it does so within hours. */
const RESET_KEPT_MS = 3 * 86_400_000;
/** Refusals named in the hold that they led to, so that a repeat is known: twice what an account usually waits for. */
const COUNTED_NAMED_MAX = 10;
/** Removals kept of one address, the newest. */
const REMOVALS_MAX = 10;

const common = `
local P, now, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local function int(n) return string.format('%.0f', n) end
local function list(key)
  local text = redis.call('GET', key)
  if text then return cjson.decode(text) end
  return {}
end

local function sweep(name)
  local ended = redis.call('ZRANGEBYSCORE', P .. ':' .. name .. 'ends', '-inf', int(now), 'LIMIT', 0, ${SWEPT_AT_ONCE})
  for _, address in ipairs(ended) do
    redis.call('ZREM', P .. ':' .. name .. 'ends', address)
    redis.call('ZREM', P .. ':' .. name .. 'index', address)
  end
  if name == '' then redis.call('ZREMRANGEBYSCORE', P .. ':soft', '-inf', int(now)) end
end

local function forget(address)
  redis.call('DEL', P .. ':a:' .. address)
  for _, name in ipairs({'index', 'ends', 'soft'}) do redis.call('ZREM', P .. ':' .. name, address) end
end

local function live(address)
  local holds = {}
  for _, hold in ipairs(list(P .. ':a:' .. address)) do
    if not hold.u or hold.u > now then holds[#holds + 1] = hold end
  end
  return holds
end

-- Writes what holds an address now; nothing is a list of none.
local function keep(address, holds)
  if #holds == 0 then return forget(address) end
  local ends, soft = 0, nil
  for _, hold in ipairs(holds) do
    local till = hold.u or math.huge
    if till > ends then ends = till end
    if hold.f and not hold.l and (not soft or till > soft) then soft = till end
  end
  local score = ends == math.huge and '+inf' or int(ends)
  if ends == math.huge then redis.call('SET', P .. ':a:' .. address, cjson.encode(holds))
  else redis.call('SET', P .. ':a:' .. address, cjson.encode(holds), 'PX', int(ends - now)) end
  redis.call('ZADD', P .. ':index', 0, address)
  redis.call('ZADD', P .. ':ends', score, address)
  if soft then redis.call('ZADD', P .. ':soft', soft == math.huge and '+inf' or int(soft), address)
  else redis.call('ZREM', P .. ':soft', address) end
end

-- Whether there is room for one more, and whose place it takes: who would be let go next, where that is before it.
local function room(address, till)
  if redis.call('ZSCORE', P .. ':ends', address) or redis.call('ZCARD', P .. ':ends') < most then return true end
  local next = redis.call('ZRANGE', P .. ':ends', 0, 0, 'WITHSCORES')
  if next[2] == 'inf' or tonumber(next[2]) >= till then return false end
  forget(next[1])
  return true
end

local function union(some, more)
  local seen, all = {}, {}
  for _, each in ipairs({some, more}) do
    for _, one in ipairs(each) do
      if not seen[one] then all[#all + 1] = one end
      seen[one] = true
    end
  end
  return all
end

-- Adds a hold, or makes the one for the same reason as wide and as long as both, never narrower. 0: nothing new, 1: added,
-- 2: no room.
local function hold(address, new, tell)
  if new.u and new.u <= now then return 0 end
  if not room(address, new.u or math.huge) then return 2 end
  local holds = live(address)
  for _, known in ipairs(holds) do
    if known.r == new.r then
      if new.k and known.k == new.k then return 0 end
      if known.u and new.u then known.u = math.max(known.u, new.u) else known.u = nil end
      if known.t and new.t then known.t = union(known.t, new.t) else known.t = nil end
      known.l, known.c = known.l or new.l, new.c or known.c
      if tell then tell(known, new)
      elseif new.a >= known.a then
        known.a, known.b, known.m, known.k, known.w = new.a, new.b, new.m, new.k, new.w
      end
      keep(address, holds)
      return 0
    end
  end
  holds[#holds + 1] = new
  keep(address, holds)
  return 1
end

local function uncount(address)
  redis.call('DEL', P .. ':n:' .. address)
  redis.call('ZREM', P .. ':counted', address)
end
`;

/**
 * A refusal or complaint. ARGV: 4 the most addresses that may be counted, 5 address, 6 key and 7 time of the occurrence, 8 the
 * message, 9 the hold it leads to (JSON), 10 counter or empty, 11 after how many, 12 within (ms), 13 `L` where it came late, or
 * empty.
 * Returns {0 nothing new, 1 suppressed, 2 no room; the record of the address, or false}.
 */
export const recordScript = new LuaScript<[number, string | null]>(
  'record',
  1,
  `${common}
local address, key, at, message, counter = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[10]
local new = cjson.decode(ARGV[9])
local function answer(what) return {what, redis.call('GET', P .. ':a:' .. address)} end

-- What was known when somebody let the address go, or when mail arrived, is old news.
for _, removal in ipairs(list(P .. ':g:' .. address)) do
  if at <= removal.at then return answer(0) end
  for _, was in ipairs(removal.was) do if was.k == key then return answer(0) end end
end
sweep('')

-- A bypass that was refused in its turn is spent, whoever comes in its message's place.
local holds, spent = live(address), false
for _, known in ipairs(holds) do
  if known.x == message and known.y then known.y, spent = nil, true end
end
if spent then keep(address, holds) end

if counter ~= '' then
  local after, within = tonumber(ARGV[11]), tonumber(ARGV[12])
  local reset = tonumber(redis.call('GET', P .. ':r:' .. address) or '0')
  if (at < reset and ARGV[13] == '') or at + within <= now then return answer(0) end
  local mark = counter .. ':' .. message
  for _, known in ipairs(live(address)) do
    if known.k == key then return answer(0) end
    for _, counted in ipairs(known.c or {}) do if counted == mark then return answer(0) end end
  end
  local counts = P .. ':n:' .. address
  redis.call('HSETNX', counts, mark, int(at) .. ARGV[13])
  local all, mine, number = redis.call('HGETALL', counts), {}, 0
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, #counter + 1) == counter .. ':' then
      if tonumber(string.match(all[i + 1], '%d+')) + within <= now then redis.call('HDEL', counts, all[i])
      else
        mine[#mine + 1] = all[i]
        number = number + 1
        if string.sub(all[i + 1], -1) == 'L' then new.l = 1 end
      end
    end
  end
  if number < after then
    -- The longest of the windows; each counter forgets by its own.
    local kept = math.max(tonumber(redis.call('PTTL', counts)), at + within - now)
    redis.call('PEXPIRE', counts, int(kept))
    redis.call('ZREMRANGEBYSCORE', P .. ':counted', '-inf', int(now))
    redis.call('ZADD', P .. ':counted', int(now + kept), address)
    if redis.call('ZCARD', P .. ':counted') > tonumber(ARGV[4]) then
      uncount(redis.call('ZRANGE', P .. ':counted', 0, 0)[1])
    end
    return answer(0)
  end
  redis.call('HDEL', counts, unpack(mine))
  new.c = {unpack(mine, 1, math.min(#mine, ${COUNTED_NAMED_MAX}))}
  if redis.call('EXISTS', counts) == 0 then uncount(address) end
end
return answer(hold(address, new))
`,
);

/**
 * By hand. ARGV: from 4 on, for each: address, hold (JSON), `B` where the hand gave the words itself or empty. All or none.
 * Returns for each 0 known before, 1 added; none: no room.
 */
export const addScript = new LuaScript<number[]>(
  'add suppressions',
  1,
  `${common}
sweep('')
local new, seen = 0, {}
for i = 4, #ARGV, 3 do
  if not seen[ARGV[i]] and not redis.call('ZSCORE', P .. ':ends', ARGV[i]) then new = new + 1 end
  seen[ARGV[i]] = true
end
if redis.call('ZCARD', P .. ':ends') + new > most then return {} end
local answers = {}
-- What a server said of the address, and of which message, stays: a hand replaces words only by words of its own.
local function reword(known, new) known.b, known.w = new.b, new.w end
local function leave() end
for i = 4, #ARGV, 3 do
  answers[#answers + 1] = hold(ARGV[i], cjson.decode(ARGV[i + 1]), ARGV[i + 2] == 'B' and reword or leave)
end
return answers
`,
);

/** Mail arrived. ARGV: 4 and so on: addresses. Returns how many suppressions it lifted. */
export const deliveredScript = new LuaScript<number>(
  'delivered',
  1,
  `${common}
local lifted = 0
for i = 4, #ARGV do
  local address = ARGV[i]
  local counted = redis.call('ZSCORE', P .. ':counted', address)
  local soft = redis.call('ZSCORE', P .. ':soft', address)
  if counted or soft then redis.call('SET', P .. ':r:' .. address, int(now), 'PX', ${RESET_KEPT_MS}) end
  if counted then
    local counts = P .. ':n:' .. address
    local all = redis.call('HGETALL', counts)
    for j = 1, #all, 2 do
      if string.sub(all[j + 1], -1) ~= 'L' then redis.call('HDEL', counts, all[j]) end
    end
    if redis.call('EXISTS', counts) == 0 then uncount(address) end
  end
  if soft then
    local holds = {}
    for _, known in ipairs(live(address)) do if not known.f or known.l then holds[#holds + 1] = known else lifted = lifted + 1 end end
    keep(address, holds)
  end
end
return lifted
`,
);

/**
 * ARGV: 4 address, 5 message, 6 its supersede key or empty. Returns 1 where critical mail of that message may go out, 0 where
 * not.
 */
export const bypassScript = new LuaScript<number>(
  'take bypass',
  1,
  `${common}
local address, message, place = ARGV[4], ARGV[5], ARGV[6]
local holds, passed = live(address), 0
for _, known in ipairs(holds) do
  local concerned = not known.t
  for _, stream in ipairs(known.t or {}) do if stream == 'critical' then concerned = true end end
  if concerned then
    if not known.f or (known.x and known.x ~= message and (place == '' or known.y ~= place)) then return 0 end
    known.x, known.y = message, place ~= '' and place or nil
    passed = passed + 1
  end
end
if passed > 0 then keep(address, holds) end
return 1
`,
);

/**
 * By hand. ARGV: 4 address, 5 the removal without what was there (JSON), 6 how long it is kept (ms).
 * Returns the record as it was, or false where nothing held the address.
 */
export const removeScript = new LuaScript<string | null>(
  'remove suppression',
  1,
  `${common}
local address, removal, kept = ARGV[4], cjson.decode(ARGV[5]), tonumber(ARGV[6])
local holds = live(address)
if #holds == 0 then return false end
removal.was = holds
forget(address)
uncount(address)
sweep('gone-')
local removals = {removal}
for _, older in ipairs(list(P .. ':g:' .. address)) do
  if #removals < ${REMOVALS_MAX} and older.at + kept > now then removals[#removals + 1] = older end
end
redis.call('SET', P .. ':g:' .. address, cjson.encode(removals), 'PX', int(kept))
redis.call('ZADD', P .. ':gone-index', 0, address)
redis.call('ZADD', P .. ':gone-ends', int(now + kept), address)
-- As many are kept as may be held: the oldest go.
if redis.call('ZCARD', P .. ':gone-index') > most then
  local oldest = redis.call('ZRANGE', P .. ':gone-ends', 0, 0)[1]
  redis.call('DEL', P .. ':g:' .. oldest)
  redis.call('ZREM', P .. ':gone-ends', oldest)
  redis.call('ZREM', P .. ':gone-index', oldest)
end
return cjson.encode(holds)
`,
);
