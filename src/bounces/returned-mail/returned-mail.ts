/** What a mail that comes back says, whatever program wrote it: the result of `readReturnedMail`. */
import type { Category, Finding } from '../../mail/classification.js';

/** `other` is ordinary mail. Only `bounce` is a bounce. */
export const RETURNED_KINDS = [
  'bounce',
  'delayed',
  'delivered',
  'complaint',
  'auto_reply',
  'challenge',
  'other',
] as const;
export type ReturnedKind = (typeof RETURNED_KINDS)[number];

export interface ReturnedRecipient {
  /** Empty where the report names none. */
  readonly address: string;
  /** The mailbox that it failed at, where the report says that `address` was passed on to another: RFC 3464 section 2.3.2. */
  readonly final?: string;
  /** RFC 3464 section 2.3.3, or what the words stand for. */
  readonly action?: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
  /** Enhanced status code. */
  readonly status?: string;
  /** SMTP reply code. */
  readonly code?: number;
  /** The words that the remote server gave, or what the report says instead; at most 1,000 characters. */
  readonly diagnostic: string;
  /** The host that refused, where the report names it. */
  readonly mx?: string;
  readonly classification: Finding;
}

/** What of our message came back inside the report. */
export interface OriginalMessage {
  readonly messageId?: string;
  /** What stands in the header field of ours (`X-Posthorn-Ref`). */
  readonly reference?: string;
  readonly from?: string;
  readonly to: readonly string[];
  readonly subject?: string;
}

export interface ReturnedMail {
  readonly kind: ReturnedKind;
  readonly recipients: readonly ReturnedRecipient[];
  /** RFC 5965 section 7.3: abuse, fraud, virus, not-spam, other, ...; of a complaint only. */
  readonly feedbackType?: string;
  readonly original?: OriginalMessage;
  /** Of a DMARC or TLS report, which is `other`. */
  readonly report?: 'dmarc' | 'tls';
}

/** Whether a recipient of a bounce is called dead: undefined where the report does not let it be known. */
export function isHard({ category, type }: Finding): boolean | undefined {
  return category === ('unclassified' satisfies Category) ? undefined : type === 'hard';
}
