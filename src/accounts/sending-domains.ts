/** The domains that an account may send as. `*` stands for every domain: an internal relay. */
import type { Redis } from 'ioredis';
import { normalizeDomain } from '../mail/address.js';
import type { Clock } from '../mail/clock.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { RecentReads } from './recent-reads.js';

export const ANY_DOMAIN = '*';

export interface SendingDomain {
  readonly name: string;
  readonly state: 'verified' | 'pending';
  /** Who says that it is verified: the operator's word, or what DNS answered. */
  readonly verifiedBy?: 'operator' | 'dns';
  readonly addedAt: number;
  /** It stands in POSTHORN_PROVISION, and goes when it no longer does. */
  readonly provisioned?: true;
}

export const domainsKey = (account: string): string => `${ACCOUNTS_PREFIX}:domains:${account}`;

export class SendingDomains {
  private readonly reads: RecentReads<readonly SendingDomain[]>;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {
    this.reads = new RecentReads(clock, (account) => this.list(account));
  }

  /** The account's domains, the first added first. */
  async list(account: string): Promise<readonly SendingDomain[]> {
    const records = await this.redis.hvals(domainsKey(account));
    const domains = records.map((record) => JSON.parse(record) as SendingDomain);
    return domains.sort((a, b) => a.addedAt - b.addedAt || a.name.localeCompare(b.name));
  }

  /** As `list`, at most a second old: for the way of a message. */
  recent(account: string): Promise<readonly SendingDomain[]> {
    return this.reads.get(account);
  }

  /** Adds a domain on the operator's word. Undefined where `name` is no domain; a known one is left as it is. */
  async addVerified(account: string, name: string): Promise<SendingDomain | undefined> {
    const normalized = name === ANY_DOMAIN ? name : normalizeDomain(name);
    if (normalized === undefined || normalized.startsWith('[')) return undefined;
    const domain = verifiedDomain(normalized, this.clock.now());
    await this.redis.hsetnx(domainsKey(account), normalized, JSON.stringify(domain));
    this.reads.forget(account);
    return this.get(account, normalized);
  }

  async get(account: string, name: string): Promise<SendingDomain | undefined> {
    const record = await this.redis.hget(domainsKey(account), name);
    return record === null ? undefined : (JSON.parse(record) as SendingDomain);
  }

  async remove(account: string, name: string): Promise<boolean> {
    this.reads.forget(account);
    return (await this.redis.hdel(domainsKey(account), name)) === 1;
  }
}

export function verifiedDomain(name: string, nowMs: number): SendingDomain {
  return { name, state: 'verified', verifiedBy: 'operator', addedAt: nowMs };
}

/** Whether an account with these domains may send as `domain`. */
export function maySendAs(domains: readonly SendingDomain[], domain: string): boolean {
  return domains.some(({ name, state }) => state === 'verified' && (name === domain || name === ANY_DOMAIN));
}

/**
 * The domain whose keys sign: the From domain where the account has it, else the account's first, else with `*` the From domain
 * all the same. Empty where the account may send as none: what it queued before leaves unsigned.
 */
export function signingDomain(domains: readonly SendingDomain[], fromDomain: string): string {
  const own = domains.filter(({ name, state }) => state === 'verified' && name !== ANY_DOMAIN);
  if (own.some(({ name }) => name === fromDomain)) return fromDomain;
  return own[0]?.name ?? (maySendAs(domains, fromDomain) ? fromDomain : '');
}
