/**
 * Recipients that the account does not send to any more, as mail comes in. They are answered and never dropped in silence:
 * the message is accepted and they are settled as suppressed, or, where the account chose so, SMTP refuses them.
 */
import type { Account } from '../accounts/account.js';
import { suppressedSettlement } from '../bounces/suppression/suppression-settlements.js';
import type { Suppressions } from '../bounces/suppression/suppressions.js';
import type { RecipientState } from '../mail/outcome.js';
import type { Stream } from '../mail/stream.js';
import type { StoredAnswer } from '../queue/idempotency.js';
import type { Settlement } from '../queue/spool.js';
import { refusal, type Refusal } from './refusals.js';
import { shown } from './sender-rules.js';

export interface IncomingMail {
  readonly account: string;
  readonly recipients: readonly string[];
  readonly stream: Stream;
  readonly supersedeKey: string | undefined;
}

/**
 * Those of `recipients` that are suppressed, as they are settled when the message is accepted.
 *
 * @param times `leavesAt`: before that it is not tried, and what ends until then does not concern it
 */
export async function suppressedOf(
  suppressions: Suppressions,
  { account, stream, recipients, supersedeKey }: IncomingMail,
  { now, leavesAt }: { readonly now: number; readonly leavesAt: number },
): Promise<readonly Settlement[]> {
  // Until a later mail leaves, the one that has the bypass may have arrived, which lifts the suppression.
  const newcomer = leavesAt <= now ? { supersedeKey } : undefined;
  const verdicts = await suppressions.verdicts(account, recipients, stream, newcomer);
  if (verdicts.size === 0) return [];
  return recipients.flatMap((address, position) => {
    const { kind, suppression } = verdicts.get(address) ?? {};
    // A bypass is taken when the message is tried; then it is asked again.
    if (kind !== 'suppressed' || !suppression || (suppression.until ?? Infinity) <= leavesAt) return [];
    return [suppressedSettlement(position, suppression, now)];
  });
}

/**
 * At RCPT TO, of an account that wants it: a recipient that no mail may go to. The stream is not known yet, so what concerns
 * some streams only, or what critical mail may pass by, is judged when the message is there.
 */
export async function forbiddenSuppressed(
  suppressions: Suppressions,
  account: Account | undefined,
  recipient: string,
): Promise<Refusal | undefined> {
  if (account?.suppressedRecipients !== 'refuse') return undefined;
  const verdict = (await suppressions.verdicts(account.name, [recipient], 'critical')).get(recipient);
  return verdict?.kind === 'suppressed' ? refusalOf(recipient, verdict.suppression.reason) : undefined;
}

/** After the message, of an account that wants it: nobody is left to send it to. */
export function forbiddenAll(
  account: Account | undefined,
  recipients: readonly string[],
  suppressed: readonly Settlement[],
): Refusal | undefined {
  if (account?.suppressedRecipients !== 'refuse' || suppressed.length < recipients.length) return undefined;
  const [first] = suppressed;
  if (first?.event.type !== 'suppressed') return undefined;
  return refusalOf(recipients[first.recipients[0] ?? 0] ?? '', first.event.reason);
}

function refusalOf(recipient: string, reason: string): Refusal {
  return refusal('suppressed_recipient', `${shown(recipient)}, which is suppressed for ${reason}`);
}

/** What a client is told of each recipient. `state` is of those that are sent to. */
export function answeredRecipients(
  recipients: readonly string[],
  state: RecipientState,
  suppressed: readonly Settlement[],
): StoredAnswer['recipients'] {
  const shut = new Set(suppressed.flatMap(({ recipients: positions }) => positions));
  return recipients.map((address, position) => ({ address, state: shut.has(position) ? 'suppressed' : state }));
}
