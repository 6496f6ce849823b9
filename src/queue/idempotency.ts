/**
 * Idempotency keys: the first message with a key is accepted, and whoever sends it again within 24 hours gets the answer
 * of the first. The key is leased while its message is being accepted; the step that stores the message turns the lease
 * into the answer, so that a death at any moment leaves either both or neither.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { RecipientState } from '../mail/outcome.js';
import { SHARD, shardKeys } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';

/** For how long a key answers. */
export const ANSWER_KEPT_MS = 24 * 3_600_000;
/**
 * Acceptance takes milliseconds, and Redis is waited for two seconds: after this its process is dead. One that was only slow
 * writes nothing any more, so the wait of a client whose process died may be short.
 */
const LEASE_MS = 10_000;

/** What was answered for the first message. */
export interface StoredAnswer {
  readonly id: string;
  readonly recipients: readonly { readonly address: string; readonly state: RecipientState }[];
}

/** As it was kept before recipients had states of their own; for a day after an upgrade. */
interface OlderAnswer {
  readonly id: string;
  readonly recipients: readonly string[];
  readonly state: RecipientState;
}

/** A key that is held while its message is accepted. */
export interface HeldKey {
  readonly key: string;
  readonly token: string;
}

export type Beginning =
  | { readonly kind: 'begun'; readonly held: HeldKey }
  | { readonly kind: 'replayed'; readonly answer: StoredAnswer }
  /** The key was used for another message. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in-flight' };

/**
 * KEYS: 1 the key. ARGV: 1 token, 2 fingerprint of the message, 3 ms of the lease.
 * The hash holds `t` the token while it is leased, `p` the fingerprint, `a` the answer.
 * Returns {'begun'}, {'in-flight'}, {'mismatch'} or {'replayed', answer}.
 */
const beginScript = new LuaScript<[string, string?]>(
  'begin',
  1,
  `
local known = redis.call('HMGET', KEYS[1], 't', 'p', 'a')
-- First, because nobody knows yet whether the message in flight will be kept.
if known[1] then return {'in-flight'} end
if known[3] then
  if known[2] ~= ARGV[2] then return {'mismatch'} end
  return {'replayed', known[3]}
end
redis.call('HSET', KEYS[1], 't', ARGV[1], 'p', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'begun'}
`,
);

/** KEYS: 1 the key. ARGV: 1 token. Frees the key where the token still holds it. */
const releaseScript = new LuaScript<number>(
  'release',
  1,
  `
if redis.call('HGET', KEYS[1], 't') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);

export class Idempotency {
  constructor(
    private readonly redis: Redis,
    private readonly leaseMs = LEASE_MS,
  ) {}

  /** @param fingerprint what makes two messages the same; two of different doors never are */
  async begin(account: string, clientKey: string, fingerprint: string): Promise<Beginning> {
    const held: HeldKey = { key: shardKeys(SHARD).idempotency(account, clientKey), token: randomUUID() };
    const [kind, answer = ''] = await beginScript.run(this.redis, [held.key], [held.token, fingerprint, this.leaseMs]);
    if (kind === 'begun') return { kind, held };
    if (kind === 'replayed') return { kind, answer: readAnswer(answer) };
    return { kind: kind === 'mismatch' ? 'mismatch' : 'in-flight' };
  }

  /** For a message that was not kept: the key is free for another try. */
  async release({ key, token }: HeldKey): Promise<void> {
    await releaseScript.run(this.redis, [key], [token]);
  }
}

function readAnswer(json: string): StoredAnswer {
  const answer = JSON.parse(json) as StoredAnswer | OlderAnswer;
  if (!('state' in answer)) return answer;
  const { id, recipients, state } = answer;
  return { id, recipients: recipients.map((address) => ({ address, state })) };
}
