/**
 * The spool in Redis. A message is one hash, its body one string, its history one list, all in its shard's slot; its
 * jobs are added in the same MULTI, so that a torn write loses all of it or nothing.
 */
import type { Redis } from 'ioredis';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { MessageEvent, StoredEvent } from '../events/event.js';
import { SETTLED_STATES, type RecipientState } from '../mail/outcome.js';
import { firstIdAt, shardOfMessage } from '../mail/message-id.js';
import { STREAMS } from '../mail/stream.js';
import { messageKeys, SHARD, shardKeys, shardPrefix, type MessageKeys } from '../store/keyspace.js';
import { RedisRoom } from '../store/redis-room.js';
import { acceptScript } from './accept-script.js';
import { decodeBody, encodeBody } from './body-codec.js';
import { jobId, jobLockKey, type BullmqLanes } from './bullmq-lanes.js';
import { settleScript } from './settle-script.js';
import {
  Spool,
  type Claim,
  type MessageHistory,
  type MessageRecord,
  type SettleResult,
  type Settlement,
  type Work,
} from './spool.js';

/** What the spool keeps after the end, and for how long. */
export interface Retention {
  readonly eventRetentionMs: number;
  readonly bodyRetentionMs: number;
  readonly historyMax: number;
  /** The largest body that can have been accepted, our own header fields included. */
  readonly bodyBytesMax: number;
}

/** A body up to this size comes along with the claim. */
const START_BYTES = 64 * 1024;

export class RedisSpool extends Spool {
  private repairCursor = '0';
  private repairStream = 0;
  private readonly room: RedisRoom;

