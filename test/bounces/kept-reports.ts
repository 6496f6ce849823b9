/** What the mailbox has of the reports of an account. */
import type { Redis } from 'ioredis';
import { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import type { StoredReport } from '../../src/bounces/reports/report-mailbox.js';
import type { Clock } from '../../src/mail/clock.js';
import { Log } from '../../src/telemetry/logger.js';

export class KeptReports {
  readonly mailbox: RedisReportMailbox;

  constructor(redis: Redis, clock: Clock, retentionMs: number) {
    const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
    this.mailbox = new RedisReportMailbox(redis, retentionMs, clock, log);
  }

  async of(account: string): Promise<readonly StoredReport[]> {
    const { reports } = await this.mailbox.load(account);
    return reports.filter(({ at }) => at > this.mailbox.horizon());
  }

  async content(account: string, uid: number): Promise<Buffer | undefined> {
    const reports = (await this.of(account)).filter((report) => report.uid === uid);
    return (await this.mailbox.contents(account, reports)).get(uid);
  }
}
