import type { Clock } from '../../mail/clock.js';

/** Never the same again for a mailbox that was made anew; RFC 3501 section 2.3.1.1 proposes the time. */
export function newUidValidity(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
