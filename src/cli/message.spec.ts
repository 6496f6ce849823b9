import { describe, expect, it } from '@jest/globals';
import type { EventView } from '../http-api/message-view.js';
import { formatMessage } from './message.js';

const AT = '2026-01-02T03:04:05.000Z';

function told(event: Omit<EventView, 'id' | 'at'>): string {
  const text = formatMessage({
    ...{
      id: 'm1',
      account: 'shop',
      acceptedAt: AT,
      expiresAt: AT,
      stream: 'critical',
      from: '',
      tags: [],
      metadata: {},
    },
    recipients: [{ address: 'ann@example.net', state: 'suppressed', events: [{ id: '1', at: AT, ...event }] }],
  });
  return text.trimEnd().split('\n').at(-1) ?? '';
}

describe('the history of a message', () => {
  it('says why an address is suppressed, and that it was tried all the same', () => {
    const because = '550 no such user';
    expect(told({ type: 'suppressed', reason: 'unknown_recipient', because })).toBe(
      `  ${AT}  suppressed for unknown_recipient, 550 no such user`,
    );
    expect(told({ type: 'suppression.bypassed', reason: 'mailbox_full', because: '452 full' })).toBe(
      `  ${AT}  suppression.bypassed tried though suppressed for mailbox_full, 452 full`,
    );
  });
});
