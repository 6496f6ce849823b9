/** The step that writes a message; its jobs are added in the same MULTI. */
import { LuaScript } from '../store/lua-script.js';

/**
 * KEYS: 1 message, 2 body, 3 open, 4 ledger.
 * ARGV: 1 message id, 2 the record as JSON, 3 the body, 4 when it expires, 5 ledger field, 6 number of recipients.
 * Repeating it changes nothing.
 */
export const acceptScript = new LuaScript<null>(
  'accept',
  4,
  `
if redis.call('HSETNX', KEYS[1], 'v', ARGV[2]) == 0 then return false end
redis.call('HSET', KEYS[1], 'w', ARGV[6])
redis.call('SET', KEYS[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('HINCRBY', KEYS[4], ARGV[5], ARGV[6])
return false
`,
);
