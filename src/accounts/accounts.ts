/** The accounts in Redis: one hash of JSON records by name. */
import type { Redis } from 'ioredis';
import { AccountLog, accountEventsKey } from '../events/account-log.js';
import type { Clock } from '../mail/clock.js';
import { changeInOneStep, type RecordPlan } from '../store/change-records.js';
import { ACCOUNTS_KEY, newAccount, readAccount, type Account, type AccountChange } from './account.js';
import { credentialsKey, recordKey, usesKey } from './credential.js';
import { DkimKeyStore } from './dkim-key-store.js';
import { RecentReads } from './recent-reads.js';
import { domainsKey } from './sending-domains.js';

/** All of them are listed on one page. When several are added at once it may become a few more. */
export const ACCOUNTS_MAX = 10_000;

export class Accounts {
  private readonly reads: RecentReads<Account | undefined>;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly log = new AccountLog(redis),
  ) {
    this.reads = new RecentReads(clock, (name) => this.get(name));
  }

  async get(name: string): Promise<Account | undefined> {
    const record = await this.redis.hget(ACCOUNTS_KEY, name);
    return record === null ? undefined : readAccount(record);
  }

  /** As `get`, at most a second old: for the way of a message. */
  recent(name: string): Promise<Account | undefined> {
    return this.reads.get(name);
  }

  /** By name. */
  async list(): Promise<readonly Account[]> {
    const records = await this.redis.hvals(ACCOUNTS_KEY);
    return records.map((record) => readAccount(record)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** `full`: there are ACCOUNTS_MAX. */
  async create(name: string, settings: AccountChange = {}): Promise<Account | 'taken' | 'full'> {
    if ((await this.redis.hlen(ACCOUNTS_KEY)) >= ACCOUNTS_MAX) return 'full';
    const account = newAccount(name, this.clock.now(), settings);
    const made = await this.redis.hsetnx(ACCOUNTS_KEY, name, JSON.stringify(account));
    this.reads.forget(name);
    return made === 1 ? account : 'taken';
  }

  /**
   * Undefined where there is no such account. A field that is given as undefined is taken away. What depends on how the
   * account stands is given as a function, which is asked again where somebody else's change came between.
   */
  async change(
    name: string,
    change: AccountChange | ((account: Account) => AccountChange),
  ): Promise<Account | undefined> {
    return (await this.replace(name, typeof change === 'function' ? change : () => change))?.after;
  }

  /** Its submissions are refused from now on, in every process within a second. Undefined where there is no such account. */
  suspend(name: string, because: string): Promise<Account | undefined> {
    return this.turn(name, { state: 'suspended', suspendedBecause: because }, because);
  }

  resume(name: string, because: string): Promise<Account | undefined> {
    return this.turn(name, { state: 'active', suspendedBecause: undefined }, because);
  }

  /**
   * The account goes with its credentials and sending domains, in one step, and its DKIM keys after it: another account of
   * that name must not sign with them. Its reports and suppressions are `AccountTraces`'s to forget. Mail of it that was
   * accepted is still delivered, unsigned. False where there is no such account.
   */
  async remove(name: string): Promise<boolean> {
    const removed = await changeInOneStep(this.redis, () => this.planRemoval(name));
    this.reads.forget(name);
    if (!removed) return false;
    // No secret is needed to delete what it encrypts.
    await new DkimKeyStore(this.redis, undefined).removeOf(name);
    return true;
  }

  private async planRemoval(name: string): Promise<RecordPlan<boolean>> {
    const [was, credentials] = await Promise.all([
      this.redis.hget(ACCOUNTS_KEY, name),
      this.redis.hgetall(credentialsKey(name)),
    ]);
    if (was === null) return { changes: [], result: false };
    const ids = Object.entries(credentials);
    const changes = [
      { key: ACCOUNTS_KEY, field: name, was, becomes: null },
      // One that is added meanwhile must not be left behind, to work for ever.
      { key: credentialsKey(name), length: ids.length },
      ...ids.map(([id, lookup]) => ({ key: credentialsKey(name), field: id, was: lookup, becomes: null })),
      ...[...ids.map(([, lookup]) => recordKey(lookup)), domainsKey(name), usesKey(name), accountEventsKey(name)].map(
        (key) => ({ key, dropped: true as const }),
      ),
    ];
    return { changes, result: true };
  }

  private async turn(name: string, change: AccountChange, because: string): Promise<Account | undefined> {
    const replaced = await this.replace(name, () => change);
    if (replaced && replaced.before.state !== replaced.after.state) {
      const type = replaced.after.state === 'suspended' ? 'account.suspended' : 'account.resumed';
      await this.log.append(name, { type, at: this.clock.now(), because });
    }
    return replaced?.after;
  }

  private async replace(
    name: string,
    change: (account: Account) => AccountChange,
  ): Promise<{ readonly before: Account; readonly after: Account } | undefined> {
    const replaced = await changeInOneStep(this.redis, async () => {
      const was = await this.redis.hget(ACCOUNTS_KEY, name);
      if (was === null) return { changes: [], result: undefined };
      const before = readAccount(was);
      const after: Account = { ...before, ...change(before) };
      const becomes = JSON.stringify(after);
      return { changes: [{ key: ACCOUNTS_KEY, field: name, was, becomes }], result: { before, after } };
    });
    this.reads.forget(name);
    return replaced;
  }
}
