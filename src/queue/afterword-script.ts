/** The step that writes what is heard of a message after its recipients were settled. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Stream } from '../mail/stream.js';
import { messageKeys, SHARD, shardKeys } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { isFollowedUp, OUTCOMES_MAX } from './outcomes.js';
import type { Afterword } from './spool.js';

/**
 * Afterwords that one message may have, and so many more as it has recipients: whoever knows its return path could else fill
 * its history without end.
 */
const AFTERWORDS_MAX = 50;

/** Characters of base64: 96 bits of the digest of a key. */
const KEY_CHARACTERS = 16;

/**
 * KEYS: 1 message, 2 events, 3 ledger, 4 outcomes.
 * ARGV: 1 message id, 2 stream, 3 field that marks the afterword as written, 4 the event, 5 '1' where it is followed up,
 * 6 entries that the outcomes may hold, 7 afterwords that the message may have, 8 state that `delivered` becomes ('' for
 * none), then the recipients it becomes that for.
 * Returns -2 where the message is gone, 0 where it was written before or there are too many, else 1.
 */
const afterwordScript = new LuaScript<number>(
  'afterword',
  4,
  `
if redis.call('EXISTS', KEYS[1]) == 0 then return -2 end
if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 1 then return 0 end
if redis.call('HINCRBY', KEYS[1], 'a', 1) > tonumber(ARGV[7]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], 1)
if ARGV[8] ~= '' then
  for i = 9, #ARGV do
    if redis.call('HGET', KEYS[1], 's' .. ARGV[i]) == 'delivered' then
      redis.call('HSET', KEYS[1], 's' .. ARGV[i], ARGV[8])
      redis.call('HINCRBY', KEYS[3], ARGV[2] .. ':delivered', -1)
      redis.call('HINCRBY', KEYS[3], ARGV[2] .. ':' .. ARGV[8], 1)
    end
  end
end
local number = redis.call('RPUSH', KEYS[2], ARGV[4])
-- The history of a closed message has an end; a list that is new would have none.
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
if ARGV[5] == '1' then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'm', ARGV[1], 'n', number, 'e', ARGV[4])
end
return 1
`,
);

export async function writeAfterword(
  redis: Redis,
  message: { readonly id: string; readonly stream: Stream; readonly recipients: readonly string[] },
  { key, event }: Afterword,
): Promise<'written' | 'repeated' | 'gone'> {
  const keys = messageKeys(SHARD, message.id);
  const { ledger, outcomes } = shardKeys(SHARD);
  const mark = `a${createHash('sha256').update(key).digest('base64url').slice(0, KEY_CHARACTERS)}`;
  const answer = await afterwordScript.run(
    redis,
    [keys.message, keys.events, ledger, outcomes],
    [
      message.id,
      message.stream,
      mark,
      JSON.stringify(event),
      isFollowedUp(event) ? '1' : '',
      OUTCOMES_MAX,
      AFTERWORDS_MAX + message.recipients.length,
      event.type === 'bounced' ? event.type : '',
      ...event.recipients,
    ],
  );
  if (answer === -2) return 'gone';
  return answer === 1 ? 'written' : 'repeated';
}
