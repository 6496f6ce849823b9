import { describe, expect, it } from '@jest/globals';
import { findingOf } from '../../mail/categories.js';
import type { Category } from '../../mail/classification.js';
import { reportKindOf } from './report-kind.js';

describe('the view that a report stands in', () => {
  it.each<[Category, string]>([
    ['unknown_recipient', 'hard'],
    ['bad_domain', 'hard'],
    ['mailbox_full', 'soft'],
    ['connection_failed', 'soft'],
    ['greylisted', 'soft'],
    ['expired', 'soft'],
    ['unclassified', 'soft'],
    ['ip_blocked', 'blocked'],
    ['policy_rejected', 'blocked'],
    ['auth_failed', 'blocked'],
    ['reverse_dns', 'blocked'],
    ['content_spam', 'blocked'],
    ['message_too_large', 'blocked'],
    ['recipient_refused', 'blocked'],
  ])('of %s is %s', (category, kind) => {
    expect(reportKindOf('bounced', findingOf(category, 'test'))).toBe(kind);
  });

  it('is blocked where only the reputation made it temporary', () => {
    const finding = { ...findingOf('ip_blocked', 'test'), type: 'soft', retry: true } as const;
    expect(reportKindOf('expired', finding)).toBe('blocked');
  });

  it('of what is late is delayed, never hard', () => {
    expect(reportKindOf('delayed', findingOf('unknown_recipient', 'test'))).toBe('delayed');
  });

  it('of a complaint is its own', () => {
    expect(reportKindOf('complained')).toBe('complaint');
  });
});
