/** A message between its judgement and its storage, and the record that it becomes. */
import { createHash } from 'node:crypto';
import { fieldValue, type HeaderBlock, type HeaderField } from '../mail/header-block.js';
import { planTransactions } from '../queue/plan-transactions.js';
import type { MessageRecord } from '../queue/spool.js';
import type { MessageOptions } from './option-schemas.js';
import { authorDomain, type Senders } from './sender-rules.js';

/** A subject is kept for people who search; this much of it is enough. */
const SUBJECT_CHARACTERS_MAX = 200;

export interface Parties {
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly senders: Senders;
}

export interface Draft {
  readonly content: Buffer;
  readonly header: HeaderBlock;
  readonly parties: Parties;
  readonly options: MessageOptions;
  /** The fields of the header that are options, to be stripped. */
  readonly optionFields: readonly HeaderField[];
}

/** When a message may leave, where that is not at once, and until when it is tried. */
export function timesOf(
  { sendAt, expiresIn }: MessageOptions,
  nowMs: number,
  expireAfterMs: number,
): { readonly sendAt?: number; readonly expiresAt: number } {
  const expiresInMs = Math.min(expiresIn === undefined ? expireAfterMs : expiresIn * 1000, expireAfterMs);
  // A time that is over is now.
  if (sendAt === undefined || sendAt <= nowMs) return { expiresAt: nowMs + expiresInMs };
  return { sendAt, expiresAt: sendAt + expiresInMs };
}

/** The record of the message; `expireAfterMs` is the operator's limit. */
export function recordOf(
  { content, header, parties, options }: Draft,
  facts: Pick<MessageRecord, 'id' | 'account' | 'door' | 'bodyBytes'>,
  nowMs: number,
  expireAfterMs: number,
): MessageRecord {
  const { stream = 'default', tags, metadata, supersedeKey } = options;
  const subject = header.fields.find(({ name }) => name === 'subject');
  return {
    ...facts,
    stream,
    acceptedAt: nowMs,
    ...timesOf(options, nowMs, expireAfterMs),
    reversePath: parties.reversePath,
    recipients: parties.recipients,
    transactions: planTransactions(parties.recipients),
    fromDomain: authorDomain(parties.senders, parties.reversePath),
    ...(subject && { subject: fieldValue(content, subject).slice(0, SUBJECT_CHARACTERS_MAX) }),
    ...(tags?.length && { tags }),
    ...(metadata && { metadata }),
    ...(supersedeKey !== undefined && { supersedeKey }),
  };
}

/** Over SMTP a client that tries again makes the message anew, with another Date and boundary: only its envelope is compared. */
export function envelopeFingerprint({ reversePath, recipients }: Parties): string {
  return `smtp:${createHash('sha256')
    .update(JSON.stringify([reversePath, [...recipients].sort()]))
    .digest('base64url')}`;
}
