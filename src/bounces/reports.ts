/**
 * The reports that people read in their mail program: one message for each bounce, delay and complaint of an account.
 *
 * What a caller may assume: a report whose key was stored before is not stored again, whatever is retried.
 */
import type { Category } from '../mail/classification.js';

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
  abstract append(account: string, report: Report): Promise<'stored' | 'repeated'>;
}
