/** Which events `bounces/` follows up: those that tell of mail that did not arrive, is late, or was complained about. */
import type { MessageEvent } from '../events/event.js';

/**
 * Entries that wait to be followed up: some 60 MB. More than a day's failures of a million messages; beyond that the oldest
 * are dropped, and stand in the histories only.
 */
export const OUTCOMES_MAX = 100_000;

export function isFollowedUp({ type }: MessageEvent): boolean {
  return type === 'bounced' || type === 'expired' || type === 'delayed' || type === 'complained';
}
