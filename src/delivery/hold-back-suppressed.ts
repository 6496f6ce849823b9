/**
 * Whom of a transaction the account does not send to any more. Asked before each attempt, because it may have become so since
 * the message was accepted.
 */
import { bypassSettlement, suppressedSettlement } from '../bounces/suppression/suppression-settlements.js';
import type { Suppressions } from '../bounces/suppression/suppressions.js';
import type { Claim, Settlement, Spool } from '../queue/spool.js';

export interface HeldBack {
  /** The claim with those who are tried. */
  readonly claim: Claim;
  /** What is written of the others, and of those who are tried in spite of a suppression. */
  readonly results: readonly Settlement[];
}

export async function holdBackSuppressed(
  claim: Claim,
  { suppressions, spool }: { readonly suppressions: Suppressions; readonly spool: Spool },
  now: number,
): Promise<HeldBack> {
  const { message, waiting } = claim;
  const addresses = waiting.map((position) => message.recipients[position] ?? '');
  const verdicts = await suppressions.verdicts(message.account, addresses, message.stream);
  if (verdicts.size === 0) return { claim, results: [] };
  const tried: number[] = [];
  const results: Settlement[] = [];
  for (const position of waiting) {
    const address = message.recipients[position] ?? '';
    const verdict = verdicts.get(address);
    const bypasses =
      verdict?.kind === 'bypass' &&
      (await suppressions.takeBypass(message.account, address, message.id, message.supersedeKey));
    if (verdict === undefined || bypasses) tried.push(position);
    if (bypasses && !(await wasBypassed(claim, position, spool)))
      results.push(bypassSettlement(position, verdict.suppression, now));
    if (verdict && !bypasses) results.push(suppressedSettlement(position, verdict.suppression, now));
  }
  return { claim: { ...claim, waiting: tried }, results };
}

/** The event tells of it once, however often the recipient is tried. */
async function wasBypassed({ message, attempts }: Claim, position: number, spool: Spool): Promise<boolean> {
  if (attempts === 0) return false;
  const { events = [] } = (await spool.read(message.id)) ?? {};
  return events.some(({ type, recipients }) => type === 'suppression.bypassed' && recipients?.includes(position));
}
