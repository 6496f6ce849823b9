/**
 * When each sending domain is checked in DNS next: one sorted set in Redis that all processes share. A check is claimed by
 * moving it to the end of a lease, so each is made once, and one whose process died comes back by itself.
 */
import type { Redis } from 'ioredis';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';

export const DOMAIN_CHECKS_KEY = `${ACCOUNTS_PREFIX}:domain-checks`;

/** What is new is looked for in DNS after this. */
export const FIRST_CHECK_MS = 60_000;

export interface CheckedDomain {
  readonly account: string;
  readonly name: string;
}

export interface ClaimedCheck extends CheckedDomain {
  /** Until when nobody else makes it; names this claim. */
  readonly leasedUntil: number;
}

/** KEYS: 1 checks. ARGV: 1 now, 2 end of the lease, 3 how many at most. Returns the members. */
const claimDue = new LuaScript<string[]>(
  'claim domain checks',
  1,
  `
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[2], member) end
return due
`,
);

/**
 * KEYS: 1 checks. ARGV: 1 member, 2 end of the lease, 3 when it is due next ('' for never). Does nothing where the claim
 * has lapsed, or somebody has asked for an earlier check meanwhile.
 */
const finishCheck = new LuaScript<number>(
  'finish domain check',
  1,
  `
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
`,
);

/** Entries written with one command. */
const BATCH = 500;

export class DomainChecks {
  constructor(private readonly redis: Redis) {}

  /** Has the domain checked at `at`, whatever was planned. */
  async plan(domain: CheckedDomain, at: number): Promise<void> {
    await this.redis.zadd(DOMAIN_CHECKS_KEY, at, memberOf(domain));
  }

  /** Has the domain checked no more. */
  async forget(domain: CheckedDomain): Promise<void> {
    await this.redis.zrem(DOMAIN_CHECKS_KEY, memberOf(domain));
  }

  /** Plans the check of those that have none. */
  async adopt(plans: readonly (CheckedDomain & { readonly at: number })[]): Promise<void> {
    for (let start = 0; start < plans.length; start += BATCH) {
      const pairs = plans.slice(start, start + BATCH).flatMap((plan) => [plan.at, memberOf(plan)]);
      await this.redis.zadd(DOMAIN_CHECKS_KEY, 'NX', ...pairs);
    }
  }

  /** Up to `max` checks that are due at `nowMs`, the most overdue first; they are the caller's for `leaseMs`. */
  async claim(nowMs: number, leaseMs: number, max: number): Promise<readonly ClaimedCheck[]> {
    const leasedUntil = nowMs + leaseMs;
    const members = await claimDue.run(this.redis, [DOMAIN_CHECKS_KEY], [nowMs, leasedUntil, max]);
    return members.map((member) => ({ ...domainOfMember(member), leasedUntil }));
  }

  /** Ends a claim; the domain's next check is at `nextAt`, or never. */
  async finish(claim: ClaimedCheck, nextAt: number | undefined): Promise<void> {
    await finishCheck.run(this.redis, [DOMAIN_CHECKS_KEY], [memberOf(claim), claim.leasedUntil, nextAt ?? '']);
  }

  /** When the domain is checked next, or its claim ends; undefined: never. */
  async dueAt(domain: CheckedDomain): Promise<number | undefined> {
    const score = await this.redis.zscore(DOMAIN_CHECKS_KEY, memberOf(domain));
    return score === null ? undefined : Number(score);
  }

  /** Takes the domain's one check on demand within `everyMs`: 0, or the milliseconds until the next may be had. */
  async takeTurn({ account, name }: CheckedDomain, everyMs: number): Promise<number> {
    const key = `${ACCOUNTS_PREFIX}:domain-turn:${account}:${name}`;
    if ((await this.redis.set(key, '1', 'PX', everyMs, 'NX')) !== null) return 0;
    return Math.max(await this.redis.pttl(key), 1);
  }
}

/** Neither names of accounts nor of domains hold a space. */
export function memberOf({ account, name }: CheckedDomain): string {
  return `${account} ${name}`;
}

function domainOfMember(member: string): CheckedDomain {
  const space = member.indexOf(' ');
  return { account: member.slice(0, space), name: member.slice(space + 1) };
}
