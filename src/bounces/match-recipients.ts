/**
 * Which of our recipients a report is about. It can only ever be about those of the transaction that it belongs to, and
 * with several of them only about those that it names. So who writes a report can harm himself, and the others of his
 * transaction, who are at his own server: any of them may name another.
 */
import { formatAddress, parseAddress } from '../mail/address.js';
import type { MessageRecord } from '../queue/spool.js';
import type { ReturnedMail, ReturnedRecipient } from './returned-mail.js';

export interface RecipientHit {
  /** Position in the message. */
  readonly recipient: number;
  /** What became of it. */
  readonly what: 'bounced' | 'delayed' | 'complained';
  /** What the report says of it; a complaint may say nothing. */
  readonly report?: ReturnedRecipient;
}

/** Recipients of the message's transaction, each once. */
export function matchRecipients(
  mail: ReturnedMail,
  message: Pick<MessageRecord, 'recipients' | 'transactions'>,
  transaction: number,
): readonly RecipientHit[] {
  const ours = message.transactions[transaction]?.recipients ?? [];
  const hits = new Map<number, RecipientHit>();
  const told = mail.recipients.flatMap((report) => {
    const what = whatOf(mail, report);
    return what ? [{ what, report }] : [];
  });
  for (const { what, report } of told) {
    const named = comparable(report.address);
    const recipient = ours.find((index) => comparable(message.recipients[index] ?? '') === named);
    if (recipient !== undefined && !hits.has(recipient)) hits.set(recipient, { recipient, what, report });
  }
  const [only] = ours;
  if (hits.size > 0 || ours.length !== 1 || only === undefined) return [...hits.values()];
  // It had one recipient only: the report names none, or the address that mail was passed on to.
  const [first] = told;
  if (first) return [{ recipient: only, ...first }];
  return mail.kind === 'complaint' && mail.recipients.length === 0 ? [{ recipient: only, what: 'complained' }] : [];
}

/** Undefined where the recipient had its mail, or may have had it. RFC 3464 section 2.3.3. */
function whatOf({ kind }: ReturnedMail, { action }: ReturnedRecipient): RecipientHit['what'] | undefined {
  if (kind === 'complaint') return 'complained';
  switch (action) {
    case 'failed':
      return 'bounced';
    case 'delayed':
      return 'delayed';
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return undefined;
    case undefined:
      return kind === 'bounce' ? 'bounced' : kind === 'delayed' ? 'delayed' : undefined;
    default:
      return action satisfies never;
  }
}

/** Mail servers write addresses in any case. */
function comparable(address: string): string {
  const parsed = parseAddress(address.trim());
  return (parsed ? formatAddress(parsed) : address.trim()).toLowerCase();
}
