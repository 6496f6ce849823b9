/** What the readers of free text are given, and what they answer. */
import type { DialogueStage } from '../../../mail/classification.js';
import type { OriginalMessage } from '../returned-mail.js';

/** A mail that may be a bounce, as its MIME structure gave it. */
export interface ProseFacts {
  /** Human-readable text, decoded; lines end with \n; HTML already turned into text. */
  readonly text: string;
  readonly subject: string;
  /** The From field, decoded. */
  readonly from: string;
  readonly header: (name: string) => string | undefined;
  readonly original?: OriginalMessage;
}

export interface ProseRecipient {
  readonly address: string;
  /** Enhanced status code, RFC 3463. */
  readonly status?: string;
  /** SMTP reply code. */
  readonly code?: number;
  /** The words of the refusal; at most 1,000 characters, may be empty. */
  readonly diagnostic: string;
  /** The host that refused, where the text names it. */
  readonly mx?: string;
  readonly stage?: DialogueStage;
  readonly action?: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
}

export type ProseKind = 'bounce' | 'delayed' | 'delivered';

export interface ProseReport {
  readonly kind: ProseKind;
  /** Empty where the text names nobody. */
  readonly recipients: readonly ProseRecipient[];
  /** The family of mail programs that was recognised, `general` if none. */
  readonly program: string;
}

/** The facts with the report cut off from the message that came back below it. */
export interface ReportText extends ProseFacts {
  readonly report: string;
  readonly lines: readonly string[];
  /** The lines of the message that came back, where it stands in the same text. */
  readonly returned: readonly string[];
  /** Addresses that this mail itself speaks from and to, lower case: rarely the failed recipients. */
  readonly ownAddresses: ReadonlySet<string>;
}

/** A family of mail programs that write the same words. */
export interface Family {
  readonly name: string;
  recognises(text: ReportText): boolean;
  /** Empty where it finds nobody: then the next reader is asked. */
  read(text: ReportText): ProseRecipient[];
}
