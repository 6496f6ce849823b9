/** The folders of a mailbox over its list of reports; what did not change stays the same object. */
import { eachFolder, REPORT_FOLDERS, type FolderName } from '../../bounces/reports/report-folders.js';
import type { FolderMarks, StoredReport } from '../../bounces/reports/report-mailbox.js';

/** A folder at one moment. The same object, with the same array, until something in the folder changes. */
export interface FolderSnapshot extends FolderMarks {
  /** By uid. A report whose flags changed is another object; one that did not is the same. */
  readonly reports: readonly StoredReport[];
}

export type FolderViews = Readonly<Record<FolderName, FolderSnapshot>>;

const EMPTY: FolderSnapshot = { reports: [], uidNext: 1, recentUid: 0, subscribed: true };
export const NO_VIEWS: FolderViews = eachFolder(() => EMPTY);

/** @returns `before` itself where nothing changed */
export function viewsOf(
  reports: readonly StoredReport[],
  marks: Readonly<Record<FolderName, FolderMarks>>,
  before: FolderViews,
): FolderViews {
  const views: Record<FolderName, FolderSnapshot> = { ...before };
  for (const { name, holds } of REPORT_FOLDERS)
    views[name] = snapshot(reports.filter(holds), marks[name], before[name]);
  return REPORT_FOLDERS.every(({ name }) => views[name] === before[name]) ? before : views;
}

function snapshot(reports: readonly StoredReport[], marks: FolderMarks, before: FolderSnapshot): FolderSnapshot {
  const isSame =
    reports.length === before.reports.length && reports.every((report, index) => report === before.reports[index]);
  const { uidNext, recentUid, subscribed } = marks;
  if (isSame && uidNext === before.uidNext && recentUid === before.recentUid && subscribed === before.subscribed) {
    return before;
  }
  return { reports: isSame ? before.reports : reports, uidNext, recentUid, subscribed };
}

/**
 * The list after another reading of all, or after changes (what is new or has other flags, and what is gone). A report that
 * is as it was stays the same object. Of uids up to `lastUid` none comes in: what is not there was taken away, and sessions
 * know it (RFC 3501 section 2.3.1.1).
 */
export function mergedList(
  before: readonly StoredReport[],
  lastUid: number,
  read:
    | { readonly all: readonly StoredReport[] }
    | { readonly changed: readonly StoredReport[]; readonly gone: readonly number[] },
): readonly StoredReport[] {
  const news = 'all' in read ? read.all : read.changed;
  const byUid = new Map(news.map((report) => [report.uid, report]));
  const gone = 'all' in read ? undefined : new Set(read.gone);
  if (gone?.size === 0 && news.length === 0) return before;
  const kept = before.filter(({ uid }) => (gone ? !gone.has(uid) : byUid.has(uid)));
  return [
    ...kept.map((report) => withFlagsOf(report, byUid.get(report.uid))),
    ...news.filter(({ uid }) => uid > lastUid && gone?.has(uid) !== true),
  ];
}

function withFlagsOf(report: StoredReport, read: StoredReport = report): StoredReport {
  const isSame =
    report.flags === read.flags ||
    (report.flags.length === read.flags.length && report.flags.every((flag, index) => flag === read.flags[index]));
  return isSame ? report : read;
}
