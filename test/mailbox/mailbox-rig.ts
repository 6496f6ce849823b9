/** A Redis of a suite's own with as many stores and processes over it as a test wants, and a clock that it moves. */
import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import type { MailboxId } from '../../src/bounces/reports/report-mailbox.js';
import { RedisReports, STRAYS_MAX, type ReportQuota } from '../../src/bounces/reports/redis-reports.js';
import type { Report } from '../../src/bounces/reports/reports.js';
import type { AccountMailbox } from '../../src/mailbox/state/account-mailbox.js';
import { Mailboxes } from '../../src/mailbox/state/mailboxes.js';
import { connectRedis } from '../../src/store/connect-redis.js';
import { REPORTS_CHANNEL, reportKeys } from '../../src/store/keyspace.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { OwnRedis, StandingClock } from '../accounts/own-redis.js';

export const DAY_MS = 86_400_000;
export const RETENTION_MS = 30 * DAY_MS;

/** More would keep each other waiting for longer than a connection does. */
const AT_ONCE = 100;

export class MailboxRig {
  readonly clock = new StandingClock();
  readonly log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
  private opened: Mailboxes[] = [];
  private written = 0;

  private constructor(
    readonly own: OwnRedis,
    readonly redis: Redis,
  ) {}

  static async start(): Promise<MailboxRig> {
    const own = await OwnRedis.start();
    return new MailboxRig(own, await own.connect());
  }

  store(redis = this.redis): RedisReportMailbox {
    return new RedisReportMailbox(redis, RETENTION_MS, this.clock, this.log);
  }

  reports(quota: Partial<ReportQuota> = {}): RedisReports {
    const whole = { retentionMs: RETENTION_MS, countMax: 20_000, bytesMax: 1e9, strays: STRAYS_MAX, ...quota };
    return new RedisReports(this.redis, whole, this.clock, new Metrics(), this.log);
  }

  /** A report on a message of ours; each another occurrence. */
  report(given: Partial<Report> = {}): Report {
    const key = `report ${String(this.written++)}`;
    const content = Buffer.from(`Subject: ${key}\r\n\r\n`);
    return { key, kind: 'hard', messageId: 'm1', at: this.clock.now(), content, ...given };
  }

  async append(count = 1, given: Partial<Report> = {}, account = 'shop'): Promise<void> {
    const reports = this.reports();
    for (let left = count; left > 0; left -= AT_ONCE) {
      const some = Array.from({ length: Math.min(left, AT_ONCE) }, () => this.report(given));
      await Promise.all(some.map((report) => reports.append(account, report)));
    }
  }

  /** As one process has them. Without a store of its own, on a connection of its own. */
  async process(store?: RedisReportMailbox, url = this.own.url): Promise<Mailboxes> {
    const own = store ?? this.store(await this.own.connect());
    const mailboxes = new Mailboxes(own, () => connectRedis(url, 'queue'), this.log);
    this.opened.push(mailboxes);
    return mailboxes;
  }

  /** What is counted is what is there. */
  async expectExactCounts(account = 'shop'): Promise<void> {
    const { mailbox, contents, listed, strays } = reportKeys(account);
    const kept = await this.redis.hkeys(contents);
    const ofStrays = await this.redis.zrange(strays, '0', '-1');
    const bytesOf = async (uids: readonly string[]): Promise<number> => {
      const lengths = await Promise.all(uids.map((uid) => this.redis.hstrlen(contents, uid)));
      return lengths.reduce((sum, length) => sum + length, 0);
    };
    const counts = (await this.redis.hmget(mailbox, 'b', 's')).map(Number);
    expect(counts).toEqual([await bytesOf(kept), await bytesOf(ofStrays)]);
    const there = (await this.store().load(account)).reports.map(({ uid }) => String(uid));
    expect(kept.sort()).toEqual(there.sort());
    expect(await this.redis.zcard(listed)).toBe(there.length);
    expect(there).toEqual(expect.arrayContaining(ofStrays));
  }

  /** The mailbox as it is now, and its version. */
  async now(account = 'shop'): Promise<MailboxId & { readonly version: number }> {
    const { uidValidity, version } = await this.store().load(account);
    return { account, uidValidity, version };
  }

  /** Until so many processes hear on the channel: what is told before reaches nobody. */
  async heardBy(count: number): Promise<void> {
    while (((await this.redis.pubsub('NUMSUB', REPORTS_CHANNEL)) as [string, number])[1] < count);
  }

  async closeProcesses(): Promise<void> {
    await Promise.all(this.opened.map((mailboxes) => mailboxes.close()));
    this.opened = [];
  }

  async clear(): Promise<void> {
    await this.closeProcesses();
    await this.redis.config('SET', 'maxmemory', '0');
    await this.redis.flushall();
  }

  async stop(): Promise<void> {
    await this.closeProcesses();
    await this.own.stop();
  }
}

/** Resolves with the first state of the mailbox, now or later, that is as wanted. */
export function untilSeen(mailbox: AccountMailbox, isAsWanted: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isAsWanted()) return;
      end();
      resolve();
    };
    const end = mailbox.onChange(look);
    look();
  });
}

export function uidsOf(mailbox: AccountMailbox, folder: Parameters<AccountMailbox['folder']>[0] = 'INBOX'): number[] {
  return mailbox.folder(folder).reports.map(({ uid }) => uid);
}
