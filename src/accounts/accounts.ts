/** The accounts in Redis: one hash of JSON records by name. */
import type { Redis } from 'ioredis';
import type { Clock } from '../mail/clock.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { newAccount, type Account, type AccountChange } from './account.js';
import { RecentReads } from './recent-reads.js';

export const ACCOUNTS_KEY = `${ACCOUNTS_PREFIX}:accounts`;

export class Accounts {
  private readonly reads: RecentReads<Account | undefined>;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {
    this.reads = new RecentReads(clock, (name) => this.get(name));
  }

  async get(name: string): Promise<Account | undefined> {
    const record = await this.redis.hget(ACCOUNTS_KEY, name);
    return record === null ? undefined : (JSON.parse(record) as Account);
  }

  /** As `get`, at most a second old: for the way of a message. */
  recent(name: string): Promise<Account | undefined> {
    return this.reads.get(name);
  }

  /** By name. */
  async list(): Promise<readonly Account[]> {
    const records = await this.redis.hvals(ACCOUNTS_KEY);
    return records.map((record) => JSON.parse(record) as Account).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Undefined where the name is taken. */
  async create(name: string, settings: AccountChange = {}): Promise<Account | undefined> {
    const account = newAccount(name, this.clock.now(), settings);
    const made = await this.redis.hsetnx(ACCOUNTS_KEY, name, JSON.stringify(account));
    this.reads.forget(name);
    return made === 1 ? account : undefined;
  }

  /** Undefined where there is no such account. A field that is given as undefined is taken away. */
  async change(name: string, change: AccountChange): Promise<Account | undefined> {
    const account = await this.get(name);
    if (!account) return undefined;
    const changed: Account = { ...account, ...change };
    await this.redis.hset(ACCOUNTS_KEY, name, JSON.stringify(changed));
    this.reads.forget(name);
    return changed;
  }
}
