/** Reads what is known of a message: all of it, or what a report tells. */
import type { Redis } from 'ioredis';
import type { MessageEvent, StoredEvent } from '../events/event.js';
import { parseHeaderBlock } from '../mail/header-block.js';
import { shardOfMessage } from '../mail/message-id.js';
import { messageKeys } from '../store/keyspace.js';
import { decodeStart, START_STORED_BYTES } from './body-codec.js';
import { readRecord, statesOf } from './message-fields.js';
import type { MessageHistory, MessageRecord, Original } from './spool.js';

export async function readHistory(redis: Redis, messageId: string): Promise<MessageHistory | undefined> {
  const keys = messageKeys(shardOfMessage(messageId), messageId);
  const [fields, events] = await Promise.all([redis.hgetall(keys.message), redis.lrange(keys.events, '0', '-1')]);
  const message = readRecord(fields);
  if (!message) return undefined;
  const accepted: MessageEvent = { type: 'accepted', at: message.acceptedAt, door: message.door };
  const later = events.map((json) => JSON.parse(json) as MessageEvent);
  return {
    message,
    states: statesOf(message, fields, Date.now()),
    events: [accepted, ...later].map((event, index): StoredEvent => ({
      ...event,
      id: `${messageId}.${String(index)}`,
    })),
  };
}

/** The record, and the header while the body is kept: not more of it than that, however large it is. */
export async function readOriginal(redis: Redis, messageId: string): Promise<Original | undefined> {
  const keys = messageKeys(shardOfMessage(messageId), messageId);
  const [record, stored] = await Promise.all([
    redis.hget(keys.message, 'v'),
    redis.getrangeBuffer(keys.body, 0, START_STORED_BYTES - 1),
  ]);
  if (record === null) return undefined;
  const message = JSON.parse(record) as MessageRecord;
  if (stored.length === 0) return { message };
  const start = await decodeStart(stored);
  return { message, header: start.subarray(0, parseHeaderBlock(start).end) };
}
