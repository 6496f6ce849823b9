import { describe, expect, it } from '@jest/globals';
import { CATEGORIES, FAULTS, type Category, type Finding } from '../../mail/classification.js';
import { CATEGORY_FACTS, findingOf } from '../../mail/categories.js';
import { endOf, isSoftCause, weigh, type Weight } from './suppression-policy.js';

const DAY_MS = 86_400_000;

function weighed(finding: Finding, suppressAfter = 5): Weight {
  return weigh({ what: { kind: 'refused', classification: finding, reply: '' }, stream: 'default' }, suppressAfter);
}

function complaint(feedbackType: string): Weight {
  return weigh({ what: { kind: 'complained', feedbackType }, stream: 'bulk' }, 5);
}

const of = (category: Category, given: Partial<Finding> = {}): Finding => ({
  ...findingOf(category, 'test'),
  ...given,
});

describe('a class of refusal', () => {
  const hard = ['unknown_recipient', 'recipient_disabled', 'recipient_moved', 'bad_domain'] as const;
  const counted = ['recipient_refused', 'unclassified'] as const;

  it.each(CATEGORIES)('%s does what is its own, and the rest does nothing', (category) => {
    const weight = weighed(of(category));
    if (hard.some((each) => each === category)) expect(weight).toEqual({ kind: 'suppress', reason: category });
    else if (category === 'mailbox_full')
      expect(weight).toEqual({ kind: 'count', counter: 'full', after: 3, withinMs: 14 * DAY_MS, reason: category });
    else if (counted.some((each) => each === category))
      expect(weight).toMatchObject({ kind: 'count', counter: 'undetermined', after: 5, withinMs: 30 * DAY_MS });
    else expect(weight).toEqual({ kind: 'nothing' });
  });

  it('never counts for a fault that is not the recipient’s, whatever else a rule says', () => {
    for (const category of CATEGORIES)
      for (const fault of FAULTS)
        for (const suppress of [true, false]) {
          if (fault === 'recipient' || fault === 'unknown') continue;
          expect(weighed(of(category, { fault, suppress }))).toEqual({ kind: 'nothing' });
        }
  });

  it('never suppresses at once where its finding does not say so', () => {
    for (const category of CATEGORIES)
      for (const fault of FAULTS) expect(weighed(of(category, { fault, suppress: false })).kind).not.toBe('suppress');
  });

  it('that is hard by name and was said for the time being only counts as expired', () => {
    const soft = { type: 'soft', retry: true, suppress: false } as const;
    expect(weighed(of('unknown_recipient', soft))).toMatchObject({ kind: 'count', reason: 'expired' });
  });

  it('that was tried until its time was over counts where its last reply was about the recipient', () => {
    expect(weighed(of('expired', { fault: 'recipient' }))).toMatchObject({ kind: 'count', reason: 'expired' });
  });

  it('counts as often as the account says, and not at all with 0', () => {
    expect(weighed(of('unclassified'), 2)).toMatchObject({ after: 2 });
    expect(weighed(of('unclassified'), 0)).toEqual({ kind: 'nothing' });
    expect(weighed(of('mailbox_full'), 0)).toMatchObject({ after: 3 });
  });
});

describe('a complaint', () => {
  it.each(['abuse', 'fraud', 'virus', 'other', 'opt-out', 'ABUSE'])('of the type %s suppresses its stream', (type) => {
    expect(complaint(type)).toEqual({ kind: 'suppress', reason: 'complaint', streams: ['bulk'] });
  });

  it.each(['not-spam', 'auth-failure', 'dmarc', 'Not-Spam'])('of the type %s is none', (type) => {
    expect(complaint(type)).toEqual({ kind: 'nothing' });
  });
});

describe('a suppression', () => {
  it.each([
    ['unknown_recipient', undefined],
    ['recipient_moved', undefined],
    ['complaint', undefined],
    ['manual', undefined],
    ['recipient_disabled', 90],
    ['bad_domain', 30],
    ['mailbox_full', 14],
    ['recipient_refused', 30],
    ['unclassified', 30],
    ['expired', 30],
  ] as const)('for %s lasts %p days', (reason, days) => {
    expect(endOf(reason, 1_000)).toBe(days === undefined ? undefined : 1_000 + days * DAY_MS);
  });

  it('is soft for no hard class, no complaint and no hand', () => {
    const soft = [...CATEGORIES, 'complaint' as const, 'manual' as const].filter(isSoftCause);
    expect(soft).toEqual(['mailbox_full', 'recipient_refused', 'expired', 'unclassified']);
    expect(soft.filter((reason) => reason in CATEGORY_FACTS && CATEGORY_FACTS[reason as Category].suppress)).toEqual(
      [],
    );
  });
});
