/**
 * A folder as one session has been told of it, and what to tell when it has become another: RFC 3501 sections 5.2 and 7.
 * Message numbers are places in what was told; a report that is gone keeps its place until the client has heard of it.
 */
import type { FolderName } from '../../bounces/reports/report-folders.js';
import type { FlagChange, StoredReport } from '../../bounces/reports/report-mailbox.js';
import type { FolderSnapshot } from '../state/folder-views.js';

export interface NumberedReport {
  /** Message number: the place, from 1. */
  readonly number: number;
  readonly report: StoredReport;
}

export interface Telling {
  /** RFC 3501 section 7.4.1: not while FETCH, STORE and SEARCH are answered, because their numbers would shift. */
  readonly mayExpunge: boolean;
  /** Reports above this uid are new to everybody. */
  readonly recentFrom: number;
  /** A change of flags that the client made and takes for done: STORE with .SILENT. */
  readonly silent?: {
    readonly uids: ReadonlySet<number>;
    readonly how: FlagChange;
    readonly flags: readonly string[];
  };
}

export class SelectedFolder {
  private told: readonly StoredReport[];
  /** Uids of reports that this session is the first to see. */
  private readonly recent = new Set<number>();

  /** @param readOnly EXAMINE: nothing of it is changed by this session */
  constructor(
    readonly name: FolderName,
    readonly readOnly: boolean,
    snapshot: FolderSnapshot,
    recentFrom: number,
  ) {
    this.told = snapshot.reports;
    this.noteRecent(snapshot.reports, recentFrom);
  }

  /** As the client knows them: the message with number n is the one at n - 1. */
  get reports(): readonly StoredReport[] {
    return this.told;
  }

  get recentCount(): number {
    return this.recent.size;
  }

  /** The uid of the last message that the client knows of; 0 where there is none. */
  get lastUid(): number {
    return this.told.at(-1)?.uid ?? 0;
  }

  isRecent({ uid }: StoredReport): boolean {
    return this.recent.has(uid);
  }

  /** As they are told, `\Recent` among them. */
  flagsOf(report: StoredReport): string {
    return (this.isRecent(report) ? [...report.flags, '\\Recent'] : report.flags).join(' ');
  }

  /** Takes what these reports are now for told: the client hears it in another way. */
  acknowledge(uids: ReadonlySet<number>, { reports }: FolderSnapshot): void {
    const now = new Map(reports.filter(({ uid }) => uids.has(uid)).map((report) => [report.uid, report]));
    this.told = this.told.map((report) => now.get(report.uid) ?? report);
  }

  /** Takes `snapshot` for told, and gives the untagged responses that tell it. */
  tell(snapshot: FolderSnapshot, telling: Telling): string[] {
    // What a client takes for done may have been undone by another since.
    if (this.told === snapshot.reports && !telling.silent) return [];
    const { expunged, appended, changed, next } = differenceTo(snapshot, this.told, telling);
    for (const { report } of expunged) this.recent.delete(report.uid);
    this.told = next;
    this.noteRecent(appended, telling.recentFrom);
    return [
      ...expunged.map(({ number }) => `* ${number} EXPUNGE\r\n`),
      ...(appended.length > 0 ? [`* ${next.length} EXISTS\r\n`, `* ${this.recent.size} RECENT\r\n`] : []),
      ...changed.map(
        ({ number, report }) => `* ${number} FETCH (UID ${report.uid} FLAGS (${this.flagsOf(report)}))\r\n`,
      ),
    ];
  }

  private noteRecent(reports: readonly StoredReport[], recentFrom: number): void {
    for (const { uid } of reports) if (uid > recentFrom) this.recent.add(uid);
  }
}

interface Difference {
  readonly told: readonly StoredReport[];
  /** By the number that each has when its turn comes. */
  readonly expunged: readonly NumberedReport[];
  readonly appended: readonly StoredReport[];
  readonly changed: readonly NumberedReport[];
  /** What is told then. */
  readonly next: readonly StoredReport[];
}

/** Thousands of sessions that wait are told the same, one after the other: it is worked out once. */
const lastDifferences = new WeakMap<FolderSnapshot, Difference>();

function differenceTo(snapshot: FolderSnapshot, told: readonly StoredReport[], telling: Telling): Difference {
  if (!telling.mayExpunge || telling.silent) return difference(told, snapshot.reports, telling);
  const last = lastDifferences.get(snapshot);
  if (last?.told === told) return last;
  const worked = difference(told, snapshot.reports, telling);
  lastDifferences.set(snapshot, worked);
  return worked;
}

function difference(
  told: readonly StoredReport[],
  reports: readonly StoredReport[],
  { mayExpunge, silent }: Telling,
): Difference {
  const expunged: NumberedReport[] = [];
  const changed: NumberedReport[] = [];
  const next: StoredReport[] = [];
  let at = 0;
  for (const was of told) {
    const now = reports[at]?.uid === was.uid ? reports[at++] : undefined;
    if (!now && mayExpunge) {
      expunged.push({ number: next.length + 1, report: was });
      continue;
    }
    next.push(now ?? was);
    const known = silent?.uids.has(was.uid) === true ? flagsAfter(was.flags, silent.how, silent.flags) : was.flags;
    if (now && !areSameFlags(now.flags, known)) changed.push({ number: next.length, report: now });
  }
  const appended = reports.slice(at);
  // Sessions that know the same share one array.
  const isAll = next.length + appended.length === reports.length;
  return { told, expunged, appended, changed, next: isAll ? reports : [...next, ...appended] };
}

/** What a change makes of flags; the order does not matter. */
export function flagsAfter(was: readonly string[], how: FlagChange, flags: readonly string[]): readonly string[] {
  switch (how) {
    case 'replace':
      return flags;
    case 'add':
      return [...was, ...flags];
    case 'remove': {
      const removed = new Set(flags.map(withoutCase));
      return was.filter((flag) => !removed.has(withoutCase(flag)));
    }
    default:
      return how satisfies never;
  }
}

function areSameFlags(a: readonly string[], b: readonly string[]): boolean {
  return a === b || keyOf(a) === keyOf(b);
}

function keyOf(flags: readonly string[]): string {
  return [...new Set(flags.map(withoutCase))].sort().join(' ');
}

function withoutCase(flag: string): string {
  return flag.toLowerCase();
}
