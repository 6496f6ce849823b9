import { describe, expect, it } from '@jest/globals';
import { dayOf, formatDateTime, parseDay, sentDay } from './date-time.js';

const FIRST_OF_DECEMBER = dayOf(Date.UTC(2026, 11, 1));

describe('dates', () => {
  it('are written with two places and their zone', () => {
    expect(formatDateTime(Date.UTC(2026, 11, 1, 8, 5, 9))).toBe('" 1-Dec-2026 08:05:09 +0000"');
    expect(formatDateTime(Date.UTC(2026, 0, 31, 23, 59, 59))).toBe('"31-Jan-2026 23:59:59 +0000"');
  });

  it.each(['1-Dec-2026', '01-dec-2026', '"1-DEC-2026"'])('%s is read', (text) => {
    expect(parseDay(text)).toBe(FIRST_OF_DECEMBER);
  });

  it.each(['', '32-Dec-2026', '31-Feb-2026', '1-Foo-2026', '1-Dec-26', '1 Dec 2026', '0-Dec-2026'])(
    '"%s" is none',
    (text) => {
      expect(parseDay(text)).toBeUndefined();
    },
  );

  it.each([
    'Tue, 1 Dec 2026 23:59:59 -1200',
    '1 Dec 2026 00:00:00 +1400',
    'Tue, 01 December 2026',
    'Tue, 1 Dec 26 10:00 EST',
  ])('the day of "%s" is the one that it names', (field) => {
    expect(sentDay(field)).toBe(FIRST_OF_DECEMBER);
  });

  it('of years of two and three digits are those of RFC 5322 section 4.3', () => {
    expect(sentDay('1 Dec 99')).toBe(dayOf(Date.UTC(1999, 11, 1)));
    expect(sentDay('1 Dec 126')).toBe(FIRST_OF_DECEMBER);
    expect(sentDay('yesterday')).toBeUndefined();
  });
});
