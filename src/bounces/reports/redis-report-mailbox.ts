/** The mailbox over the reports in Redis: each change is one script, each reading one moment. */
import type { Redis } from 'ioredis';
import type { Clock } from '../../mail/clock.js';
import { decodeBody } from '../../queue/body-codec.js';
import { reportKeys } from '../../store/keyspace.js';
import type { ScriptArgument } from '../../store/lua-script.js';
import type { Log } from '../../telemetry/logger.js';
import {
  archiveReportsScript,
  changeFlagsScript,
  claimRecentScript,
  removeReportsScript,
  subscribeFolderScript,
} from './change-reports-scripts.js';
import { moveOlderList, STEP_REPORTS_MAX, type MailboxStep } from './mailbox-step.js';
import { readChangesScript } from './read-changes-script.js';
import { eachFolder, foldersOf, type FolderName } from './report-folders.js';
import {
  ReportMailbox,
  type FlagChange,
  type FlagsChanged,
  type FolderMarks,
  type MailboxChanges,
  type MailboxId,
  type MailboxState,
  type StoredReport,
} from './report-mailbox.js';
import { RecordReader } from './report-record.js';
import { newUidValidity } from './uid-validity.js';

type Loaded = [fields: Record<string, string>, lifeMs: number, older: number, records: string[]];

/** Contents that one step copies: about a millisecond for each of them. */
const ARCHIVED_BYTES_PER_STEP = 4 * 1024 * 1024;

export class RedisReportMailbox extends ReportMailbox {
  private readonly records = new RecordReader();

  constructor(
    private readonly redis: Redis,
    private readonly retentionMs: number,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    super();
  }

  override async load(account: string): Promise<MailboxState> {
    const { mailbox, listed, olderList } = reportKeys(account);
    for (;;) {
      // No MULTI, which a full Redis refuses. The version comes first, so that what changes meanwhile is read again as a change.
      const reading = this.redis.pipeline().hgetall(mailbox).pttl(mailbox).exists(olderList).zrange(listed, '0', '-1');
      const [fields, lifeMs, older, records] = repliesOf(await reading.exec()) as Loaded;
      const { v, c = '0', n = '0' } = fields;
      if (older > 0) await moveOlderList(this.redis, account, this.retentionMs);
      // A life that ends is that of an account that is gone: this is another with its name.
      else if (v === undefined || lifeMs >= 0) await this.make(mailbox);
      else {
        // What came after the version is told of as a change, with the UIDNEXT that goes with it.
        const reports = records.map((record) => this.records.read(record)).filter(({ uid }) => uid <= Number(n));
        return { uidValidity: Number(v), version: Number(c), folders: marksOf(fields), reports };
      }
    }
  }

  override async changesSince(id: MailboxId, version: number): Promise<MailboxChanges> {
    const read = await this.run(readChangesScript, id, [version]);
    if (read === undefined) return { kind: 'gone' };
    if (read === 0) return { kind: 'reload' };
    const [pairs, records, gone] = read;
    const fields: Record<string, string> = {};
    for (let i = 0; i + 1 < pairs.length; i += 2) fields[pairs[i] ?? ''] = pairs[i + 1] ?? '';
    return {
      kind: 'changes',
      version: Number(fields.c ?? 0),
      folders: marksOf(fields),
      changed: records.map((record) => this.records.read(record)).sort((a, b) => a.uid - b.uid),
      gone: gone.map(Number),
    };
  }

  override async contents(
    account: string,
    reports: readonly Pick<StoredReport, 'uid' | 'octets'>[],
  ): Promise<Map<number, Buffer>> {
    const contents = new Map<number, Buffer>();
    if (reports.length === 0) return contents;
    const uids = reports.map(({ uid }) => String(uid));
    const stored = await this.redis.hmgetBuffer(reportKeys(account).contents, ...uids);
    const decoding = reports.map(async ({ uid, octets }, index) => {
      const bytes = stored[index];
      if (!bytes) return;
      try {
        // Compressed it is always less: so what others wrote is never taken for it.
        contents.set(uid, bytes.length === octets ? bytes : await decodeBody(bytes, octets));
      } catch (error) {
        // One that is damaged must not keep a mail program from the others.
        this.log.error('report.damaged', { account, uid, error: (error as Error).message });
      }
    });
    await Promise.all(decoding);
    return contents;
  }

