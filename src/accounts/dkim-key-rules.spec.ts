import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DKIM_ALGORITHMS, type DkimAlgorithm, type StoredKey } from './dkim-key.js';
import {
  activated,
  algorithmsToRotate,
  freeSelector,
  inOrder,
  retiredWhereDue,
  shownByDns,
  type StoredKeys,
} from './dkim-key-rules.js';

const DAY_MS = 24 * 3_600_000;
const NOW = Date.UTC(2026, 10, 21);

function pending(keys: StoredKeys, algorithm: DkimAlgorithm, now: number, selector?: string): StoredKey {
  return {
    ...{ selector: selector ?? freeSelector(keys, algorithm, now, 'x7k2'), algorithm, state: 'pending' },
    ...{ createdAt: now, changedAt: now, publicKey: 'p', privateKey: 'secret' },
  };
}

/** A life: what is done to a domain's keys, one after the other. */
const step = fc.oneof(
  fc.constant({ kind: 'rotate' } as const),
  fc.record({ kind: fc.constant('import' as const), algorithm: fc.constantFrom(...DKIM_ALGORITHMS) }),
  // Which of the keys DNS shows.
  fc.record({ kind: fc.constant('publish' as const), shows: fc.infiniteStream(fc.boolean()) }),
  fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 0, max: 8 }) }),
);

describe('the keys of a domain, whatever is done to them', () => {
  it('keep one that signs of each algorithm that ever had one, and are bounded', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let keys: StoredKeys = [];
        let now = NOW;
        const signed = new Set<DkimAlgorithm>();
        for (const each of steps) {
          if (each.kind === 'rotate') {
            const due = algorithmsToRotate(keys);
            keys = [...keys, ...due.map((algorithm) => pending(keys, algorithm, now))];
          } else if (each.kind === 'import' && keys.length < 20) {
            keys = [...keys, pending(keys, each.algorithm, now)];
          } else if (each.kind === 'publish') {
            const shown = keys.filter(() => each.shows.next().value === true);
            keys = shownByDns(keys, new Set(shown.map(({ selector }) => selector)), now);
          } else if (each.kind === 'wait') {
            now += each.days * DAY_MS;
            keys = retiredWhereDue(keys, now);
          }
          const active = keys.filter(({ state }) => state === 'active').map(({ algorithm }) => algorithm);
          for (const algorithm of active) signed.add(algorithm);
          expect(active.sort()).toEqual([...signed].sort());
          expect(new Set(keys.map(({ selector }) => selector)).size).toBe(keys.length);
          for (const { state, privateKey } of keys) expect(privateKey === undefined).toBe(state === 'retired');
          expect(keys.length).toBeLessThanOrEqual(64);
        }
      }),
    );
  });
});

describe('what DNS shows', () => {
  it('makes the youngest sign where it shows several at once', () => {
    const [old, young] = [pending([], 'rsa-sha256', 1, 'old'), pending([], 'rsa-sha256', 2, 'young')];
    const keys = activated([young, old], new Set(['old', 'young']), NOW);
    expect(keys.map(({ selector, state }) => [selector, state])).toEqual([
      ['young', 'active'],
      ['old', 'retiring'],
    ]);
    expect(activated(keys, new Set(['old', 'young']), NOW)).toEqual(keys);
  });

  it('retires what waits and is older than what signs, and does not let it stand in the way of a rotation', () => {
    const forgotten = pending([], 'rsa-sha256', 1, 'forgotten');
    const keys = activated([forgotten, pending([], 'rsa-sha256', 2, 'signs')], new Set(['signs']), 3);
    expect(algorithmsToRotate(keys)).toEqual(DKIM_ALGORITHMS);
    const after = shownByDns(keys, new Set(['forgotten', 'signs']), 4);
    expect(after.map(({ selector, state }) => `${selector} ${state}`)).toEqual(['forgotten retiring', 'signs active']);
    const young = [...keys, pending([], 'rsa-sha256', 5, 'young')];
    expect(algorithmsToRotate(young)).toEqual(['ed25519-sha256']);
    const states = shownByDns(young, new Set(['forgotten', 'young']), 6).map(({ state }) => state);
    expect(states).toEqual(['retiring', 'retiring', 'active']);
  });

  it('changes no key of the other algorithm, and none that it does not show', () => {
    const first = DKIM_ALGORITHMS.map((algorithm) => pending([], algorithm, 1));
    const keys = activated(first, new Set(first.map(({ selector }) => selector)), 2);
    const next = [...keys, pending(keys, 'rsa-sha256', 3, 'next')];
    expect(activated(next, new Set(['ph19700101-x7k2', 'ph19700101e-x7k2']), 4)).toEqual(next);
    const states = activated(next, new Set(['next']), 4).map(({ state }) => state);
    expect(states).toEqual(['retiring', 'active', 'active']);
  });
});

describe('a selector', () => {
  it('is the day with what chance gave, and a number where that is taken', () => {
    const taken = ['ph20261121-x7k2', 'ph20261121-x7k2-2', 'ph20261121e-x7k2', 'ph20261121'];
    const keys = taken.map((name) => pending([], 'rsa-sha256', 1, name));
    expect(freeSelector([], 'rsa-sha256', NOW, 'x7k2')).toBe('ph20261121-x7k2');
    expect(freeSelector(keys, 'rsa-sha256', NOW, 'a2b3')).toBe('ph20261121-a2b3');
    expect(freeSelector(keys, 'rsa-sha256', NOW, 'x7k2')).toBe('ph20261121-x7k2-3');
    expect(freeSelector(keys, 'ed25519-sha256', NOW, 'x7k2')).toBe('ph20261121e-x7k2-2');
  });
});

describe('the order', () => {
  it('is RSA first, then by age, then by name', () => {
    const keys = [
      pending([], 'ed25519-sha256', 1, 'e'),
      pending([], 'rsa-sha256', 2, 'c'),
      pending([], 'rsa-sha256', 2, 'b'),
      pending([], 'rsa-sha256', 1, 'a'),
    ];
    expect(inOrder(keys).map(({ selector }) => selector)).toEqual(['a', 'b', 'c', 'e']);
  });
});
