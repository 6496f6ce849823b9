/** How recipients are settled whose time is over: each with what its last attempt met, where there was one. */
import type { MessageEvent } from '../events/event.js';
import { findingOf, OWN_RULE } from '../mail/categories.js';
import type { Finding } from '../mail/classification.js';
import type { Settlement } from './spool.js';

/** Earlier versions did not classify what they wrote. */
type EarlierAttempt = Omit<MessageEvent & { type: 'deferred' | 'unknown' }, 'classification'> & {
  readonly classification?: Finding;
};

/** @param history what happened so far, oldest first */
export function expirySettlements(
  waiting: readonly number[],
  history: readonly MessageEvent[],
  nowMs: number,
): Settlement[] {
  const groups = new Map<MessageEvent | undefined, number[]>();
  for (const position of waiting) {
    const last = history.findLast((event) => isAttempt(event) && event.recipients?.includes(position));
    groups.set(last, [...(groups.get(last) ?? []), position]);
  }
  return [...groups].map(([last, recipients]) => expiry(recipients, last, nowMs));
}

function expiry(recipients: readonly number[], last: MessageEvent | undefined, nowMs: number): Settlement {
  const facts = { at: nowMs, recipients, source: 'reply', classification: findingOf('expired', 'expired') } as const;
  if (!last || !isAttempt(last)) return { recipients, state: 'expired', event: { type: 'expired', ...facts } };
  const { reply, attempt } = last;
  // What we found ourselves no server said.
  const mx = last.classification?.rule === OWN_RULE ? undefined : last.mx;
  // Whose fault it was in the end: an outage of ours, or a block list, must not be held against the address.
  const fault = last.classification?.fault ?? facts.classification.fault;
  const classification = { ...facts.classification, fault };
  return {
    recipients,
    state: 'expired',
    event: { type: 'expired', ...facts, classification, reply, ...(mx !== undefined && { mx }), attempt },
  };
}

function isAttempt(event: MessageEvent | EarlierAttempt): event is EarlierAttempt {
  return event.type === 'deferred' || event.type === 'unknown';
}
