/** What an attempt leaves behind: its outcomes with what they mean, recipients grouped by what happened to them. */
import type { Classifier } from '../bounces/classify/classifier.js';
import { findingOf, OWN_RULE } from '../mail/categories.js';
import type { Finding } from '../mail/classification.js';
import type { AttemptOutcome } from '../mail/outcome.js';
import type { Claim, Settlement } from '../queue/spool.js';

/** A message that still waits this long after it might have left is late, and its sender hears of it: RFC 5321 section 4.5.4.1. */
const LATE_AFTER_MS = 4 * 3_600_000;

/** What an attempt knows once it is over. */
export interface Attempt {
  readonly outcomes: ReadonlyMap<string, AttemptOutcome>;
  readonly mx?: string;
  readonly tls: boolean;
  /** The Message-ID of what a smarthost took. */
  readonly sentMessageId?: string;
}

export type OutcomeGroups = ReadonlyMap<AttemptOutcome, readonly number[]>;

/** The recipients that were tried, by position, of each outcome. */
export function groupsOf({ message, waiting }: Claim, { outcomes }: Attempt): OutcomeGroups {
  const groups = new Map<AttemptOutcome, number[]>();
  for (const position of waiting) {
    const outcome = outcomes.get(message.recipients[position] ?? '');
    if (!outcome) continue;
    const group = groups.get(outcome);
    if (group) group.push(position);
    else groups.set(outcome, [position]);
  }
  return groups;
}

/** @param retryAt when what is deferred is tried again; undefined where nothing is */
export function settlementsOf(
  claim: Claim,
  attempt: Attempt,
  groups: OutcomeGroups,
  classifier: Classifier,
  times: { readonly now: number; readonly retryAt: number | undefined },
): Settlement[] {
  const { now, retryAt = now } = times;
  const { mx, tls } = attempt;
  /** The first that is late of each class: its sender is told once of each. */
  const late = isLate(claim, now) ? new Map<string, Settlement>() : undefined;
  const results = [...groups].map(([outcome, recipients]): Settlement => {
    const facts = {
      at: now,
      recipients,
      reply: outcome.reply,
      ...(mx !== undefined && { mx }),
      attempt: claim.attempts + 1,
    };
    if (outcome.kind === 'delivered') {
      return { recipients, state: 'delivered', event: { type: 'delivered', ...facts, tls } };
    }
    const classification = classify(outcome, mx, classifier);
    const refusal = { ...facts, source: 'reply', classification } as const;
    if (outcome.kind === 'bounced') return { recipients, state: 'bounced', event: { type: 'bounced', ...refusal } };
    if (late)
      addLate(late, classification.category, { recipients, state: 'deferred', event: { type: 'delayed', ...refusal } });
    return { recipients, state: 'deferred', event: { type: outcome.kind, ...refusal, nextAttemptAt: retryAt } };
  });
  return late ? [...results, ...late.values()] : results;
}

function classify(
  { reply, stage, category, words }: AttemptOutcome,
  mx: string | undefined,
  classifier: Classifier,
): Finding {
  if (category !== undefined) return { ...findingOf(category, OWN_RULE), ...words };
  return classifier.classify({ ...reply, ...(stage && { stage }), ...(mx !== undefined && { mx }) });
}

function isLate({ message, delayTold }: Claim, now: number): boolean {
  return !delayTold && now - Math.max(message.acceptedAt, message.sendAt ?? 0) >= LATE_AFTER_MS;
}

function addLate(late: Map<string, Settlement>, category: string, settlement: Settlement): void {
  const told = late.get(category);
  const recipients = [...(told?.recipients ?? []), ...settlement.recipients];
  const { event } = told ?? settlement;
  late.set(category, { recipients, state: 'deferred', event: { ...event, recipients } });
}
