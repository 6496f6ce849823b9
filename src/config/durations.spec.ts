import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { duration, durations, formatDuration, readDuration } from './durations.js';

const ANY = { minMs: 0, maxMs: Infinity };

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['48h', 172_800_000],
    ['7d', 604_800_000],
    ['0', 0],
    ['0s', 0],
  ])('reads %s as %i milliseconds', (text, valueMs) => {
    expect(readDuration(text, ANY)).toEqual({ kind: 'ok', value: valueMs });
  });

  it.each(['2 days', '10', '-1s', '1.5h', '1h30m', 's', '', '1e3s', '9999999999999s', '5 m', '٣s'])(
    'refuses %j',
    (text) => {
      const expected = 'must be a duration such as 30s, 10m, 48h or 7d';
      expect(readDuration(text, ANY)).toEqual({ kind: 'fault', expected: [expected] });
    },
  );

  it('says the bounds where it is out of them', () => {
    const outside = { kind: 'fault', expected: ['must be a duration from 1s to 30d'] };
    const limits = { minMs: 1000, maxMs: 30 * 86_400_000 };
    expect(readDuration('0', limits)).toEqual(outside);
    expect(readDuration('999ms', limits)).toEqual(outside);
    expect(readDuration('31d', limits)).toEqual(outside);
    expect(readDuration('30d', limits).kind).toBe('ok');
  });

  it('is read back from what it is written as', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 12 }), (valueMs) => {
        expect(readDuration(formatDuration(valueMs), ANY)).toEqual({ kind: 'ok', value: valueMs });
      }),
    );
  });

  it('is a whole number of milliseconds within its limits or a fault that says what it must be, whatever the text', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^\d{0,14}(ms|s|m|h|d| |)$/));
    fc.assert(
      fc.property(texts, (text) => {
        const read = duration('1s', '30d').safeParse(text);
        if (read.success)
          expect(Number.isInteger(read.data) && read.data >= 1000 && read.data <= 2_592_000_000).toBe(true);
        else expect(read.error.issues.map((issue) => issue.message).join()).toMatch(/^must be a duration/);
      }),
    );
  });
});

describe('a list of durations', () => {
  const delays = durations('delay', 3, '1s', '7d');

  it('is separated by commas, or a list already', () => {
    expect(delays.parse('1m, 5m,10m')).toEqual([60_000, 300_000, 600_000]);
    expect(delays.parse(['1m', '5m'])).toEqual([60_000, 300_000]);
  });

  it('says by its number which one is wrong, all of them', () => {
    const messages = delays.safeParse('1m,x,8d').error?.issues.map((issue) => issue.message);
    expect(messages).toEqual([
      'delay 2 must be a duration such as 30s, 10m, 48h or 7d',
      'delay 3 must be a duration from 1s to 7d',
    ]);
  });

  it('is neither empty nor longer than its limit', () => {
    expect(delays.safeParse(' , ').error?.issues[0]?.message).toMatch('must have at least one delay');
    expect(delays.safeParse('1s,1s,1s,1s').error?.issues[0]?.message).toBe('must have at most 3 delays');
  });
});
