/**
 * Decides what a refusal or a complaint does to an address: nothing, a count, or a suppression, and for how long. Pure: the
 * counts and the clock are its caller's.
 *
 * Only what is the recipient's own counts. A server that blocks our IP, does not like the content or is out of order says
 * nothing of the address, and such a refusal never leads here to anything.
 */
import type { Category, Fault, Finding } from '../../mail/classification.js';
import type { Stream } from '../../mail/stream.js';
import type { SuppressionCause, SuppressionReason } from './suppressions.js';

const DAY_MS = 86_400_000;

/** Full mailboxes are emptied: three messages refused in two weeks are a pattern, one is a holiday. */
export const MAILBOX_FULL_AFTER = 3;
export const MAILBOX_FULL_WITHIN_MS = 14 * DAY_MS;
/** How many, the account says (`suppressAfter`). */
export const UNDETERMINED_WITHIN_MS = 30 * DAY_MS;

/** Who was away, or has made room: by then it is worth another message. */
const MAILBOX_FULL_LASTS_MS = 14 * DAY_MS;
/** We do not know what it was, so it is not for ever. */
const UNDETERMINED_LASTS_MS = 30 * DAY_MS;
/** Domains lapse and are renewed, and a broken zone is mended within weeks. */
const BAD_DOMAIN_LASTS_MS = 30 * DAY_MS;
/** Suspended and unused mailboxes come back, seldom and after months. */
const RECIPIENT_DISABLED_LASTS_MS = 90 * DAY_MS;

/**
 * How long a suppression lasts; `never` is for what only a person can undo: a mailbox that does not exist or was given up,
 * and the wish of whoever complained or acted by hand. What is not named is undetermined.
 */
const LASTS_MS: Partial<Readonly<Record<SuppressionReason, number | 'never'>>> = {
  unknown_recipient: 'never',
  recipient_moved: 'never',
  complaint: 'never',
  manual: 'never',
  recipient_disabled: RECIPIENT_DISABLED_LASTS_MS,
  bad_domain: BAD_DOMAIN_LASTS_MS,
  mailbox_full: MAILBOX_FULL_LASTS_MS,
};

/** Causes that may be over already: a delivery lifts them, and critical mail may try in spite of them, once. */
const SOFT_CAUSES: ReadonlySet<SuppressionReason> = new Set<SuppressionReason>([
  'mailbox_full',
  'recipient_refused',
  'unclassified',
  'expired',
]);

/** Classes that count, where they are repeated, though nobody knows what they mean. */
const COUNTED: ReadonlySet<Category> = new Set<Category>(['recipient_refused', 'unclassified', 'expired']);

/** Feedback types (RFC 5965 section 7.3, RFC 6591) that are no person's complaint about a mail. */
const NO_COMPLAINTS: ReadonlySet<string> = new Set(['not-spam', 'auth-failure', 'dmarc']);

/** What is counted apart. */
export type Counter = 'full' | 'undetermined';

export interface Sentence {
  readonly reason: SuppressionReason;
  /** Only mail of these streams; absent: all mail. */
  readonly streams?: readonly Stream[];
}

export type Weight =
  | { readonly kind: 'nothing' }
  | ({ readonly kind: 'suppress' } & Sentence)
  /** Suppress when `after` different messages were refused so within `withinMs`. */
  | ({
      readonly kind: 'count';
      readonly counter: Counter;
      readonly after: number;
      readonly withinMs: number;
    } & Sentence);

/** @param suppressAfter undetermined refusals until an address is suppressed, as its account has it; 0: never */
export function weigh({ what, stream }: Pick<SuppressionCause, 'what' | 'stream'>, suppressAfter: number): Weight {
  if (what.kind === 'refused') return weighRefusal(what.classification, suppressAfter);
  if (!isComplaint(what.feedbackType)) return { kind: 'nothing' };
  return { kind: 'suppress', reason: 'complaint', streams: [stream] };
}

/** When a suppression for `reason` ends that began at `sinceMs`; undefined: never. */
export function endOf(reason: SuppressionReason, sinceMs: number): number | undefined {
  const lastsMs = LASTS_MS[reason] ?? UNDETERMINED_LASTS_MS;
  return lastsMs === 'never' ? undefined : sinceMs + lastsMs;
}

/** Whether a person complains, in a feedback report of this type. */
export function isComplaint(feedbackType: string): boolean {
  return !NO_COMPLAINTS.has(feedbackType.trim().toLowerCase());
}

export function isSoftCause(reason: SuppressionReason): boolean {
  return SOFT_CAUSES.has(reason);
}

/** Whether repeated refusals of this class lead to a suppression, though none of them is held against the address by itself. */
export function isCounted(category: Category): boolean {
  return COUNTED.has(category);
}

function weighRefusal({ category, suppress, fault }: Finding, suppressAfter: number): Weight {
  if (suppress) return fault === 'recipient' ? { kind: 'suppress', reason: category } : { kind: 'nothing' };
  if (category === 'mailbox_full' && fault === 'recipient') {
    const [after, withinMs] = [MAILBOX_FULL_AFTER, MAILBOX_FULL_WITHIN_MS];
    return { kind: 'count', counter: 'full', after, withinMs, reason: category };
  }
  const reason = countedAs(category, fault);
  if (reason === undefined || suppressAfter === 0) return { kind: 'nothing' };
  return {
    kind: 'count',
    counter: 'undetermined',
    after: suppressAfter,
    withinMs: UNDETERMINED_WITHIN_MS,
    reason,
  };
}

/** The reason that repeats of it become; undefined where it does not count. */
function countedAs(category: Category, fault: Fault): SuppressionReason | undefined {
  // Of what was tried until its time was over, the fault is that of its last reply: servers that are down say nothing.
  if (fault !== 'recipient' && fault !== 'unknown') return undefined;
  if (COUNTED.has(category)) return category;
  // An unknown mailbox that was said for the time being only, until the message expired: no dead address, but a pattern.
  return fault === 'recipient' ? 'expired' : undefined;
}
