/**
 * Which of our recipients a report is about. It can only ever be about those of the transaction that it belongs to, and
 * with several of them only about those that it names. So who writes a report can harm himself, and the others of his
 * transaction, who are at his own server: any of them may name another.
 */
import type { MessageRecord } from '../../queue/spool.js';
import type { ReturnedMail, ReturnedRecipient } from '../returned-mail/returned-mail.js';
import { suppressedAddress } from '../suppression/suppressed-address.js';

export interface RecipientHit {
  /** Position in the message. */
  readonly recipient: number;
  /** What became of it. */
  readonly what: 'bounced' | 'delayed' | 'complained';
  /** What the report says of it; a complaint may say nothing. Only what suppresses the address at once says so. */
  readonly report?: ReturnedRecipient;
}

/**
 * Recipients of the message's transaction, each once.
 * @param isSigned whether it is certain that whoever reports has had the mail; else only what it names is believed, and
 * nobody is suppressed for it alone
 */
export function matchRecipients(
  mail: ReturnedMail,
  message: Pick<MessageRecord, 'recipients' | 'transactions'>,
  transaction: number,
  isSigned: boolean,
): readonly RecipientHit[] {
  const ours = message.transactions[transaction]?.recipients ?? [];
  const positions = new Map<string, number>();
  for (const index of ours) {
    const address = comparable(message.recipients[index] ?? '');
    if (!positions.has(address)) positions.set(address, index);
  }
  const hits = new Map<number, RecipientHit>();
  const told = mail.recipients.flatMap((report) => {
    const what = whatOf(mail, report);
    // A complaint suppresses by itself.
    return what && (isSigned || what !== 'complained') ? [{ what, report }] : [];
  });
  for (const { what, report } of told) {
    const named = comparable(report.address);
    const recipient = positions.get(named);
    if (recipient === undefined || hits.has(recipient)) continue;
    hits.set(recipient, { recipient, what, report: isSigned ? heldAgainst(named, report) : harmless(report) });
  }
  const [only] = ours;
  if (!isSigned || hits.size > 0 || ours.length !== 1 || only === undefined) return [...hits.values()];
  // It had one recipient only: the report names none, or the address that mail was passed on to.
  const [first] = told;
  if (first) {
    const report = heldAgainst(comparable(message.recipients[only] ?? ''), first.report);
    return [{ recipient: only, what: first.what, report }];
  }
  return mail.kind === 'complaint' && mail.recipients.length === 0 ? [{ recipient: only, what: 'complained' }] : [];
}

/** Where another mailbox failed ours may be an alias of it and of others who live: its death is not the alias's. */
function heldAgainst(ours: string, report: ReturnedRecipient): ReturnedRecipient {
  const isOurs = [report.address, report.final ?? ''].every((named) => isMailbox(comparable(named), ours));
  return isOurs ? report : harmless(report);
}

/** Some write the user's name alone, and some nothing. */
function isMailbox(named: string, ours: string): boolean {
  return named === '' || named === ours || (!named.includes('@') && ours.startsWith(`${named}@`));
}

function harmless(report: ReturnedRecipient): ReturnedRecipient {
  return { ...report, classification: { ...report.classification, suppress: false } };
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
  return suppressedAddress(address.trim());
}
