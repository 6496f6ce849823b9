/**
 * What became of one recipient in one attempt, and in the end.
 *
 * Temporary or permanent is decided here and nowhere else: the first digit of the reply says it (RFC 5321 section
 * 4.2.1), and whatever is not clearly permanent is deferred.
 */
import type { Category, DialogueStage, Finding } from './classification.js';
import type { Reply } from './reply.js';

/** The states of a recipient, as the API names them. */
export const RECIPIENT_STATES = [
  'scheduled',
  'queued',
  'held',
  'deferred',
  'delivered',
  'bounced',
  'expired',
  'suppressed',
  'cancelled',
  'superseded',
  'unknown',
] as const;
export type RecipientState = (typeof RECIPIENT_STATES)[number];

/** States after which nothing more is tried. */
export const SETTLED_STATES = [
  'delivered',
  'bounced',
  'expired',
  'suppressed',
  'cancelled',
  'superseded',
] as const satisfies readonly RecipientState[];
export type SettledState = (typeof SETTLED_STATES)[number];

/**
 * The result of one attempt for one recipient.
 *
 * `unknown`: the connection was lost after our final dot and before the reply, so the message may or may not have
 * arrived (RFC 1047); it is tried again, and the event says so.
 */
export interface AttemptOutcome {
  readonly kind: 'delivered' | 'deferred' | 'bounced' | 'unknown';
  readonly reply: Reply;
  /** What was said when the reply came; absent where no server gave it. */
  readonly stage?: DialogueStage;
  /** What it is, where we gave the reply ourselves and know. */
  readonly category?: Category;
  /** Where we know more of it than its class does. */
  readonly words?: Required<Pick<Finding, 'explanation' | 'todo'>>;
}

/** The outcome that a server's own reply stands for. */
export function outcomeOfReply(reply: Reply, stage?: DialogueStage): AttemptOutcome {
  if (reply.code >= 200 && reply.code < 300) return { kind: 'delivered', reply };
  return { kind: refusalKind(reply), reply, ...(stage && { stage }) };
}

function refusalKind(reply: Reply): 'bounced' | 'deferred' {
  // RFC 5321 section 3.8: 421 is about the connection, so never about the recipient; any 5yz is permanent.
  // RFC 5321 section 4.5.3.1.10: a 552 for the number of recipients means 452.
  if (reply.code === 552 && /too many recipients/i.test(reply.text)) return 'deferred';
  return reply.code >= 500 ? 'bounced' : 'deferred';
}
