/**
 * What a refusal means: one of 26 classes, and what follows from it. `bounces/` decides which; every event that tells of
 * a refusal carries it.
 */

/** The classes, as the API and the metrics name them. */
export const CATEGORIES = [
  'unknown_recipient',
  'recipient_disabled',
  'recipient_moved',
  'bad_domain',
  'mailbox_full',
  'recipient_refused',
  'message_too_large',
  'content_spam',
  'content_malware',
  'content_rejected',
  'auth_failed',
  'sender_rejected',
  'relay_denied',
  'tls_failed',
  'reverse_dns',
  'ip_blocked',
  'domain_blocked',
  'rate_limited',
  'greylisted',
  'policy_rejected',
  'remote_system_error',
  'connection_failed',
  'routing_error',
  'protocol_error',
  'expired',
  'unclassified',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** `hard`: the address will never take mail. `soft`: it may do so later. `undetermined`: it says nothing of the address. */
export type BounceType = 'hard' | 'soft' | 'undetermined';

/** Whose fault it is: who has to do something about it. */
export const FAULTS = [
  'recipient',
  'sender',
  'content',
  'reputation',
  'infrastructure',
  'protocol',
  'unknown',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What was found about a refusal, as events keep it: the words of its class are added when it is read (`categories.ts`). */
export interface Finding {
  readonly category: Category;
  readonly type: BounceType;
  /** Whether it makes sense to send the same message again later; whether that is done by itself, the reply's code decides. */
  readonly retry: boolean;
  /** Whether the address is suppressed at once. */
  readonly suppress: boolean;
  readonly fault: Fault;
  /** Id of the rule that decided, as `docs/bounces.md` and the rule files name it. */
  readonly rule: string;
  /** Where the rule knows more than its class: what happened, in plain words for the sender. */
  readonly explanation?: string;
  /** Where the rule knows more than its class: what to do about it. */
  readonly todo?: string;
}

/** A finding with its words, as people and the API get it. */
export type Classification = Finding & Required<Pick<Finding, 'explanation' | 'todo'>>;

/** Where in the dialogue a reply was given: RFC 5321 section 3. `content` is the reply to the final dot. */
export const DIALOGUE_STAGES = ['connect', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'content'] as const;
export type DialogueStage = (typeof DIALOGUE_STAGES)[number];
