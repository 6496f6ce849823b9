import { describe, expect, it } from '@jest/globals';
import {
  adoptedCheckAt,
  domainAfterCheck,
  domainOnOperatorsWord,
  FAILING_GRACE_MS,
  nextCheckAt,
  type DnsWord,
} from './domain-state.js';
import { maySendAs, signingDomain, verifiedDomain, type DomainState, type SendingDomain } from './sending-domains.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ADDED_AT = 1_800_000_000_000;

function domain(state: DomainState, rest: Partial<SendingDomain> = {}): SendingDomain {
  return { name: 'example.org', state, addedAt: ADDED_AT, ...rest };
}

function after(before: SendingDomain, dkim: DnsWord, now = ADDED_AT + DAY): SendingDomain {
  return domainAfterCheck(before, { dkim, returnPath: 'unknown' }, now);
}

describe('a sending domain after a check', () => {
  it.each([
    ['pending', 'shown', 'verified'],
    ['pending', 'gone', 'pending'],
    ['pending', 'unknown', 'pending'],
    ['verified', 'shown', 'verified'],
    ['verified', 'gone', 'failing'],
    ['verified', 'unknown', 'verified'],
    ['failing', 'shown', 'verified'],
    ['unverified', 'shown', 'verified'],
    ['unverified', 'gone', 'unverified'],
    ['unverified', 'unknown', 'unverified'],
  ] as const)('that was %s, and whose key is %s, is %s', (before, word, state) => {
    const now = ADDED_AT + DAY;
    const result = after(domain(before, { verifiedBy: 'dns', stateSince: ADDED_AT }), word, now);
    expect([result.state, result.checkedAt]).toEqual([state, now]);
    expect(result.stateSince).toBe(state === before ? ADDED_AT : now);
  });

  it('fails for 72 hours before it is unverified, and only a definite answer ends that', () => {
    const failing = domain('failing', { verifiedBy: 'dns', stateSince: ADDED_AT });
    expect(after(failing, 'gone', ADDED_AT + FAILING_GRACE_MS - 1).state).toBe('failing');
    expect(after(failing, 'unknown', ADDED_AT + 10 * FAILING_GRACE_MS).state).toBe('failing');
    expect(after(failing, 'gone', ADDED_AT + FAILING_GRACE_MS).state).toBe('unverified');
  });

  it("never loses the operator's word", () => {
    const said = verifiedDomain('example.org', ADDED_AT);
    expect(after(said, 'gone')).toMatchObject({ state: 'verified', verifiedBy: 'operator' });
    expect(domainOnOperatorsWord(said, ADDED_AT + 1)).toBe(said);
    expect(domainOnOperatorsWord(domain('failing', { verifiedBy: 'dns' }), ADDED_AT + 1)).toMatchObject({
      state: 'verified',
      verifiedBy: 'operator',
      stateSince: ADDED_AT + 1,
    });
  });

  it('has the return path that DNS shows, and keeps it where DNS does not answer', () => {
    const check = (returnPath: DnsWord, before?: 'verified') =>
      domainAfterCheck(domain('pending', before && { returnPath: before }), { dkim: 'unknown', returnPath }, ADDED_AT)
        .returnPath;
    expect([check('shown'), check('gone', 'verified'), check('unknown', 'verified'), check('unknown')]).toEqual([
      'verified',
      'pending',
      'verified',
      'pending',
    ]);
  });
});

describe('who may send', () => {
  it.each([
    ['pending', false],
    ['verified', true],
    ['failing', true],
    ['unverified', false],
  ] as const)('as a domain that is %s: %s', (state, may) => {
    expect(maySendAs([domain(state)], 'example.org')).toBe(may);
    expect(maySendAs([domain(state)], 'mail.example.org')).toBe(false);
    expect(signingDomain([verifiedDomain('first.example', 0), domain(state)], 'example.org')).toBe(
      may ? 'example.org' : 'first.example',
    );
  });
});

describe('the next check', () => {
  const inMs = (checked: SendingDomain, now: number, waitingSince?: number, random = 0.5): number =>
    nextCheckAt(checked, waitingSince, now, random) - now;

  it('of a domain that waits comes after 1, 2, 5, 10 and 30 minutes, then hourly, after 14 days daily', () => {
    const checks: number[] = [];
    for (let now = ADDED_AT; now < ADDED_AT + 16 * DAY;) {
      now += inMs(domain('pending'), now);
      checks.push((now - ADDED_AT) / MINUTE);
    }
    expect(checks.slice(0, 7)).toEqual([1, 2, 5, 10, 30, 90, 150]);
    expect(checks.at(-1)).toBe((checks.at(-2) ?? 0) + DAY / MINUTE);
    expect(checks.length).toBeLessThan(5 + 14 * 24 + 4);
  });

  it.each([
    ['verified', 12 * HOUR],
    ['failing', HOUR],
    ['unverified', HOUR],
  ] as const)('of a domain that is %s is spread around %d ms', (state, ms) => {
    const checked = domain(state, { stateSince: ADDED_AT, checkedAt: ADDED_AT });
    expect(inMs(checked, ADDED_AT)).toBe(ms);
    expect(inMs(checked, ADDED_AT, undefined, 0)).toBeCloseTo(ms * 0.9, 0);
    expect(inMs(checked, ADDED_AT, undefined, 1)).toBeCloseTo(ms * 1.1, 0);
  });

  it('comes soon where a new key waits', () => {
    const now = ADDED_AT + 100 * DAY;
    expect(inMs(domain('verified'), now, now)).toBe(MINUTE);
    expect(inMs(domain('verified'), now + HOUR, now)).toBe(HOUR);
    expect(inMs(domain('verified'), now + 20 * DAY, now)).toBe(12 * HOUR);
  });

  it('of a domain that was never planned comes soon where it was never made', () => {
    const never = adoptedCheckAt(verifiedDomain('example.org', 0), ADDED_AT, 0.5) - ADDED_AT;
    expect([never > 0, never <= 10 * MINUTE]).toEqual([true, true]);
    expect(adoptedCheckAt(domain('verified', { checkedAt: 0 }), ADDED_AT, 0.5) - ADDED_AT).toBe(12 * HOUR);
  });
});