  override async changeFlags(
    id: MailboxId,
    uids: readonly number[],
    how: FlagChange,
    flags: readonly string[],
  ): Promise<FlagsChanged> {
    const changed: number[] = [];
    const refused: number[] = [];
    for (const some of stepsOf(uids)) {
      const done = await this.run(changeFlagsScript, id, [how, flags.length, ...flags, ...some]);
      changed.push(...(done?.[0] ?? []).map(Number));
      refused.push(...(done?.[1] ?? []).map(Number));
    }
    return { changed, refused };
  }

  override async remove(id: MailboxId, uids: readonly number[], flagged = ''): Promise<readonly number[]> {
    const gone: number[] = [];
    for (const some of stepsOf(uids)) {
      gone.push(...((await this.run(removeReportsScript, id, [flagged, ...some])) ?? []).map(Number));
    }
    return gone;
  }

  override async archive(id: MailboxId, uids: readonly number[]): Promise<Map<number, number>> {
    const folders = foldersOf({ kind: 'other', archived: true }).join(' ');
    const moved = new Map<number, number>();
    let left = uids.toSorted((a, b) => a - b);
    while (left.length > 0) {
      const some = left.slice(0, STEP_REPORTS_MAX);
      const done = await this.run(archiveReportsScript, id, [ARCHIVED_BYTES_PER_STEP, folders, ...some]);
      if (!done) break;
      const [seen = 0, ...pairs] = done.map(Number);
      for (let i = 0; i + 1 < pairs.length; i += 2) moved.set(pairs[i] ?? 0, pairs[i + 1] ?? 0);
      left = left.slice(seen);
    }
    return moved;
  }

  override async claimRecent(id: MailboxId, folder: FolderName): Promise<number> {
    return (await this.run(claimRecentScript, id, [folder])) ?? 0;
  }

  override async setSubscribed(id: MailboxId, folder: FolderName, subscribed: boolean): Promise<void> {
    await this.run(subscribeFolderScript, id, [folder, subscribed ? '1' : '0']);
  }

  override horizon(): number {
    return this.clock.now() - this.retentionMs;
  }

  private async make(mailbox: string): Promise<void> {
    repliesOf(await this.redis.multi().hsetnx(mailbox, 'v', newUidValidity(this.clock)).persist(mailbox).exec());
  }

  private run<Result>(
    step: MailboxStep<Result>,
    id: MailboxId,
    args: readonly ScriptArgument[],
  ): Promise<Result | undefined> {
    return step.run(this.redis, { ...id, retentionMs: this.retentionMs }, args);
  }
}

function repliesOf(results: [error: Error | null, reply: unknown][] | null): unknown[] {
  return (results ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

function stepsOf(uids: readonly number[]): number[][] {
  const steps: number[][] = [];
  for (let at = 0; at < uids.length; at += STEP_REPORTS_MAX) steps.push(uids.slice(at, at + STEP_REPORTS_MAX));
  return steps;
}

function marksOf(fields: Readonly<Record<string, string>>): Record<FolderName, FolderMarks> {
  // Before there were folders nobody was told a UIDNEXT, so any that is above all uids will do.
  const lastGiven = fields.n ?? '0';
  return eachFolder((name) => ({
    uidNext: Number(fields[`u:${name}`] ?? lastGiven) + 1,
    recentUid: Number(fields[`r:${name}`] ?? 0),
    subscribed: fields[`off:${name}`] === undefined,
  }));
}
