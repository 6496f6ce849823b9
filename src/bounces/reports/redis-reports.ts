/**
 * The reports in Redis, laid out for a mailbox of IMAP and POP3: of each account one counter of uids, one stream that lists
 * the reports by uid, and one hash of their contents.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Category } from '../../mail/classification.js';
import type { Clock } from '../../mail/clock.js';
import { decodeBody, encodeBody } from '../../queue/body-codec.js';
import { reportKeys } from '../../store/keyspace.js';
import { RedisRoom } from '../../store/redis-room.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { appendReportScript } from './append-report-script.js';
import { Reports, type Report, type ReportKind, type ReportMailbox, type StoredReport } from './reports.js';

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

  override async mailbox(account: string): Promise<ReportMailbox> {
    const { mailbox } = reportKeys(account);
    await this.redis.multi().hsetnx(mailbox, 'v', this.newUidValidity()).persist(mailbox).exec();
    const [validity, last] = await this.redis.hmget(mailbox, 'v', 'n');
    return { uidValidity: Number(validity), uidNext: Number(last ?? 0) + 1 };
  }

  override async list(account: string, afterUid: number, limit: number): Promise<readonly StoredReport[]> {
    const keys = reportKeys(account);
    const entries = await this.redis.xrange(keys.list, `${String(afterUid + 1)}-0`, '+', 'COUNT', limit);
    if (entries.length === 0) return [];
    const uids = entries.map(([id]) => Number.parseInt(id, 10));
    const flags = await this.redis.hmget(keys.flags, ...uids.map(String));
    const horizon = this.clock.now() - this.quota.retentionMs;
    return entries
      .map(([, fields], index) => storedReport(uids[index] ?? 0, fields, flags[index] ?? ''))
      .filter(({ at }) => at > horizon);
  }

  override async read(account: string, uid: number): Promise<Buffer | undefined> {
    const [report] = await this.list(account, uid - 1, 1);
    if (report?.uid !== uid) return undefined;
    const stored = await this.redis.hgetBuffer(reportKeys(account).contents, String(uid));
    if (stored === null) return undefined;
    // Compressed it is always less: so what others wrote is never taken for it.
    return stored.length === report.octets ? stored : decodeBody(stored, report.octets);
  }

  private async write(account: string, report: Report, stored: Buffer): Promise<'stored' | 'repeated' | 'dropped'> {
    const { mailbox, list, contents, flags, occurrences, strays } = reportKeys(account);
    const { retentionMs, countMax, bytesMax } = this.quota;
    const isStray = report.kind === 'other' || report.messageId === undefined;
    try {
      const uid = await appendReportScript.run(
        this.redis,
        [mailbox, list, contents, flags, occurrences, strays],
        [
          createHash('sha256').update(report.key).digest().subarray(0, 16),
          this.newUidValidity(),
          this.clock.now(),
          retentionMs,
          countMax,
          bytesMax,
          countMax * OCCURRENCES_PER_REPORT,
          SHED_MAX,
          stored,
          report.at,
          report.content.length,
          report.kind,
          report.category ?? '',
          report.messageId ?? '',
          isStray ? '1' : '',
          this.quota.strays.countMax,
          this.quota.strays.bytesMax,
        ],
      );
      return uid === 0 ? 'repeated' : 'stored';
    } catch (error) {
      // Redis's own word for "full": somebody was faster than our look at its memory.
      if ((error as Error).message.startsWith('OOM')) return 'dropped';
      throw error;
    }
  }

  /** Never the same again for a mailbox that was made anew; RFC 3501 section 2.3.1.1 proposes the time. */
  private newUidValidity(): number {
    return Math.floor(this.clock.now() / 1000);
  }
}

function storedReport(uid: number, list: readonly string[], flags: string): StoredReport {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < list.length; i += 2) fields.set(list[i] ?? '', list[i + 1] ?? '');
  const category = fields.get('category');
  const messageId = fields.get('message');
  return {
    uid,
    at: Number(fields.get('at')),
    octets: Number(fields.get('octets')),
    kind: fields.get('kind') as ReportKind,
    ...(category && { category: category as Category }),
    ...(messageId && { messageId }),
    flags: flags === '' ? [] : flags.split(' '),
  };
}
