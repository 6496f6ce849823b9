/** The key that return paths are signed with: made once for a deployment, kept in Redis. */
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { RETURN_PATH_KEY } from '../../store/keyspace.js';
import { ReturnPathSigner } from './return-path.js';

const KEY_OCTETS = 32;

/** Whoever comes first makes the key; all read the same. */
export async function openReturnPathSigner(redis: Redis): Promise<ReturnPathSigner> {
  // Read first: a Redis without room for writes must not keep a worker from starting, which would make room.
  let kept = await redis.get(RETURN_PATH_KEY);
  if (kept === null) {
    await redis.set(RETURN_PATH_KEY, randomBytes(KEY_OCTETS).toString('base64'), 'NX');
    kept = await redis.get(RETURN_PATH_KEY);
  }
  const key = Buffer.from(kept ?? '', 'base64');
  if (key.length !== KEY_OCTETS) throw new Error(`${RETURN_PATH_KEY} in Redis holds no key of 32 octets`);
  return new ReturnPathSigner(key);
}
