import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatSequenceSet, highestNamed, isInSet, parseSequenceSet, resolveSequenceSet } from './sequence-set.js';

describe('a sequence set', () => {
  it.each([
    ['1', [[1, 1]]],
    ['*', [[Infinity, Infinity]]],
    [
      '2,4:7,9,12:*',
      [
        [2, 2],
        [4, 7],
        [9, 9],
        [12, Infinity],
      ],
    ],
    ['4294967295', [[4294967295, 4294967295]]],
  ])('%s is read', (text, ranges) => {
    expect(parseSequenceSet(text)).toEqual(ranges);
  });

  it.each(['', '0', '1:0', '01', '-1', '1,', ',1', '1::2', '1:2:3', '4294967296', '99999999999', '**', 'a'])(
    '"%s" is none',
    (text) => {
      expect(parseSequenceSet(text)).toBeUndefined();
    },
  );

  it.each([
    ['3:1', 9, [[1, 3]]],
    ['12:*', 9, [[9, 12]]],
    ['*:12', 9, [[9, 12]]],
    ['*', 9, [[9, 9]]],
    [
      '5,1:3,2:4,*',
      9,
      [
        [1, 5],
        [9, 9],
      ],
    ],
    ['1:*', 0, []],
  ])('%s, the last being %i, is %j', (text, last, resolved) => {
    expect(resolveSequenceSet(parseSequenceSet(text) ?? [], last)).toEqual(resolved);
  });

  it('holds what one of its ranges holds, whatever their order', () => {
    const end = fc.option(fc.integer({ min: 1, max: 60 }), { nil: '*' as const });
    const range = fc.tuple(end, end);
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 50 }), (ranges, last) => {
        const text = ranges.map(([from, to]) => `${from}:${to}`).join(',');
        const resolved = resolveSequenceSet(parseSequenceSet(text) ?? [], last);
        for (let number = 1; number <= 70; number++) {
          const wanted = ranges.some(([from, to]) => {
            const [a, b] = [from === '*' ? last : from, to === '*' ? last : to];
            return Math.min(a, b) <= number && number <= Math.max(a, b);
          });
          expect(isInSet(resolved, number)).toBe(wanted);
        }
        for (const [index, [from]] of resolved.entries()) {
          expect(from).toBeGreaterThan((resolved[index - 1]?.[1] ?? -1) + 1);
        }
      }),
    );
  });

  it('of thousands of ranges is looked through in few steps', () => {
    let looks = 0;
    const ranges = Array.from({ length: 20_000 }, (_, i) => [2 * i + 1, 2 * i + 1] as const);
    const counted = new Proxy(ranges, {
      get(target, name) {
        looks++;
        return Reflect.get(target, name) as unknown;
      },
    });
    expect([isInSet(counted, 39_999), isInSet(counted, 40_000), isInSet(counted, 2)]).toEqual([true, false, false]);
    expect(looks).toBeLessThan(60);
  });

  it('names its highest number, `*` aside', () => {
    expect(highestNamed(parseSequenceSet('3:*,7') ?? [])).toBe(7);
    expect(highestNamed(parseSequenceSet('*') ?? [])).toBe(0);
  });

  it('is written as short as may be, and read again as the same numbers', () => {
    expect(formatSequenceSet([1, 2, 3, 5, 7, 8])).toBe('1:3,5,7:8');
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1 }), (some) => {
        const numbers = some.toSorted((a, b) => a - b);
        const resolved = resolveSequenceSet(parseSequenceSet(formatSequenceSet(numbers)) ?? [], 100);
        const read = Array.from({ length: 100 }, (_, i) => i + 1).filter((number) => isInSet(resolved, number));
        expect(read).toEqual(numbers);
      }),
    );
  });
});
