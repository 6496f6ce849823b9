/** What becomes of a message when its last recipient is settled: part of every script that may settle it. */

/**
 * A Lua function. `keys` are message, body, events, open, closed; `keep` is ms to keep the history and the body, how many
 * histories to keep, the key prefix of the shard, and the id below which ids are past their retention.
 */
export const CLOSE_MESSAGE_LUA = `
local function closeMessage(keys, id, keep)
  redis.call('ZREM', keys[4], id)
  if keep[2] == '0' then redis.call('UNLINK', keys[2]) else redis.call('PEXPIRE', keys[2], keep[2]) end
  if keep[1] == '0' then return redis.call('UNLINK', keys[1], keys[3]) end
  redis.call('PEXPIRE', keys[1], keep[1])
  redis.call('PEXPIRE', keys[3], keep[1])
  local length = redis.call('RPUSH', keys[5], id)
  -- Histories are shed oldest first; a few a call, so that no call is long.
  for _ = 1, 4 do
    local oldest = redis.call('LINDEX', keys[5], 0)
    if not oldest or (length <= tonumber(keep[3]) and oldest >= keep[5]) then break end
    redis.call('LPOP', keys[5])
    redis.call('UNLINK', keep[4] .. ':m:' .. oldest, keep[4] .. ':b:' .. oldest, keep[4] .. ':e:' .. oldest)
    length = length - 1
  end
end
`;
