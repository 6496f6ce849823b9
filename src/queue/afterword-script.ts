/** The step that writes what is heard of a message after its recipients were settled. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Stream } from '../mail/stream.js';
import { messageKeys, SHARD, shardKeys } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { isFollowedUp, OUTCOMES_MAX } from './outcomes.js';
import type { Afterword, AfterwordResult, Transaction } from './spool.js';

/**
 * Afterwords that one transaction may have, and so many more as it has recipients: whoever knows its return path could else
 * fill the history of the message without end. Counted for each, so that a recipient silences nobody elsewhere.
 */
const AFTERWORDS_MAX = 50;

/** Characters of base64: 96 bits of the digest of a key. */
const KEY_CHARACTERS = 16;

/**
 * KEYS: 1 message, 2 events, 3 ledger, 4 outcomes.
 * ARGV: 1 message id, 2 stream, 3 field that marks the afterword as written, 4 the event without its recipients, 5 '1' where it
 * is followed up, 6 entries that the outcomes may hold, 7 field that counts those of the transaction, 8 how many it may have,
 * 9 state that `delivered` becomes ('' for none), then the recipients that it is about.
 * Returns -2 where the message is gone, -1 where there are too many, 0 where it was written before or all have that state,
 * else 1.
 */
const afterwordScript = new LuaScript<number>(
  'afterword',
  4,
  `
if redis.call('EXISTS', KEYS[1]) == 0 then return -2 end
if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 1 then return 0 end
local changed = 0
local about = {}
for i = 10, #ARGV do
  local state = ARGV[9] ~= '' and redis.call('HGET', KEYS[1], 's' .. ARGV[i])
  -- Who has bounced before is not told of again, or an old bounce that comes late would undo what was done since.
  if ARGV[9] == '' or state ~= ARGV[9] then about[#about + 1] = ARGV[i] end
  if state == 'delivered' then
    redis.call('HSET', KEYS[1], 's' .. ARGV[i], ARGV[9])
    changed = changed + 1
  end
end
if #about == 0 then return 0 end
-- Once for each recipient, whatever others have sent before: what changes its state is told.
if redis.call('HINCRBY', KEYS[1], ARGV[7], 1) > tonumber(ARGV[8]) and changed == 0 then return -1 end
redis.call('HSET', KEYS[1], ARGV[3], 1)
if changed > 0 then
  redis.call('HINCRBY', KEYS[3], ARGV[2] .. ':delivered', -changed)
  redis.call('HINCRBY', KEYS[3], ARGV[2] .. ':' .. ARGV[9], changed)
end
-- By hand: cjson would write the numbers in it otherwise.
local event = string.sub(ARGV[4], 1, -2) .. ',"recipients":[' .. table.concat(about, ',') .. ']}'
local number = redis.call('RPUSH', KEYS[2], event)
-- The history of a closed message has an end; a list that is new would have none.
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
if ARGV[5] == '1' then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'm', ARGV[1], 'n', number, 'e', event)
end
return 1
`,
);

export async function writeAfterword(
  redis: Redis,
  message: { readonly id: string; readonly stream: Stream; readonly transactions: readonly Transaction[] },
  { key, event }: Afterword,
): Promise<AfterwordResult> {
  const keys = messageKeys(SHARD, message.id);
  const { ledger, outcomes } = shardKeys(SHARD);
  const mark = `a${createHash('sha256').update(key).digest('base64url').slice(0, KEY_CHARACTERS)}`;
  const transaction = message.transactions.findIndex(({ recipients }) =>
    event.recipients.some((position) => recipients.includes(position)),
  );
  const { recipients, ...facts } = event;
  const answer = await afterwordScript.run(
    redis,
    [keys.message, keys.events, ledger, outcomes],
    [
      message.id,
      message.stream,
      mark,
      JSON.stringify(facts),
      isFollowedUp(event) ? '1' : '',
      OUTCOMES_MAX,
      `a${String(transaction)}`,
      AFTERWORDS_MAX + (message.transactions[transaction]?.recipients.length ?? 0),
      event.type === 'bounced' ? event.type : '',
      ...recipients,
    ],
  );
  if (answer === -2) return 'gone';
  if (answer === -1) return 'too-many';
  return answer === 1 ? 'written' : 'repeated';
}
