/**
 * The windows that messages are counted in. A second, an hour and a day slide: each is cut into buckets, and a bucket
 * leaves only when all of it is older than the window, so that no window of that length, wherever it begins, ever holds
 * more than its limit. A month is the calendar's, in UTC.
 */
import type { MessageLimits } from './account.js';

export const LIMIT_WINDOWS = ['second', 'hour', 'day', 'month'] as const;
export type LimitWindow = (typeof LIMIT_WINDOWS)[number];

/** A window of one subject, as the scripts count it. */
export interface CountedWindow {
  readonly window: LimitWindow;
  readonly limit: number;
  /** The bucket that a message falls into now, and how many before it still count. */
  readonly bucket: number;
  readonly earlierBuckets: number;
  /** 0 for the month, whose buckets are months. */
  readonly bucketMs: number;
}

/** Length of a bucket against the window: how much later than needed a message may be counted out. */
const SLIDING = {
  second: { bucketMs: 20, buckets: 50 },
  hour: { bucketMs: 60_000, buckets: 60 },
  day: { bucketMs: 1_800_000, buckets: 48 },
} as const;

/** Length of the window, in milliseconds; a month counts as its longest. */
export function windowMs(window: LimitWindow): number {
  if (window === 'month') return 31 * 86_400_000;
  return SLIDING[window].bucketMs * SLIDING[window].buckets;
}

/** The windows that `limits` limit, at `nowMs`. */
export function countedWindows(limits: MessageLimits | undefined, nowMs: number): CountedWindow[] {
  if (!limits) return [];
  const { perSecond, perHour, perDay, perMonth } = limits;
  return [
    ...sliding('second', perSecond, nowMs),
    ...sliding('hour', perHour, nowMs),
    ...sliding('day', perDay, nowMs),
    ...(perMonth === undefined
      ? []
      : [{ window: 'month' as const, limit: perMonth, bucket: monthOf(nowMs), earlierBuckets: 0, bucketMs: 0 }]),
  ];
}

/** When the month of `nowMs` ends, in milliseconds since the epoch. */
export function endOfMonth(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
}

function sliding(window: keyof typeof SLIDING, limit: number | undefined, nowMs: number): CountedWindow[] {
  if (limit === undefined) return [];
  const { bucketMs, buckets } = SLIDING[window];
  return [{ window, limit, bucket: Math.floor(nowMs / bucketMs), earlierBuckets: buckets, bucketMs }];
}

function monthOf(nowMs: number): number {
  const now = new Date(nowMs);
  return now.getUTCFullYear() * 12 + now.getUTCMonth();
}
