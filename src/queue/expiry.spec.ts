import { describe, expect, it } from '@jest/globals';
import type { MessageEvent } from '../events/event.js';
import { findingOf, OWN_RULE } from '../mail/categories.js';
import { expirySettlements } from './expiry.js';

const REPLY = { code: 451, text: 'later' };

function deferral(given: object): MessageEvent {
  const facts = { type: 'deferred', at: 1, recipients: [0], reply: REPLY, attempt: 3, nextAttemptAt: 2 };
  return { ...facts, ...given } as unknown as MessageEvent;
}

describe('what expires', () => {
  it('tells what its last attempt met, and whose fault that was', () => {
    const classification = findingOf('mailbox_full', 'test');
    const [settlement, ...more] = expirySettlements([0], [deferral({ source: 'reply', classification })], 9);
    expect(more).toEqual([]);
    expect(settlement).toMatchObject({
      recipients: [0],
      state: 'expired',
      event: { reply: REPLY, attempt: 3, classification: { category: 'expired', fault: 'recipient' } },
    });
  });

  it('names the server where it was one that said it', () => {
    const mxOf = (rule: string): unknown => {
      const classification = findingOf('connection_failed', rule);
      const mx = 'mx.one.example[192.0.2.1]:25';
      const [settlement] = expirySettlements([0], [deferral({ source: 'reply', classification, mx })], 9);
      return settlement?.event && 'mx' in settlement.event && settlement.event.mx;
    };
    expect([mxOf('standards/busy'), mxOf(OWN_RULE)]).toEqual(['mx.one.example[192.0.2.1]:25', false]);
  });

  it('does so with an attempt from a version that did not classify: it is not held against the address', () => {
    const [settlement] = expirySettlements([0], [deferral({})], 9);
    const classification = findingOf('expired', 'expired');
    expect(settlement?.event).toMatchObject({ type: 'expired', reply: REPLY, attempt: 3, classification });
    expect(classification.fault).not.toBe('recipient');
  });
});
