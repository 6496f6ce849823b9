/**
 * Which message a Message-ID belongs to: for bounces of what a smarthost took and sent on under a return path of its own,
 * with nothing left of ours but the Message-ID. Written in the step that settles (`queue/settle-script.ts`).
 */
import type { Redis } from 'ioredis';
import { SHARD, shardKeys } from '../../store/keyspace.js';
import type { MailReference } from './return-path.js';

export class SentMessageIds {
  constructor(private readonly redis: Redis) {}

  /**
   * The last transaction that left with this Message-ID by a smarthost; undefined where none is known.
   * @param messageId with its angle brackets or without
   */
  async referenceOfMessageId(messageId: string): Promise<MailReference | undefined> {
    const kept = await this.redis.get(shardKeys(SHARD).sentMessageId(messageId));
    if (kept === null) return undefined;
    const [id = '', transaction = ''] = kept.split('.');
    return { messageId: id, transaction: Number(transaction) };
  }
}
