/** How recipients that an account does not send to any more are settled, when a message is accepted and before an attempt. */
import type { Settlement } from '../../queue/spool.js';
import type { Suppression } from './suppressions.js';

export function suppressedSettlement(position: number, { reason, because }: Suppression, at: number): Settlement {
  const recipients = [position];
  return { recipients, state: 'suppressed', event: { type: 'suppressed', at, recipients, reason, because } };
}

/** Tells that a recipient is tried all the same; it goes on waiting. */
export function bypassSettlement(position: number, { reason, because }: Suppression, at: number): Settlement {
  const recipients = [position];
  return { recipients, state: 'deferred', event: { type: 'suppression.bypassed', at, recipients, reason, because } };
}
