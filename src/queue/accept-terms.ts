/** What the script that accepts a message with terms is given besides the message itself. */
import type { MessageEvent } from '../events/event.js';
import { messageKeys, SHARD, shardKeys, shardPrefix } from '../store/keyspace.js';
import { ANSWER_KEPT_MS } from './idempotency.js';
import { keptAfter, type Retention } from './settle-recipients.js';
import type { AcceptTerms, MessageRecord, Settlement } from './spool.js';

/** Keys and arguments of the script for a message with terms, after those of one without. */
export function termsOf(message: MessageRecord, { holding, once }: AcceptTerms): [string[], (string | number)[]] {
  const { id, account, acceptedAt, supersedeKey } = message;
  const keys = messageKeys(SHARD, id);
  const shard = shardKeys(SHARD);
  const event: MessageEvent | undefined = holding && {
    type: 'held',
    at: acceptedAt,
    until: holding.until,
    because: holding.because,
  };
  return [
    [
      keys.events,
      holding ? shard.held(holding.lane) : keys.message,
      shard.heldLanes,
      once?.key ?? keys.message,
      supersedeKey === undefined ? keys.message : shard.supersede(account, supersedeKey),
    ],
    [
      once?.token ?? '',
      once?.answer ?? '',
      ANSWER_KEPT_MS,
      holding?.lane ?? '',
      holding ? JSON.stringify(holding) : '',
      event ? JSON.stringify(event) : '',
      // Looked at soon: it may be the only one that waits, and its limit may be raised.
      acceptedAt,
      acceptedAt,
      supersedeKey === undefined ? '' : `${shardPrefix(SHARD)}:m:`,
    ],
  ];
}

/** What comes after that for the script for a message of whose recipients some are suppressed. */
export function suppressedTerms(
  message: MessageRecord,
  suppressed: readonly Settlement[],
  retention: Retention,
): [string[], (string | number)[]] {
  const settled = suppressed.flatMap(({ recipients, event }) => [
    recipients.length,
    ...recipients,
    JSON.stringify(event),
  ]);
  return [[shardKeys(SHARD).closed], [`${message.stream}:suppressed`, ...keptAfter(message, retention), ...settled]];
}
