/** Decides when a deferred recipient is tried again. RFC 5321 section 4.5.4.1. */
import type { Stream } from '../mail/stream.js';

/** Each delay is spread by this share in both directions, so that what failed together does not return together. */
const JITTER = 0.15;
/** A password reset is worth a quick second try. */
const CRITICAL_FIRST_DELAY_MS = 15_000;
/** A server's own word on when to come back is believed between these. */
const REQUESTED_WAIT_MIN_MS = 5_000;
const REQUESTED_WAIT_MAX_MS = 4 * 3_600_000;

export interface RetryRequest {
  /** Attempts made so far, at least 1. */
  readonly attempts: number;
  readonly stream: Stream;
  /** What the server asked for, where it did. */
  readonly requestedWaitMs?: number;
}

/**
 * The time of the next attempt, in milliseconds since the epoch.
 * @param delaysMs the schedule; its last delay repeats.
 * @param random a number from 0 (inclusive) to 1.
 */
export function nextAttemptAt(delaysMs: readonly number[], retry: RetryRequest, nowMs: number, random: number): number {
  if (retry.requestedWaitMs !== undefined) {
    const wait = Math.min(Math.max(retry.requestedWaitMs, REQUESTED_WAIT_MIN_MS), REQUESTED_WAIT_MAX_MS);
    // Later than asked, never earlier: a greylist that is met too soon starts anew.
    return Math.round(nowMs + wait * (1 + random * JITTER));
  }
  const scheduled = delaysMs[Math.min(retry.attempts, delaysMs.length) - 1] ?? CRITICAL_FIRST_DELAY_MS;
  const hurry = retry.stream === 'critical' && retry.attempts === 1;
  const delay = hurry ? Math.min(scheduled, CRITICAL_FIRST_DELAY_MS) : scheduled;
  return Math.round(nowMs + delay * (1 + (random * 2 - 1) * JITTER));
}
