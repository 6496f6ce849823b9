/**
 * Which recipients of a message travel together: one transaction for each destination domain, so that each is tried,
 * deferred and settled on its own. RFC 5321 section 4.5.3.1.8 lets a server stop at 100 recipients, so none has more.
 */
import { domainOf } from '../mail/address.js';
import type { Transaction } from './spool.js';

const RECIPIENTS_PER_TRANSACTION_MAX = 100;

export function planTransactions(recipients: readonly string[]): Transaction[] {
  const byDomain = new Map<string, number[]>();
  recipients.forEach((address, position) => {
    const domain = domainOf(address);
    const positions = byDomain.get(domain);
    if (positions) positions.push(position);
    else byDomain.set(domain, [position]);
  });
  const transactions: Transaction[] = [];
  for (const [domain, positions] of byDomain) {
    for (let from = 0; from < positions.length; from += RECIPIENTS_PER_TRANSACTION_MAX) {
      transactions.push({ domain, recipients: positions.slice(from, from + RECIPIENTS_PER_TRANSACTION_MAX) });
    }
  }
  return transactions;
}
