/**
 * Which message a Message-ID belongs to: for bounces of what a smarthost took and sent on under a return path of its own,
 * with nothing left of ours but the Message-ID. Kept for as long as the history, but no longer than bounces come.
 */
import type { Redis } from 'ioredis';
import { SHARD, shardKeys } from '../store/keyspace.js';
import type { MailReference } from './return-path.js';

/** A server gives up after four to five days (RFC 5321 section 4.5.4.1); one behind a smarthost may add its own. */
const BOUNCES_COME_WITHIN_MS = 15 * 86_400_000;

export class SentMessageIds {
  constructor(
    private readonly redis: Redis,
    private readonly eventRetentionMs: number,
  ) {}

  /** @param messageId as it stands in the header, with its angle brackets or without */
  async remember(messageId: string, { messageId: id, transaction }: MailReference): Promise<void> {
    const keptMs = Math.min(this.eventRetentionMs, BOUNCES_COME_WITHIN_MS);
    await this.redis.set(keyOf(messageId), `${id}.${String(transaction)}`, 'PX', keptMs);
  }

  /** The last transaction that left with this Message-ID by a smarthost; undefined where none is known. */
  async referenceOfMessageId(messageId: string): Promise<MailReference | undefined> {
    const kept = await this.redis.get(keyOf(messageId));
    if (kept === null) return undefined;
    const [id = '', transaction = ''] = kept.split('.');
    return { messageId: id, transaction: Number(transaction) };
  }
}

function keyOf(messageId: string): string {
  return shardKeys(SHARD).sentMessageId(messageId.trim().replace(/^<|>$/g, ''));
}
