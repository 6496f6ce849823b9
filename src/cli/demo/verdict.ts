/** Holds what happened against the scenario. */
import type { DkimProof } from './dkim-proof.js';
import type { TrailEvent } from './message-trail.js';
import { SENDING_DOMAIN, type DemoRecipient } from './scenario.js';

/** A thing that happened; of a delivery, what the look at its signature gave. */
export interface Sighting {
  readonly event: TrailEvent;
  readonly proof?: DkimProof;
}

export interface Verdict {
  readonly delivered: number;
  readonly verified: number;
  readonly bounced: number;
  /** Recipients that were settled at a later try than the first. */
  readonly retried: number;
  /** Whole sentences; none where everything went as the scenario says. */
  readonly differences: readonly string[];
}

/** @param sightings of all recipients, the oldest first */
export function judge(recipients: readonly DemoRecipient[], sightings: readonly Sighting[]): Verdict {
  const count = (wanted: (sighting: Sighting) => boolean): number => sightings.filter(wanted).length;
  return {
    delivered: count(({ event }) => event.type === 'delivered'),
    verified: count(({ proof }) => isVerified(proof)),
    bounced: count(({ event }) => event.type === 'bounced'),
    retried: count(({ event }) => event.attempt > 1 && event.nextInMs === undefined),
    differences: recipients.flatMap((recipient) => differencesOf(recipient, sightings)),
  };
}

function differencesOf({ address, way }: DemoRecipient, sightings: readonly Sighting[]): string[] {
  const own = sightings.filter(({ event }) => event.recipient === address);
  const seen = own.map(({ event }) => wayOf(event));
  const differences =
    seen.join() === way.join()
      ? []
      : [`${address} should be ${way.join(', then ')}; it was ${seen.join(', then ') || 'left alone'}`];
  for (const { event, proof } of own) {
    if (event.type !== 'delivered' || isVerified(proof)) continue;
    const found = proof?.kind === 'verified' ? `as ${proof.domain}` : `badly: ${proof?.why ?? 'nobody looked'}`;
    differences.push(`${address} should get mail signed as ${SENDING_DOMAIN}; it is signed ${found}`);
  }
  return differences;
}

/** As the scenario writes it: `state code enhanced by host`. */
function wayOf({ type, reply, host }: TrailEvent): string {
  const words = [type, reply.code, reply.enhanced, host === undefined ? undefined : `by ${host}`];
  return words.filter((word) => word !== undefined).join(' ');
}

function isVerified(proof: DkimProof | undefined): boolean {
  return proof?.kind === 'verified' && proof.domain === SENDING_DOMAIN;
}
