/**
 * The DKIM keys of a domain in Redis: one hash an account and domain, a field a selector. A change replaces the list that it was
 * made of and nothing else, so that of two processes that do the same one does it and the other sees it done.
 *
 * What is older is moved on the first load: one RSA key in a string, and keys in the clear where a secret is set now.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Redis } from 'ioredis';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { traitsOf, type StoredKey } from './dkim-key.js';
import type { StoredKeys } from './dkim-key-rules.js';
import { isSealed, type KeyEncryption } from './key-encryption.js';

export interface KeyPlace {
  readonly account: string;
  readonly domain: string;
}

/** The list as it was read. */
export interface KeyList {
  readonly keys: StoredKeys;
  /** They were removed a moment ago: who has not heard of it must not make new ones. */
  readonly removed: boolean;
  /** What must still be there when it is replaced. */
  readonly fields: Readonly<Record<string, string>>;
  readonly oldText: string;
}

/** A key as it was kept when a domain had one. */
interface OldKey {
  readonly selector: string;
  readonly privateKey: string;
  readonly createdAt: number;
}

const KEYS_PREFIX = `${ACCOUNTS_PREFIX}:dkim-keys:`;
const OLD_KEY_PREFIX = `${ACCOUNTS_PREFIX}:dkim:`;
/** What SCAN finds all keys by. */
const DKIM_KEYS_PATTERN = `${ACCOUNTS_PREFIX}:dkim*`;
/** No selector. */
const REMOVED = '-';
/** Many times what a process may go on with the domains that it read. */
const REMOVED_SECONDS = 60;
/** Keys that Redis looks at in one step: its other clients are served between two. */
const SCAN_COUNT = 1_000;
/** Each failed try is a change by another process, and they do not change so often. */
const TRIES_MAX = 10;

/**
 * KEYS: 1 hash, 2 string of the old form. ARGV: 1 the string as it was read, empty where it is not to be touched, 2 number of
 * fields as they were read, then each with its value, then each as it shall be with its value. Returns 1, or 0 where it has
 * changed meanwhile.
 */
const replaceKeys = new LuaScript<number>(
  'replace DKIM keys',
  2,
  `
if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local after = 3 + 2 * tonumber(ARGV[2])
if redis.call('HLEN', KEYS[1]) ~= tonumber(ARGV[2]) then return 0 end
for i = 3, after - 1, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end
local kept = {}
for i = after, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  kept[ARGV[i]] = true
end
for i = 3, after - 1, 2 do
  if not kept[ARGV[i]] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
redis.call('PERSIST', KEYS[1])
if ARGV[1] ~= '' then redis.call('DEL', KEYS[2]) end
return 1
`,
);

/** KEYS: 1 hash, 2 string of the old form. ARGV: 1 the field that says so, 2 for how many seconds. */
const removeKeys = new LuaScript<number>(
  'remove DKIM keys',
  2,
  `
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], ARGV[1], '')
return redis.call('EXPIRE', KEYS[1], ARGV[2])
`,
);

export class DkimKeyStore {
  constructor(
    private readonly redis: Redis,
    private readonly encryption: KeyEncryption | undefined,
  ) {}

  async read(place: KeyPlace): Promise<KeyList> {
    const list = await this.peek(place);
    const keys = this.inTodaysForm(place, list);
    if (keys === list.keys) return list;
    // A Redis that is full takes no change, and must be drained all the same: what was read signs.
    return this.move(place).catch(() => ({ ...list, keys }));
  }

