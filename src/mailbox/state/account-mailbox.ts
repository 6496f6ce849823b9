/**
 * The mailbox of one account, as all its sessions in this process see it: it stands still until a change is read, and tells
 * of each. What is written is read back before the answer, so that who was told OK sees it.
 *
 * Where Redis is away all methods that return a promise throw, and what they were to do may have been done; the folders stay
 * as they were, and catch up when it is back.
 */
import type { FolderName } from '../../bounces/reports/report-folders.js';
import type {
  FlagChange,
  FlagsChanged,
  MailboxState,
  ReportMailbox,
  StoredReport,
} from '../../bounces/reports/report-mailbox.js';
import type { Log } from '../../telemetry/logger.js';
import { keywordsOf, spelledFlags } from './flag-names.js';
import { mergedList, NO_VIEWS, viewsOf, type FolderSnapshot } from './folder-views.js';

/** A step on many reports, or a storm of bounces, is told of many times; this is soon enough for who waits in IDLE. */
const HEARD_EVERY_MS = 100;

export class AccountMailbox {
  readonly uidValidity: number;
  private version = 0;
  private marks: MailboxState['folders'] = NO_VIEWS;
  private views = NO_VIEWS;
  private reports: readonly StoredReport[] = [];
  /** What was ever seen here. */
  private lastUid = 0;
  private isGone = false;
  /** There is something to read. */
  private isStale = false;
  /** It could not be read. */
  private isBehind = false;
  private keywordsKnown: readonly string[] | undefined;
  private readonly listeners = new Set<() => void>();
  private readonly claims = new Map<FolderName, Promise<number>>();
  private pause: NodeJS.Timeout | undefined;
  private reading: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly account: string,
    private readonly store: ReportMailbox,
    private readonly log: Log,
    state: MailboxState,
    /** Of one session; call it once for each `Mailboxes.open`. */
    readonly release: () => void,
  ) {
    this.uidValidity = state.uidValidity;
    this.show(state, state.reports);
  }

  /** The account was removed: its sessions have to end. */
  get gone(): boolean {
    return this.isGone;
  }

  folder(name: FolderName): FolderSnapshot {
    return this.views[name];
  }

  /** Those in use (flags that begin with no backslash), each in one spelling. */
  get keywords(): readonly string[] {
    this.keywordsKnown ??= keywordsOf(this.reports);
    return this.keywordsKnown;
  }

  /** `listener` is called after a folder changed or the mailbox went, and must not throw. @returns what ends that */
  onChange(listener: () => void): () => void {
    // Of its own, so that one function given twice is called twice.
    const own = (): void => listener();
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  /** Afterwards all is seen here that was written before the call. Calls that come while one reads share the next reading. */
  refresh(): Promise<void> {
    this.waiting ??= this.reading.then(() => {
      const reading = this.read();
      this.reading = reading.catch(() => undefined);
      this.waiting = undefined;
      return reading;
    });
    return this.waiting;
  }

  /** A change was heard of: it is read at once, or with those that follow closely. */
  hear(version: number): void {
    // 0: the account was removed.
    if (version !== 0 && version <= this.version) return;
    this.isStale = true;
    if (this.pause) return;
    this.pause = setTimeout(() => {
      this.pause = undefined;
      this.catchUp();
    }, HEARD_EVERY_MS).unref();
    this.catchUp();
  }

  /** Reads what could not be read before. */
  catchUp(): void {
    if (this.isStale) this.refresh().catch(() => undefined);
  }

  /** Something may have changed unheard. */
  doubt(): void {
    this.isStale = true;
    this.catchUp();
  }

  /** Takes away what has had its time. */
  expire(): void {
    const horizon = this.store.horizon();
    if (this.reports.some(({ at }) => at <= horizon))
      this.show({ version: this.version, folders: this.marks }, this.reports);
  }

  /** The caller bounds how many octets it asks for: all of them are in memory at once. One that is gone is not in the answer. */
  contents(reports: readonly Pick<StoredReport, 'uid' | 'octets'>[]): Promise<Map<number, Buffer>> {
    return this.store.contents(this.account, reports);
  }

  changeFlags(uids: readonly number[], how: FlagChange, flags: readonly string[]): Promise<FlagsChanged> {
    return this.written(this.store.changeFlags(this.id, uids, how, spelledFlags(flags, this.keywords)));
  }

  /** With `flagged` only those that still have this flag. @returns those that went now */
  remove(uids: readonly number[], flagged?: string): Promise<readonly number[]> {
    return this.written(this.store.remove(this.id, uids, flagged));
  }

  /** @returns the new uid of each that went into the archive, in the order of both */
  archive(uids: readonly number[]): Promise<Map<number, number>> {
    return this.written(this.store.archive(this.id, uids));
  }

  /** Makes what is above the returned uid recent in one session alone: RFC 3501 section 2.3.2. */
  async claimRecent(folder: FolderName): Promise<number> {
    // Of thousands of sessions that wait for one report the first claims it, and the others see that it was faster.
    for (let claim = this.claims.get(folder); claim; claim = this.claims.get(folder)) {
      await claim;
      const { reports, recentUid } = this.folder(folder);
      if ((reports.at(-1)?.uid ?? 0) <= recentUid) return recentUid;
    }
    const claim = this.written(this.store.claimRecent(this.id, folder));
    this.claims.set(folder, claim);
    return claim.finally(() => this.claims.delete(folder));
  }

  setSubscribed(folder: FolderName, subscribed: boolean): Promise<void> {
    return this.written(this.store.setSubscribed(this.id, folder, subscribed));
  }

  private get id(): { account: string; uidValidity: number } {
    return { account: this.account, uidValidity: this.uidValidity };
  }

  private async written<Result>(writing: Promise<Result>): Promise<Result> {
    try {
      return await writing;
    } catch (error) {
      // What got no answer may have been done.
      this.isStale = true;
      throw error;
    } finally {
      await this.refresh();
    }
  }

  private async read(): Promise<void> {
    if (this.isGone) return;
    this.isStale = false;
    try {
      await this.readChanges();
      this.isBehind = false;
    } catch (error) {
      this.isStale = true;
      if (!this.isBehind) this.log.warn('mailbox.behind', { account: this.account, error: (error as Error).message });
      this.isBehind = true;
      throw error;
    }
  }

  private async readChanges(): Promise<void> {
    const changes = await this.store.changesSince(this.id, this.version);
    switch (changes.kind) {
      case 'gone':
        return this.end();
      case 'reload': {
        const state = await this.store.load(this.account);
        if (state.uidValidity !== this.uidValidity) return this.end();
        return this.show(state, mergedList(this.reports, this.lastUid, { all: state.reports }));
      }
      case 'changes':
        if (changes.version === this.version) return;
        return this.show(changes, mergedList(this.reports, this.lastUid, changes));
      default:
        changes satisfies never;
    }
  }

  private show(read: Pick<MailboxState, 'version' | 'folders'>, list: readonly StoredReport[]): void {
    const horizon = this.store.horizon();
    const outlived = list.filter(({ at }) => at <= horizon).map(({ uid }) => uid);
    this.reports = outlived.length === 0 ? list : list.filter(({ at }) => at > horizon);
    this.lastUid = Math.max(this.lastUid, list.at(-1)?.uid ?? 0);
    this.version = read.version;
    this.marks = read.folders;
    const views = viewsOf(this.reports, read.folders, this.views);
    if (views !== this.views) {
      this.views = views;
      this.keywordsKnown = undefined;
      this.tell();
    }
    if (outlived.length > 0) this.shed(outlived);
  }

  /** Nobody sees them any more; if it fails, the next report or the next process that looks takes them away. */
  private shed(uids: readonly number[]): void {
    this.store.remove(this.id, uids).catch((error: unknown) => {
      this.log.warn('mailbox.not_shed', { account: this.account, error: (error as Error).message });
    });
  }

  private end(): void {
    this.isGone = true;
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