  constructor(
    private readonly redis: Redis,
    private readonly lanes: BullmqLanes,
    private readonly retention: Retention,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {
    super();
    this.room = new RedisRoom(redis);
  }

  override async accept(message: MessageRecord, body: Buffer): Promise<void> {
    const keys = messageKeys(SHARD, message.id);
    const shard = shardKeys(SHARD);
    const stored = await encodeBody(body);
    const full = await this.room.refusalOf(stored.length);
    if (full !== undefined) throw new Error(full);
    const stopTimer = this.metrics.redisCommandDuration.startTimer({ command: 'accept' });
    const { id, stream, recipients, expiresAt } = message;
    const jobs = message.transactions.map((_, transaction) => jobId(id, transaction));
    const scriptKeys = [keys.message, keys.body, shard.open(stream), shard.ledger];
    const args = [id, JSON.stringify(message), stored, expiresAt, `${stream}:accepted`, recipients.length];
    const whole = await this.lanes.commit(stream, jobs, (redis) => acceptScript.runText(redis, scriptKeys, args));
    // After a restart Redis does not know the script that adds a job, while the message was written. Never the other way
    // round: a worker that found a job without its message would throw it away.
    if (!whole) for (const job of jobs) await this.lanes.add(stream, job);
    stopTimer();
  }

  override async claim(work: Work): Promise<Claim | undefined> {
    const keys = messageKeys(SHARD, work.messageId);
    const [fields, storedStart] = await Promise.all([
      this.redis.hgetall(keys.message),
      this.redis.getrangeBuffer(keys.body, 0, START_BYTES - 1),
    ]);
    const message = readRecord(fields);
    const transaction = message?.transactions[work.transaction];
    if (!message || !transaction) return undefined;
    const waiting = transaction.recipients.filter((position) => !isSettled(fields[`s${String(position)}`]));
    if (waiting.length === 0) return undefined;
    const attempts = Number(fields[`n${String(work.transaction)}`] ?? 0);
    return { work, message, waiting, attempts, storedStart };
  }

  override async body({ message, storedStart }: Claim): Promise<Buffer> {
    const isAll = storedStart.length < START_BYTES;
    const stored = isAll ? storedStart : await this.redis.getBuffer(messageKeys(SHARD, message.id).body);
    if (stored === null || stored.length === 0)
      throw new Error(`the body of ${message.id} is gone while recipients wait`);
    return decodeBody(stored, this.retention.bodyBytesMax);
  }

  override settle(claim: Claim, results: readonly Settlement[]): Promise<SettleResult> {
    return this.write(claim.message, claim.work.transaction, claim.work.token, results, claim.attempts);
  }

  override async expire(messageId: string, nowMs: number): Promise<void> {
    const fields = await this.redis.hgetall(messageKeys(SHARD, messageId).message);
    const message = readRecord(fields);
    if (!message) {
      // Its history was shed while it stood in the list: nothing waits.
      await Promise.all(STREAMS.map((stream) => this.redis.zrem(shardKeys(SHARD).open(stream), messageId)));
      return;
    }
    for (const [index, transaction] of message.transactions.entries()) {
      const recipients = transaction.recipients.filter((position) => !isSettled(fields[`s${String(position)}`]));
      if (recipients.length === 0) continue;
      const event: MessageEvent = { type: 'expired', at: nowMs, recipients };
      const result = await this.write(message, index, '', [{ recipients, state: 'expired', event }]);
      if (result.kind !== 'settled') continue;
      this.metrics.recipientsSettled.inc({ state: 'expired' }, result.settled);
      this.log.info('message.expired', { id: messageId, account: message.account, recipients: result.settled });
      await this.lanes.remove(message.stream, jobId(messageId, index));
    }
  }

  override async expired(nowMs: number, limit: number): Promise<string[]> {
    const open = shardKeys(SHARD).open;
    const due = await Promise.all(
      STREAMS.map((stream) => this.redis.zrangebyscore(open(stream), '-inf', nowMs, 'LIMIT', 0, limit)),
    );
    return due.flat().slice(0, limit);
  }

  override async repair(limit: number): Promise<number> {
    const stream = STREAMS[this.repairStream] ?? 'default';
    const [cursor, pairs] = await this.redis.zscan(
      shardKeys(SHARD).open(stream),
      this.repairCursor,
      'COUNT',
      String(limit),
    );
    this.repairCursor = cursor;
    if (cursor === '0') this.repairStream = (this.repairStream + 1) % STREAMS.length;
    let repaired = 0;
    for (let i = 0; i < pairs.length; i += 2) repaired += await this.repairMessage(pairs[i] ?? '');
    return repaired;
  }

  override async read(messageId: string): Promise<MessageHistory | undefined> {
    const keys: MessageKeys = messageKeys(shardOfMessage(messageId), messageId);
    const [fields, events] = await Promise.all([
      this.redis.hgetall(keys.message),
      this.redis.lrange(keys.events, '0', '-1'),
    ]);
    const message = readRecord(fields);
    if (!message) return undefined;
    const accepted: MessageEvent = { type: 'accepted', at: message.acceptedAt, door: message.door };
    const later = events.map((json) => JSON.parse(json) as MessageEvent);
    return {
      message,
      states: message.recipients.map((_, position) => (fields[`s${String(position)}`] ?? 'queued') as RecipientState),
      events: [accepted, ...later].map((event, index): StoredEvent => ({
        ...event,
        id: `${messageId}.${String(index)}`,
      })),
    };
  }

  private async write(
    message: MessageRecord,
    transaction: number,
    token: string,
    results: readonly Settlement[],
    attemptsBefore: number | '' = '',
  ): Promise<SettleResult> {
    const keys = messageKeys(SHARD, message.id);
    const shard = shardKeys(SHARD);
    const lock = jobLockKey(SHARD, message.stream, jobId(message.id, transaction));
    const pairs = results.flatMap(({ recipients, state }) => recipients.flatMap((position) => [position, state]));
    const { eventRetentionMs, bodyRetentionMs, historyMax } = this.retention;
    const [status, settled = 0, waiting = 0] = await settleScript.run(
      this.redis,
      [keys.message, keys.body, keys.events, shard.open(message.stream), shard.closed, shard.ledger, lock],
      [
        token,
        message.id,
        message.stream,
        transaction,
        attemptsBefore,
        eventRetentionMs,
        bodyRetentionMs,
        historyMax,
        shardPrefix(SHARD),
        firstIdAt(message.acceptedAt - eventRetentionMs - (message.expiresAt - message.acceptedAt)),
        pairs.length / 2,
        ...pairs,
        ...results.map(({ event }) => JSON.stringify(event)),
      ],
    );
    if (status === -1) return { kind: 'lease-lost' };
    if (status === -2) return { kind: 'gone' };
    return { kind: 'settled', settled, waiting };
  }

  private async repairMessage(messageId: string): Promise<number> {
    const fields = await this.redis.hgetall(messageKeys(SHARD, messageId).message);
    const message = readRecord(fields);
    if (!message) return 0;
    let repaired = 0;
    for (const [index, transaction] of message.transactions.entries()) {
      if (transaction.recipients.every((position) => isSettled(fields[`s${String(position)}`]))) continue;
      const id = jobId(messageId, index);
      if ((await this.redis.exists(this.lanes.jobKey(message.stream, id))) === 1) continue;
      await this.lanes.add(message.stream, id);
      this.log.warn('queue.job_restored', { id: messageId, transaction: index });
      repaired++;
    }
    return repaired;
  }
}

function readRecord(fields: Record<string, string>): MessageRecord | undefined {
  return fields.v === undefined ? undefined : (JSON.parse(fields.v) as MessageRecord);
}

function isSettled(state: string | undefined): boolean {
  return SETTLED_STATES.some((settled) => settled === state);
}
