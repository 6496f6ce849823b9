import { describe, expect, it } from '@jest/globals';
import { median, percentile } from './figures.js';

describe('the median', () => {
  it('is the middle value, in whatever order they come', () => expect(median([30, 1, 2])).toBe(2));
  it('is between the two in the middle of an even number', () => expect(median([4, 1, 2, 30])).toBe(3));
  it('is not a number of nothing', () => expect(median([])).toBeNaN());
});

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  it('is the value that so many do not exceed', () => expect(percentile(hundred, 0.99)).toBe(99));
  it('is the largest for a share of one', () => expect(percentile(hundred, 1)).toBe(100));
  it('is the smallest for no share', () => expect(percentile(hundred, 0)).toBe(1));
  it('orders by number, not by text', () => expect(percentile([9, 10, 100], 0.5)).toBe(10));
});
