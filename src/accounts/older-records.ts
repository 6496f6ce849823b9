/**
 * Takes over what version 0.1 kept of accounts: the account under a key of its own, credentials without an id and without
 * a list of them. Done once for a Redis; a start that dies in the middle is gone on with by the next, and two at the
 * same time do no harm.
 */
import type { Redis } from 'ioredis';
import { changeInOneStep } from '../store/change-records.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { ACCOUNTS_KEY, newAccount } from './account.js';
import { credentialsKey, recordKey, type StoredCredential } from './credential.js';
import { newCredentialId } from './secrets.js';

/** String: the form of the accounts' records, where it is not the first. */
const FORM_KEY = `${ACCOUNTS_PREFIX}:form`;
const FORM = '2';
/** Keys that Redis looks at in one go: a queue of millions takes seconds, and nobody waits long for one answer. */
const KEYS_AT_ONCE = 10_000;

export async function adoptOlderRecords(redis: Redis, nowMs: number): Promise<void> {
  if ((await redis.get(FORM_KEY)) === FORM) return;
  for await (const key of keysOf(redis, `${ACCOUNTS_PREFIX}:account:*`)) await adoptAccount(redis, key, nowMs);
  for (const kind of ['smtp', 'apikey']) {
    for await (const key of keysOf(redis, `${ACCOUNTS_PREFIX}:${kind}:*`)) await adoptCredential(redis, key);
  }
  await redis.set(FORM_KEY, FORM);
}

async function adoptAccount(redis: Redis, key: string, nowMs: number): Promise<void> {
  const name = key.slice(`${ACCOUNTS_PREFIX}:account:`.length);
  await changeInOneStep(redis, async () => {
    const [old, known] = await Promise.all([redis.get(key), redis.hget(ACCOUNTS_KEY, name)]);
    if (old === null) return { changes: [], result: undefined };
    const { createdAt = nowMs } = JSON.parse(old) as { createdAt?: number };
    const becomes = known ?? JSON.stringify(newAccount(name, createdAt));
    const changes = [
      { key: ACCOUNTS_KEY, field: name, was: known, becomes },
      { key, was: old, becomes: null },
    ];
    return { changes, result: undefined };
  });
}

async function adoptCredential(redis: Redis, key: string): Promise<void> {
  const lookup = key.slice(recordKey('').length);
  const [kind, ...shown] = lookup.split(':');
  await changeInOneStep(redis, async () => {
    const was = await redis.get(key);
    if (was === null) return { changes: [], result: undefined };
    const old = JSON.parse(was) as Omit<StoredCredential, 'id' | 'kind'> & Partial<StoredCredential>;
    const stored: StoredCredential = {
      id: newCredentialId(),
      ...(kind === 'smtp' ? { kind: 'smtp', user: shown.join(':') } : { kind: 'api' }),
      ...old,
    };
    const list = credentialsKey(stored.account);
    const listed = await redis.hget(list, stored.id);
    if (listed !== null) return { changes: [], result: undefined };
    const changes = [
      { key, was, becomes: JSON.stringify(stored) },
      { key: list, field: stored.id, was: null, becomes: lookup },
    ];
    return { changes, result: undefined };
  });
}

async function* keysOf(redis: Redis, pattern: string): AsyncGenerator<string> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_AT_ONCE);
    yield* keys;
    cursor = next;
  } while (cursor !== '0');
}