  /** Brings what is kept of the domain into today's form. */
  async move(place: KeyPlace): Promise<KeyList> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const list = await this.peek(place);
      const keys = this.inTodaysForm(place, list);
      if (keys === list.keys) return list;
      await this.replace(place, list, keys);
    }
    throw restless(place);
  }

  /** Replaces `list` by `keys`; false where it is no longer what it was. */
  async replace(place: KeyPlace, list: KeyList, keys: StoredKeys): Promise<boolean> {
    const values = keys.flatMap(({ selector, ...value }) => [selector, JSON.stringify(value)]);
    const known = Object.entries(list.fields);
    const args = [list.oldText, known.length, ...known.flat(), ...values];
    return (await replaceKeys.run(this.redis, redisKeysOf(place), args)) === 1;
  }

  /**
   * Makes of the list what `rule` makes of it, however many others change it at the same time. Resolves with those that are new
   * or not as they were.
   */
  async change(place: KeyPlace, rule: (list: KeyList) => StoredKeys | Promise<StoredKeys>): Promise<StoredKeys> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const list = await this.read(place);
      const keys = await rule(list);
      const changed = keys.filter((key) => !list.keys.includes(key));
      if (changed.length === 0 || (await this.replace(place, list, keys))) return changed;
    }
    throw restless(place);
  }

  async remove(place: KeyPlace): Promise<void> {
    await removeKeys.run(this.redis, redisKeysOf(place), [REMOVED, REMOVED_SECONDS]);
  }

  /** Those of all domains of an account, also of some that it never named: with `*` it sends as any. */
  async removeOf(account: string): Promise<void> {
    for await (const place of placesOfKeys(this.redis)) if (place.account === account) await this.remove(place);
  }

  /** A private key as it is kept. */
  sealed(place: KeyPlace, selector: string, privateKey: KeyObject): string {
    return this.sealedText(place, selector, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  }

  /** Throws where the secret is not the one that it was sealed with. */
  opened(place: KeyPlace, { selector, privateKey = '' }: StoredKey): KeyObject {
    const text = isSealed(privateKey) ? this.open(place, selector, privateKey) : privateKey;
    if (text !== undefined) return createPrivateKey(text);
    const name = `${selector}._domainkey.${place.domain}`;
    throw new Error(`the private key of ${name} does not open with this POSTHORN_SECRET_KEY, or was altered in Redis`);
  }

  /** Whether a key of the domain does not open with this secret. */
  async isSealedByAnother(place: KeyPlace): Promise<boolean> {
    const { keys } = await this.peek(place);
    return keys.some(
      ({ selector, privateKey = '' }) => isSealed(privateKey) && !this.open(place, selector, privateKey),
    );
  }

  /** Whether a private key of the domain is kept as it is. */
  async hasClearKeys(place: KeyPlace): Promise<boolean> {
    const { keys, oldText } = await this.peek(place);
    return oldText !== '' || keys.some(isClear);
  }

  private sealedText({ account, domain }: KeyPlace, selector: string, pem: string): string {
    return this.encryption ? this.encryption.seal(pem, [account, domain, selector]) : pem;
  }

  private open({ account, domain }: KeyPlace, selector: string, sealed: string): string | undefined {
    return this.encryption?.open(sealed, [account, domain, selector]);
  }

  private async peek(place: KeyPlace): Promise<KeyList> {
    const [hash, oldKey] = redisKeysOf(place);
    // In this order, so that a key on its way from one to the other is not missed; a full Redis takes no MULTI.
    const [oldReply, fields] = await Promise.all([this.redis.get(oldKey), this.redis.hgetall(hash)]);
    const keys = Object.entries(fields)
      .filter(([selector]) => selector !== REMOVED)
      .map(([selector, value]): StoredKey => ({ ...(JSON.parse(value) as StoredKey), selector }));
    const oldText = keys.length === 0 ? (oldReply ?? '') : '';
    return { keys, removed: REMOVED in fields, fields, oldText };
  }

  /** The list itself where it is in order. */
  private inTodaysForm(place: KeyPlace, { keys, oldText }: KeyList): StoredKeys {
    if (keys.length === 0 && oldText !== '') return [this.fromOldForm(place, oldText)];
    if (!this.encryption || !keys.some(isClear)) return keys;
    return keys.map((key) =>
      isClear(key) ? { ...key, privateKey: this.sealedText(place, key.selector, key.privateKey ?? '') } : key,
    );
  }

  private fromOldForm(place: KeyPlace, text: string): StoredKey {
    const { selector, privateKey: pem, createdAt } = JSON.parse(text) as OldKey;
    const privateKey = this.sealedText(place, selector, pem);
    const traits = traitsOf(createPrivateKey(pem));
    return { selector, ...traits, state: 'active', createdAt, changedAt: createdAt, privateKey };
  }
}

function isClear({ privateKey }: StoredKey): boolean {
  return privateKey !== undefined && !isSealed(privateKey);
}

function restless({ domain }: KeyPlace): Error {
  return new Error(`the DKIM keys of ${domain} change too often`);
}

function redisKeysOf({ account, domain }: KeyPlace): [hash: string, oldKey: string] {
  return [`${KEYS_PREFIX}${account}:${domain}`, `${OLD_KEY_PREFIX}${account}:${domain}`];
}

/** Every domain that has keys; one may come twice. Looks through all of Redis. */
export async function* placesOfKeys(redis: Redis): AsyncGenerator<KeyPlace> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', DKIM_KEYS_PATTERN, 'COUNT', SCAN_COUNT);
    for (const place of keys.map(keyPlaceOf)) if (place) yield place;
    cursor = next;
  } while (cursor !== '0');
}

/** The place that a key in Redis is of; undefined where it is none of these. No account's name holds a colon. */
function keyPlaceOf(redisKey: string): KeyPlace | undefined {
  const prefix = [KEYS_PREFIX, OLD_KEY_PREFIX].find((candidate) => redisKey.startsWith(candidate));
  const [account, domain] = prefix === undefined ? [] : redisKey.slice(prefix.length).split(':');
  return account === undefined || domain === undefined ? undefined : { account, domain };
}
