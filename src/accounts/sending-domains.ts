/**
 * The domains that an account may send as, in Redis: one hash of JSON records an account. Every change is one step that
 * fails where another was faster, so that no process undoes what another wrote. `*` stands for every domain: an
 * internal relay.
 */
import type { Redis } from 'ioredis';
import { readDomainName } from '../config/hosts.js';
import type { Clock } from '../mail/clock.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { DOMAIN_CHECKS_KEY, memberOf } from './domain-checks.js';
import { RecentReads } from './recent-reads.js';

export const ANY_DOMAIN = '*';

/**
 * `pending`: added, not proven yet. `verified`. `failing`: was verified, and DNS no longer shows it; it may still send for
 * a while, so that a mishap in DNS loses no mail. `unverified`: that while is over.
 */
export const DOMAIN_STATES = ['pending', 'verified', 'failing', 'unverified'] as const;
export type DomainState = (typeof DOMAIN_STATES)[number];

export interface SendingDomain {
  readonly name: string;
  readonly state: DomainState;
  /** Who says that it is verified: the operator, whose word never lapses, or what DNS answered. */
  readonly verifiedBy?: 'operator' | 'dns';
  readonly addedAt: number;
  /** When `state` began; absent where it never changed. */
  readonly stateSince?: number;
  /** When DNS was last asked. */
  readonly checkedAt?: number;
  /** Whether DNS shows the CNAME of the return path. */
  readonly returnPath?: 'verified' | 'pending';
  /** POSTHORN_PROVISION made it, and it goes when it no longer stands there; what was made by hand is never marked so. */
  readonly provisioned?: true;
}

export type AddResult =
  { readonly kind: 'added' | 'known'; readonly domain: SendingDomain } | { readonly kind: 'full' };

/** Each is read with the others for every message of its account, and checked in DNS twice a day. Of a provisioning file too. */
export const DOMAINS_PER_ACCOUNT_MAX = 10_000;
/** RFC 1035 section 2.3.4: 253 octets, less those of `<selector>._domainkey.` with the longest selector. */
const NAME_OCTETS_MAX = 253 - 63 - '._domainkey.'.length;
/** Each try is lost only to another's success; so many successes within a millisecond are a fault. */
const CHANGE_TRIES_MAX = 20;

/**
 * KEYS: 1 domains, 2 checks. ARGV: 1 name, 2 record, 3 domains an account may have, 4 member of the checks, 5 when it is
 * due ('' for never). Returns the record that was there, 1 where it is added, 0 where there are too many.
 */
const addDomain = new LuaScript<string | number>(
  'add domain',
  2,
  `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then return known end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[5] ~= '' then redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4]) end
return 1
`,
);

/** KEYS: 1 domains. ARGV: 1 name, 2 the record as it was read, 3 the new one. Returns 0 where it has changed since. */
const changeDomain = new LuaScript<number>(
  'change domain',
  1,
  `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`,
);

export const domainsKey = (account: string): string => `${ACCOUNTS_PREFIX}:domains:${account}`;

export class SendingDomains {
  private readonly reads: RecentReads<readonly SendingDomain[]>;

  constructor(
    private readonly redis: Redis,
    clock: Clock,
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

  /**
   * Adds `name`, as `sendingDomainName` gave it; one that is known is left as it is. `checkAt` is when DNS is asked for
   * it, in the same step, so that no domain is forgotten; undefined where there is nothing to ask.
   */
  async add(account: string, domain: SendingDomain, checkAt: number | undefined): Promise<AddResult> {
    const answer = await addDomain.run(
      this.redis,
      [domainsKey(account), DOMAIN_CHECKS_KEY],
      [
        domain.name,
        JSON.stringify(domain),
        DOMAINS_PER_ACCOUNT_MAX,
        memberOf({ account, name: domain.name }),
        checkAt ?? '',
      ],
    );
    this.reads.forget(account);
    if (typeof answer === 'string') return { kind: 'known', domain: JSON.parse(answer) as SendingDomain };
    return answer === 1 ? { kind: 'added', domain } : { kind: 'full' };
  }

  async get(account: string, name: string): Promise<SendingDomain | undefined> {
    const record = await this.redis.hget(domainsKey(account), name);
    return record === null ? undefined : (JSON.parse(record) as SendingDomain);
  }

  /**
   * Makes of a domain what `change` makes of it, which may be asked again where another process was faster, and leaves it
   * where it gives undefined. Tells what was and what is; undefined where there is no such domain.
   */
  async change(
    account: string,
    name: string,
    change: (domain: SendingDomain) => SendingDomain | undefined,
  ): Promise<{ readonly before: SendingDomain; readonly after: SendingDomain } | undefined> {
    for (let tries = 0; tries < CHANGE_TRIES_MAX; tries++) {
      const record = await this.redis.hget(domainsKey(account), name);
      if (record === null) return undefined;
      const before = JSON.parse(record) as SendingDomain;
      const after = change(before);
      if (!after) return { before, after: before };
      const done = await changeDomain.run(this.redis, [domainsKey(account)], [name, record, JSON.stringify(after)]);
      this.reads.forget(account);
      if (done === 1) return { before, after };
    }
    throw new Error(`the sending domain ${name} of ${account} changes faster than it can be written`);
  }

  async remove(account: string, name: string): Promise<boolean> {
    const answers = await this.redis
      .multi()
      .hdel(domainsKey(account), name)
      .zrem(DOMAIN_CHECKS_KEY, memberOf({ account, name }))
      .exec();
    this.reads.forget(account);
    return answers?.[0]?.[1] === 1;
  }
}

/**
 * The name of a domain that can be sent as, as it is kept: lower-case A-labels, or `*`. Undefined for address literals
 * and whatever else is none. Single labels are names here (`localhost`, `relay`: internal mail). Public suffixes are
 * not known to us, and need not be: nobody but its registry can publish a key at `co.uk`.
 */
export function sendingDomainName(text: string): string | undefined {
  if (text === ANY_DOMAIN) return text;
  const name = readDomainName(text);
  return name !== undefined && name.length <= NAME_OCTETS_MAX ? name : undefined;
}

export function verifiedDomain(name: string, nowMs: number): SendingDomain {
  return { name, state: 'verified', verifiedBy: 'operator', addedAt: nowMs };
}

/** Whether an account with these domains may send as `domain`. Subdomains are domains of their own. */
export function maySendAs(domains: readonly SendingDomain[], domain: string): boolean {
  return domains.some(({ name, state }) => (name === domain || name === ANY_DOMAIN) && maySend(state));
}

/**
 * The domain whose keys sign: the From domain where the account has it, else the account's first, else with `*` the From domain
 * all the same. Empty where the account may send as none: what it queued before leaves unsigned.
 */
export function signingDomain(domains: readonly SendingDomain[], fromDomain: string): string {
  const own = domains.filter(({ name, state }) => maySend(state) && name !== ANY_DOMAIN);
  if (own.some(({ name }) => name === fromDomain)) return fromDomain;
  return own[0]?.name ?? (maySendAs(domains, fromDomain) ? fromDomain : '');
}

/** Whether it is proven that the domain is its account's, and mail may be sent as it. */
export function isInUse({ state }: SendingDomain): boolean {
  return maySend(state);
}

function maySend(state: DomainState): boolean {
  return state === 'verified' || state === 'failing';
}
