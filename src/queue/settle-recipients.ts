/** Settles recipients of a message, with all that the script needs to know of it. */
import type { Redis } from 'ioredis';
import { firstIdAt } from '../mail/message-id.js';
import { messageKeys, SHARD, shardKeys, shardPrefix } from '../store/keyspace.js';
import { jobId, jobLockKey } from './bullmq-lanes.js';
import { settleArguments, settleScript } from './settle-script.js';
import { SCHEDULE_AHEAD_MAX_MS, type MessageRecord, type SettleResult, type Settlement } from './spool.js';

/** What the spool keeps after the end, and for how long. */
export interface Retention {
  readonly eventRetentionMs: number;
  readonly bodyRetentionMs: number;
  readonly historyMax: number;
  /** The largest body that can have been accepted, our own header fields included. */
  readonly bodyBytesMax: number;
}

/** Who settles: the holder of the lease, after so many attempts; or nobody in particular, without any. */
export interface Settler {
  readonly transaction: number;
  readonly token: string;
  readonly attemptsBefore: number | '';
  /** The Message-ID that a smarthost took. */
  readonly sentMessageId?: string;
}

/** A server gives up after four to five days (RFC 5321 section 4.5.4.1); one behind a smarthost may add its own. */
const BOUNCES_COME_WITHIN_MS = 15 * 86_400_000;

export async function settleRecipients(
  redis: Redis,
  message: MessageRecord,
  { transaction, token, attemptsBefore, sentMessageId }: Settler,
  results: readonly Settlement[],
  retention: Retention,
): Promise<SettleResult> {
  const { id, stream } = message;
  const keys = messageKeys(SHARD, id);
  const shard = shardKeys(SHARD);
  const lock = jobLockKey(SHARD, stream, jobId(id, transaction));
  const [status, settled = 0, waiting = 0] = await settleScript.run(
    redis,
    [
      ...[keys.message, keys.body, keys.events, shard.open(stream), shard.closed, shard.ledger, lock, shard.outcomes],
      sentMessageId === undefined ? keys.message : shard.sentMessageId(sentMessageId),
    ],
    [
      ...[token, id, stream, transaction, attemptsBefore],
      ...keptAfter(message, retention),
      // No longer than the history, which it leads to.
      sentMessageId === undefined ? '' : Math.min(retention.eventRetentionMs, BOUNCES_COME_WITHIN_MS),
      ...settleArguments(results),
    ],
  );
  if (status === -1) return { kind: 'lease-lost' };
  if (status === -2) return { kind: 'gone' };
  return { kind: 'settled', settled, waiting };
}

/** What a script needs to close the message: see `CLOSE_MESSAGE_LUA`. */
export function keptAfter(
  { acceptedAt, expiresAt }: MessageRecord,
  { eventRetentionMs, bodyRetentionMs, historyMax }: Retention,
): (string | number)[] {
  return [
    eventRetentionMs,
    bodyRetentionMs,
    historyMax,
    shardPrefix(SHARD),
    firstIdAt(acceptedAt - eventRetentionMs - (expiresAt - acceptedAt) - SCHEDULE_AHEAD_MAX_MS),
  ];
}
