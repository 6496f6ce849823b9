/** What a check in DNS makes of a sending domain, and when the next one is due. Rules only: time and chance are given. */
import type { SendingDomain } from './sending-domains.js';

/** What DNS says of a record. Only a definite answer is `gone`; no answer is `unknown`, and changes nothing. */
export type DnsWord = 'shown' | 'gone' | 'unknown';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long a domain whose record has gone may still send: over a weekend. */
export const FAILING_GRACE_MS = 72 * HOUR_MS;
/** Who has just published a record waits for it: checks after it was asked for, then hourly, then daily. */
const EARLY_CHECKS_MS = [1, 2, 5, 10, 30].map((minutes) => minutes * MINUTE_MS);
const HOURLY_FOR_MS = 14 * DAY_MS;
const VERIFIED_EVERY_MS = 12 * HOUR_MS;
/** Checks are spread by so much of their distance, both ways. */
const JITTER = 0.1;
/** A domain that is there already when a process starts, and was never checked. */
const NEVER_CHECKED_WITHIN_MS = { min: 5 * MINUTE_MS, max: 10 * MINUTE_MS };

/** The domain after DNS was asked for its DKIM record and its return path. */
export function domainAfterCheck(
  domain: SendingDomain,
  seen: { readonly dkim: DnsWord; readonly returnPath: DnsWord },
  nowMs: number,
): SendingDomain {
  const checked: SendingDomain = {
    ...domain,
    checkedAt: nowMs,
    returnPath: seen.returnPath === 'unknown' ? (domain.returnPath ?? 'pending') : returnPathState(seen.returnPath),
  };
  if (domain.verifiedBy === 'operator' || seen.dkim === 'unknown') return checked;
  if (seen.dkim === 'shown') {
    return domain.state === 'verified'
      ? checked
      : { ...checked, state: 'verified', verifiedBy: 'dns', stateSince: nowMs };
  }
  if (domain.state === 'verified') return { ...checked, state: 'failing', stateSince: nowMs };
  if (domain.state === 'failing' && nowMs - stateSince(domain) >= FAILING_GRACE_MS) {
    return { ...checked, state: 'unverified', stateSince: nowMs };
  }
  return checked;
}

/** The domain on the operator's word. */
export function domainOnOperatorsWord(domain: SendingDomain, nowMs: number): SendingDomain {
  if (domain.verifiedBy === 'operator') return domain;
  return {
    ...domain,
    state: 'verified',
    verifiedBy: 'operator',
    ...(domain.state !== 'verified' && { stateSince: nowMs }),
  };
}

/**
 * The domain without the operator's word: DNS decides from now on. Where the word was all it had, it may send for a while as if
 * DNS had just lost its record, so that no mail is refused before anybody looked.
 */
export function domainWithoutOperatorsWord(domain: SendingDomain, nowMs: number): SendingDomain {
  if (domain.verifiedBy !== 'operator') return domain;
  return { ...domain, state: 'failing', verifiedBy: 'dns', stateSince: nowMs };
}

/**
 * When the domain is checked next. `waitingSince`: since when a key waits for DNS to show it, where one does.
 *
 * @param random 0 to 1
 */
export function nextCheckAt(
  domain: SendingDomain,
  waitingSince: number | undefined,
  nowMs: number,
  random: number,
): number {
  const jittered = (ms: number): number => nowMs + Math.round(ms * (1 - JITTER + 2 * JITTER * random));
  const since = domain.state === 'pending' ? Math.max(domain.addedAt, waitingSince ?? 0) : waitingSince;
  if (since !== undefined) {
    const early = EARLY_CHECKS_MS.find((ms) => since + ms > nowMs);
    if (early !== undefined) return since + early;
  }
  const slow = nowMs - (since ?? stateSince(domain)) < HOURLY_FOR_MS ? HOUR_MS : DAY_MS;
  switch (domain.state) {
    case 'pending':
    case 'unverified':
      return jittered(slow);
    case 'failing':
      return jittered(HOUR_MS);
    case 'verified':
      return jittered(since === undefined ? VERIFIED_EVERY_MS : Math.min(slow, VERIFIED_EVERY_MS));
    default:
      return domain.state satisfies never;
  }
}

/** When a domain is checked that has no check planned: as `nextCheckAt`, and soon where it never was. */
export function adoptedCheckAt(domain: SendingDomain, nowMs: number, random: number): number {
  const { min, max } = NEVER_CHECKED_WITHIN_MS;
  if (domain.checkedAt === undefined) return nowMs + Math.round(min + (max - min) * random);
  return nextCheckAt(domain, undefined, nowMs, random);
}

export function stateSince({ stateSince: since, addedAt }: SendingDomain): number {
  return since ?? addedAt;
}

function returnPathState(word: 'shown' | 'gone'): 'verified' | 'pending' {
  return word === 'shown' ? 'verified' : 'pending';
}
