/** Material of reports for the tests: a bounce of one recipient, and whatever else a test asks for. */
import type { ReportMaterial } from '../../src/bounces/reports/compose-report.js';
import type { ReportedEvent } from '../../src/bounces/reports/explain-report.js';
import { findingOf } from '../../src/mail/categories.js';
import type { MessageRecord } from '../../src/queue/spool.js';

export const SERVER = { hostname: 'mail.shop.example', bounceDomain: 'bounces.shop.example' };
export const ACCEPTED_AT = Date.UTC(2026, 10, 21, 12);
export const MESSAGE_ID = '01kaj5f0000000000000000000';

export function record(given: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: MESSAGE_ID,
    account: 'shop',
    door: 'smtp',
    stream: 'default',
    acceptedAt: ACCEPTED_AT,
    expiresAt: ACCEPTED_AT + 172_800_000,
    reversePath: 'orders@shop.example',
    recipients: ['ann@one.example'],
    transactions: [{ domain: 'one.example', recipients: [0] }],
    fromDomain: 'shop.example',
    subject: 'Your order',
    bodyBytes: 100,
    ...given,
  };
}

export function bounce(given: Partial<Extract<ReportedEvent, { type: 'bounced' }>> = {}): ReportedEvent {
  return {
    type: 'bounced',
    at: ACCEPTED_AT + 65_000,
    recipients: [0],
    source: 'reply',
    classification: findingOf('unknown_recipient', 'standards/5.1.1'),
    reply: { code: 550, enhanced: '5.1.1', text: 'no such user here' },
    mx: 'mx.one.example[192.0.2.1]:25',
    attempt: 2,
    ...given,
  };
}

export function material(given: Partial<ReportMaterial> = {}): ReportMaterial {
  const message = given.message ?? record();
  return { message, event: bounce(), recipients: message.recipients, suppressed: new Map(), number: 3, ...given };
}
