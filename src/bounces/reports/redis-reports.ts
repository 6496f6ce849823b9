/**
 * Stores reports in Redis, laid out for a mailbox of IMAP and POP3: of each account one counter of uids, one sorted set that
 * lists the reports by uid, and one hash of their contents.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../../mail/clock.js';
import { encodeBody } from '../../queue/body-codec.js';
import { RedisRoom } from '../../store/redis-room.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { appendReportScript } from './append-report-script.js';
import { foldersOf } from './report-folders.js';
import { recordTail } from './report-record.js';
import { Reports, type Report } from './reports.js';
import { newUidValidity } from './uid-validity.js';

/** What an account's reports may take. */
export interface ReportQuota {
  readonly retentionMs: number;
  readonly countMax: number;
  /** Of the contents as they are stored. */
  readonly bytesMax: number;
  /** Of all this, what strays may take: mail to a postmaster, and reports on no message of ours. Anybody can send them. */
  readonly strays: { readonly countMax: number; readonly bytesMax: number };
}

/** A mailbox that a person can still look through, and a memory that many accounts can have. */
export const REPORTS_MAX = 10_000;
export const REPORT_BYTES_MAX = 256 * 1024 * 1024;
/** A twentieth and an eighth of it. */
export const STRAYS_MAX = { countMax: 500, bytesMax: 32 * 1024 * 1024 };

/** Nothing may suffer for a report: they leave room for what comes back, which leaves some for what goes out. */
const REDIS_SHARE_MAX = 0.8;

/** Reports that go in one call: more than come, so that a lowered quota is met soon, and few enough for a short call. */
const SHED_MAX = 100;
/** Occurrences remembered for each report that is kept: what is told again comes within minutes. */
const OCCURRENCES_PER_REPORT = 2;

export class RedisReports extends Reports {
  private readonly room: RedisRoom;

  constructor(
    private readonly redis: Redis,
    private readonly quota: ReportQuota,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {
    super();
    this.room = new RedisRoom(redis, REDIS_SHARE_MAX);
  }

  override async append(account: string, report: Report): Promise<'stored' | 'repeated' | 'dropped'> {
    const stored = await encodeBody(report.content);
    const outcome = (await this.room.isFullFor(stored.length)) ? 'dropped' : await this.write(account, report, stored);
    this.metrics.reports.inc({ outcome });
    if (outcome === 'dropped') this.log.warn('report.dropped', { account, id: report.messageId, bytes: stored.length });
    return outcome;
  }

  private async write(account: string, report: Report, stored: Buffer): Promise<'stored' | 'repeated' | 'dropped'> {
    const { retentionMs, countMax, bytesMax } = this.quota;
    const isStray = report.kind === 'other' || report.messageId === undefined;
    try {
      const uid = await appendReportScript.run(this.redis, { account, retentionMs }, [
        createHash('sha256').update(report.key).digest().subarray(0, 16),
        newUidValidity(this.clock),
        this.clock.now() - retentionMs,
        countMax,
        bytesMax,
        countMax * OCCURRENCES_PER_REPORT,
        SHED_MAX,
        stored,
        report.at,
        recordTail(report),
        foldersOf({ kind: report.kind, archived: false }).join(' '),
        isStray ? '1' : '',
        this.quota.strays.countMax,
        this.quota.strays.bytesMax,
      ]);
      return uid === 0 ? 'repeated' : 'stored';
    } catch (error) {
      // Redis's own word for "full": somebody was faster than our look at its memory.
      if ((error as Error).message.startsWith('OOM')) return 'dropped';
      throw error;
    }
  }
}
