/**
 * At the start: whether POSTHORN_SECRET_KEY is the one that the private keys in Redis are encrypted with, and their encryption
 * where they are in the clear; Redis is then told to drop what its append-only file holds of them. Changes nothing where the secret is wrong or missing.
 */
import type { Redis } from 'ioredis';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { DkimKeyStore, placesOfKeys } from './dkim-key-store.js';
import { KeyEncryption } from './key-encryption.js';

export type KeyProtection =
  /** `clear`: there is no secret, and nothing is encrypted. */
  | { readonly kind: 'clear' }
  /** `rewrite` is there where keys were in the clear until now: the files of Redis may still hold them so. */
  | { readonly kind: 'encrypted'; readonly rewrite?: LogRewrite }
  | { readonly kind: 'fault'; readonly fault: string };

/** Whether Redis writes its append-only file anew, without what was replaced. `refused`: tried again at the next start. */
export type LogRewrite = { readonly kind: 'started' } | { readonly kind: 'refused'; readonly why: string };

/**
 * Hash: `check` is a known text, sealed, that the right secret opens; `done` says that no key is left in the clear, `rewrite` that
 * the files of Redis may still hold one.
 */
const PROTECTION_KEY = `${ACCOUNTS_PREFIX}:key-protection`;
const CHECKED_TEXT = 'posthorn';
const CHECKED_PLACE = ['key-protection'];

/** Looks through Redis only until all is encrypted, or where something is wrong. Of two starts at once both may do it. */
export async function protectKeys(redis: Redis, secretKey: string | undefined): Promise<KeyProtection> {
  const { check, done, rewrite } = await redis.hgetall(PROTECTION_KEY);
  if (secretKey === undefined && check === undefined) return { kind: 'clear' };
  const encryption = secretKey === undefined ? undefined : new KeyEncryption(secretKey);
  const store = new DkimKeyStore(redis, encryption);
  const isRight = check !== undefined && encryption?.open(check, CHECKED_PLACE) === CHECKED_TEXT;
  if (!isRight) {
    for await (const place of placesOfKeys(redis)) {
      if (await store.isSealedByAnother(place)) return fault(secretKey);
    }
    // What it was the check of is gone, if there ever was any: the secret may be another, or none.
    if (check !== undefined) await redis.del(PROTECTION_KEY);
    if (!encryption) return { kind: 'clear' };
    const own = encryption.seal(CHECKED_TEXT, CHECKED_PLACE);
    // Before the first key is sealed, so that no start without the secret goes on from there.
    if ((await redis.hsetnx(PROTECTION_KEY, 'check', own)) === 0) return protectKeys(redis, secretKey);
  }
  let mustRewrite = rewrite !== undefined;
  if (!isRight || done === undefined) {
    for await (const place of placesOfKeys(redis)) {
      if (!mustRewrite && (await store.hasClearKeys(place))) {
        // Before the first is encrypted, so that a start that breaks off is not the end of it.
        await redis.hset(PROTECTION_KEY, 'rewrite', '1');
        mustRewrite = true;
      }
      await store.move(place);
    }
    await redis.hset(PROTECTION_KEY, 'done', '1');
  }
  return mustRewrite ? { kind: 'encrypted', rewrite: await rewriteLog(redis) } : { kind: 'encrypted' };
}

/** A Redis may refuse: one is running that began before, or its operator forbids the command. */
async function rewriteLog(redis: Redis): Promise<LogRewrite> {
  try {
    await redis.bgrewriteaof();
    await redis.hdel(PROTECTION_KEY, 'rewrite');
    return { kind: 'started' };
  } catch (error) {
    return { kind: 'refused', why: (error as Error).message };
  }
}

function fault(secretKey: string | undefined): KeyProtection {
  const found = secretKey === undefined ? 'is missing' : 'is another one';
  const text = `POSTHORN_SECRET_KEY ${found}: there are private DKIM keys in Redis that only the secret opens that was set when`;
  return { kind: 'fault', fault: `${text} they were kept; set that one again` };
}
