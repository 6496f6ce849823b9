/**
 * Where the reports go that people read in their mail program (`report-mailbox.ts`): one message for each bounce, delay and
 * complaint of an account.
 *
 * What a caller may assume: a report whose key was stored before is not stored again, whatever is retried. Reports are kept
 * for a time and up to a quota of the account, the oldest go first, and strays of strangers in favour of none but strays;
 * one for which the store has no room is dropped and counted, because nothing may suffer for a report. `append` throws
 * where the store is away: then it is tried again.
 * What an implementer must not do: give a uid twice, or a smaller one later (RFC 3501 section 2.3.1.1).
 */
import type { Category } from '../../mail/classification.js';

/** Which view of the mailbox it stands in. `other` is mail to postmaster@ and abuse@, which stands in none. */
export const REPORT_KINDS = ['hard', 'soft', 'blocked', 'complaint', 'delayed', 'other'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

export interface Report {
  /** Names the occurrence. */
  readonly key: string;
  readonly kind: ReportKind;
  readonly category?: Category;
  /** The message that it is about. */
  readonly messageId?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** A whole message, RFC 5322, lines ending in CRLF. */
  readonly content: Buffer;
}

export abstract class Reports {
  abstract append(account: string, report: Report): Promise<'stored' | 'repeated' | 'dropped'>;
}
