/** Who may come in: SMTP users with a password, and API keys. */
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { changeInOneStep } from '../store/change-records.js';
import { ACCOUNTS_KEY } from './account.js';
import {
  additionOf,
  apiKeyLookup,
  CREDENTIALS_PER_ACCOUNT_MAX,
  credentialsKey,
  hasExpired,
  lookupOf,
  newCredential,
  recordKey,
  smtpLookup,
  usesKey,
  type Credential,
  type CredentialRecord,
  type CredentialSpec,
  type StoredCredential,
} from './credential.js';
import { CredentialUses } from './credential-uses.js';
import { RecentReads } from './recent-reads.js';
import { hashSecret, secretMatches } from './secrets.js';

export type { Credential, Scope } from './credential.js';

/** Longer names and secrets are nobody's; checked before they reach Redis. */
const NAME_CHARACTERS_MAX = 320;
const SECRET_CHARACTERS_MAX = 1024;

export type ListedCredential = CredentialRecord & { readonly lastUsedAt?: number };

export type CredentialCreation =
  /** The secret is shown now and never again. */
  | { readonly kind: 'created'; readonly credential: CredentialRecord; readonly secret: string }
  | { readonly kind: 'no_account' }
  | { readonly kind: 'user_taken' }
  /** The account has CREDENTIALS_PER_ACCOUNT_MAX. */
  | { readonly kind: 'full' };

export class Credentials {
  private readonly uses: CredentialUses;
  private readonly reads: RecentReads<StoredCredential | undefined>;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {
    this.uses = new CredentialUses(redis, clock);
    this.reads = new RecentReads(clock, (name) => this.read(name));
  }

  /** The credential that `user` and `password` open; undefined where they open none. */
  async checkSmtp(user: string, password: string): Promise<Credential | undefined> {
    if (user.length > NAME_CHARACTERS_MAX || password.length > SECRET_CHARACTERS_MAX) return undefined;
    return this.check(smtpLookup(user), password);
  }

  /** The credential of an API key; undefined where it is none of ours. */
  async checkApiKey(key: string): Promise<Credential | undefined> {
    if (key.length > SECRET_CHARACTERS_MAX) return undefined;
    return this.check(apiKeyLookup(hashSecret(key)), key);
  }

  /** A credential that was checked before, as it is now, at most a second old; undefined where it is good no more. */
  async recent({ account, id }: Pick<Credential, 'account' | 'id'>): Promise<Credential | undefined> {
    const stored = await this.reads.get(`${account} ${id}`);
    return stored && !hasExpired(stored, this.clock.now()) ? whatItOpens(stored) : undefined;
  }

  /** Whether `recent` gives it; `anew`: with what Redis holds now. True where Redis does not say: nothing can be read then. */
  async isStillGood(credential: Pick<Credential, 'account' | 'id'>, anew?: 'anew'): Promise<boolean> {
    if (anew) this.reads.forget(`${credential.account} ${credential.id}`);
    return this.recent(credential).then(
      (now) => now !== undefined,
      () => true,
    );
  }

  /** The account's, the first made first. */
  async list(account: string): Promise<readonly ListedCredential[]> {
    const [stored, uses] = await Promise.all([readCredentials(this.redis, account), this.uses.of(account)]);
    const listed = stored.map((credential): ListedCredential => {
      const lastUsedAt = uses.get(credential.id);
      return { ...withoutHash(credential), ...(lastUsedAt !== undefined && { lastUsedAt }) };
    });
    return listed.sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id));
  }

  async create(account: string, spec: CredentialSpec): Promise<CredentialCreation> {
    const { secret, stored } = newCredential(account, spec, this.clock.now());
    return changeInOneStep<CredentialCreation>(this.redis, async () => {
      const [owner, count, taken] = await Promise.all([
        this.redis.hget(ACCOUNTS_KEY, account),
        this.redis.hlen(credentialsKey(account)),
        this.redis.exists(recordKey(lookupOf(stored))),
      ]);
      if (owner === null) return { changes: [], result: { kind: 'no_account' } };
      if (count >= CREDENTIALS_PER_ACCOUNT_MAX) return { changes: [], result: { kind: 'full' } };
      if (taken === 1) return { changes: [], result: { kind: 'user_taken' } };
      const isThere = { key: ACCOUNTS_KEY, field: account, was: owner, becomes: owner };
      return {
        changes: [isThere, ...additionOf(stored)],
        result: { kind: 'created', credential: withoutHash(stored), secret },
      };
    });
  }

  /** It is refused from now on, in every process within a second. False where the account has none of this id. */
  async remove(account: string, id: string): Promise<boolean> {
    const removed = await changeInOneStep(this.redis, async () => {
      const lookup = await this.redis.hget(credentialsKey(account), id);
      if (lookup === null) return { changes: [], result: false };
      const use = await this.redis.hget(usesKey(account), id);
      return {
        changes: [
          { key: credentialsKey(account), field: id, was: lookup, becomes: null },
          { key: recordKey(lookup), dropped: true as const },
          { key: usesKey(account), field: id, was: use, becomes: null },
        ],
        result: true,
      };
    });
    this.reads.forget(`${account} ${id}`);
    return removed;
  }

  /** @param name the account's and the credential's, as `recent` names it; neither holds a space */
  private async read(name: string): Promise<StoredCredential | undefined> {
    const [account = '', id = ''] = name.split(' ');
    const lookup = await this.redis.hget(credentialsKey(account), id);
    const record = lookup === null ? null : await this.redis.get(recordKey(lookup));
    return record === null ? undefined : (JSON.parse(record) as StoredCredential);
  }

  private async check(lookup: string, secret: string): Promise<Credential | undefined> {
    const record = await this.redis.get(recordKey(lookup));
    // An unknown name costs the same comparison as a known one.
    const stored = record === null ? undefined : (JSON.parse(record) as StoredCredential);
    const matches = secretMatches(secret, stored?.hash ?? hashSecret(''));
    if (!stored || !matches || hasExpired(stored, this.clock.now())) return undefined;
    const credential = whatItOpens(stored);
    this.uses.note(credential);
    return credential;
  }
}

/** The records of an account's credentials, in no order. */
export async function readCredentials(redis: Redis, account: string): Promise<StoredCredential[]> {
  const lookups = await redis.hvals(credentialsKey(account));
  const records = lookups.length === 0 ? [] : await redis.mget(lookups.map(recordKey));
  return records.flatMap((record) => (record === null ? [] : [JSON.parse(record) as StoredCredential]));
}

function whatItOpens({ id, account, scopes, limits }: StoredCredential): Credential {
  return { id, account, scopes, ...(limits && { limits }) };
}

function withoutHash({ hash: _, ...credential }: StoredCredential): CredentialRecord {
  return credential;
}
