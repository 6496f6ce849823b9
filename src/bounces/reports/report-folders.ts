/** The folders of the mailbox. All but the archive are views of the same reports, so that a report has one uid in all of them. */
import type { ReportKind } from './reports.js';

/** What decides where a report stands. */
export interface Placed {
  readonly kind: ReportKind;
  readonly archived: boolean;
}

export interface ReportFolder {
  readonly name: string;
  readonly holds: (report: Placed) => boolean;
  /** RFC 6154 section 2. */
  readonly specialUse?: '\\Archive';
}

const view = (kind: ReportKind) => (report: Placed) => !report.archived && report.kind === kind;

/** Mail to a postmaster, `other`, stands in INBOX alone. */
export const REPORT_FOLDERS = [
  { name: 'INBOX', holds: (report: Placed) => !report.archived },
  { name: 'Hard', holds: view('hard') },
  { name: 'Soft', holds: view('soft') },
  { name: 'Blocked', holds: view('blocked') },
  { name: 'Complaints', holds: view('complaint') },
  { name: 'Delayed', holds: view('delayed') },
  { name: 'Archive', holds: (report: Placed) => report.archived, specialUse: '\\Archive' },
] as const satisfies readonly ReportFolder[];

export type FolderName = (typeof REPORT_FOLDERS)[number]['name'];

/** Those that a report stands in. */
export function foldersOf(report: Placed): FolderName[] {
  return REPORT_FOLDERS.filter(({ holds }) => holds(report)).map(({ name }) => name);
}

export function eachFolder<Value>(valueOf: (name: FolderName) => Value): Record<FolderName, Value> {
  return Object.fromEntries(REPORT_FOLDERS.map(({ name }) => [name, valueOf(name)])) as Record<FolderName, Value>;
}
