/**
 * The spool in Redis. A message is one hash, its body one string, its history one list, all in its shard's slot; its
 * jobs are added in the same MULTI, so that a torn write loses all of it or nothing.
 */
import type { Redis } from 'ioredis';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { MessageEvent } from '../events/event.js';
import { STREAMS } from '../mail/stream.js';
import { messageKeys, SHARD, shardKeys } from '../store/keyspace.js';
import { RedisRoom } from '../store/redis-room.js';
import { suppressedTerms, termsOf } from './accept-terms.js';
import { writeAfterword } from './afterword-script.js';
import { acceptScript, acceptSuppressedScript, acceptWithTermsScript } from './accept-script.js';
import { decodeBody, encodeBody } from './body-codec.js';
import { jobId, type BullmqLanes } from './bullmq-lanes.js';
import { expirySettlements } from './expiry.js';
import { countFollowedUp } from './follow-up-script.js';
import { HeldMail } from './held-mail.js';
import { readHolding, readRecord, supersession, waitingOf, type MessageFields } from './message-fields.js';
import { readHistory, readOriginal } from './read-message.js';
import { settleRecipients, type Retention } from './settle-recipients.js';
import {
  Spool,
  type AcceptResult,
  type AcceptTerms,
  type Afterword,
  type AfterwordResult,
  type Claim,
  type MessageHistory,
  type MessageRecord,
  type Original,
  type SettleResult,
  type Settlement,
  type Work,
} from './spool.js';

/** A body up to this size comes along with the claim. */
const START_BYTES = 64 * 1024;

/** What ioredis says of a command while there is no connection to send it over. */
const NEVER_SENT = "Stream isn't writeable";

export class RedisSpool extends Spool {
  private repairCursor = '0';
  private repairStream = 0;
  private readonly room: RedisRoom;
  private readonly held: HeldMail;

  constructor(
    private readonly redis: Redis,
    private readonly lanes: BullmqLanes,
    private readonly retention: Retention,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {
    super();
    this.room = new RedisRoom(redis);
    this.held = new HeldMail(redis, lanes);
  }

  override async accept(message: MessageRecord, body: Buffer, terms: AcceptTerms = {}): Promise<AcceptResult> {
    const keys = messageKeys(SHARD, message.id);
    const shard = shardKeys(SHARD);
    const stored = await encodeBody(body);
    const full = await this.room.refusalOf(stored.length);
    if (full !== undefined) return { kind: 'not-written', why: full };
    const stopTimer = this.metrics.redisCommandDuration.startTimer({ command: 'accept' });
    const { id, stream, recipients, expiresAt, acceptedAt, sendAt = 0 } = message;
    const shut = new Set(terms.suppressed?.flatMap(({ recipients: positions }) => positions));
    const jobs = terms.holding ? [] : jobsOf(message, shut);
    const scriptKeys = [keys.message, keys.body, shard.open(stream), shard.ledger];
    const args = [id, JSON.stringify(message), stored, expiresAt, `${stream}:accepted`, recipients.length];
    const write = (redis: Redis) => this.writeAccepted(redis, message, terms, scriptKeys, args);
    let answer: unknown;
    try {
      answer = await this.lanes.commit(stream, jobs, write, Math.max(0, sendAt - acceptedAt));
    } catch (error) {
      const why = (error as Error).message;
      if (why.startsWith(NEVER_SENT)) return { kind: 'not-written', why };
      throw error;
    } finally {
      stopTimer();
    }
    if (answer === 'lease-lost') return { kind: answer };
    if (shut.size > 0) this.metrics.recipientsSettled.inc({ state: 'suppressed' }, shut.size);
    if (typeof answer === 'string') {
      // The message is stored: what fails from here on is done again by whoever meets the mark.
      await this.supersedeNow(answer).catch((error: unknown) => {
        this.log.warn('queue.supersede_waits', { id: answer, error: String(error) });
      });
    }
    return { kind: 'stored' };
  }

  override async claim(work: Work): Promise<Claim | undefined> {
    const keys = messageKeys(SHARD, work.messageId);
    const [fields, storedStart] = await Promise.all([
      this.redis.hgetall(keys.message),
      this.redis.getrangeBuffer(keys.body, 0, START_BYTES - 1),
    ]);
    const message = readRecord(fields);
    const transaction = message?.transactions[work.transaction];
    // What is held gets its jobs when it is released; one that is met before is none of them.
    if (!message || !transaction || fields.h !== undefined) return undefined;
    const waiting = waitingOf(fields, transaction.recipients);
    if (waiting.length === 0) return undefined;
    const attempts = Number(fields[`n${String(work.transaction)}`] ?? 0);
    const delayTold = `d${String(work.transaction)}` in fields;
    const superseded = fields.z !== undefined && { supersededBy: fields.z };
    return { work, message, waiting, attempts, delayTold, ...superseded, storedStart };
  }

  override async accountOf({ messageId }: Work): Promise<string | undefined> {
    const record = await this.redis.hget(messageKeys(SHARD, messageId).message, 'v');
    return record === null ? undefined : (JSON.parse(record) as MessageRecord).account;
  }

  override async body({ message, storedStart }: Claim): Promise<Buffer> {
    const isAll = storedStart.length < START_BYTES;
    const stored = isAll ? storedStart : await this.redis.getBuffer(messageKeys(SHARD, message.id).body);
    if (stored === null || stored.length === 0)
      throw new Error(`the body of ${message.id} is gone while recipients wait`);
    return decodeBody(stored, this.retention.bodyBytesMax);
  }

  override settle(claim: Claim, results: readonly Settlement[], sentMessageId?: string): Promise<SettleResult> {
    const { message, attempts: attemptsBefore, work } = claim;
    const { transaction, token } = work;
    const settler = { transaction, token, attemptsBefore, ...(sentMessageId !== undefined && { sentMessageId }) };
    return settleRecipients(this.redis, message, settler, results, this.retention);
  }

  override async expire(messageId: string, nowMs: number): Promise<void> {
    const fields = await this.redis.hgetall(messageKeys(SHARD, messageId).message);
    const message = readRecord(fields);
    if (!message) {
      // Its history was shed while it stood in the list: nothing waits.
      await Promise.all(STREAMS.map((stream) => this.redis.zrem(shardKeys(SHARD).open(stream), messageId)));
      return;
    }
    const history = await this.redis.lrange(messageKeys(SHARD, messageId).events, '0', '-1');
    const events = history.map((json) => JSON.parse(json) as MessageEvent);
    await this.settleWaiting(message, fields, (recipients) => expirySettlements(recipients, events, nowMs));
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

  override async afterword(messageId: string, afterword: Afterword): Promise<AfterwordResult> {
    const record = await this.redis.hget(messageKeys(SHARD, messageId).message, 'v');
    if (record === null) return 'gone';
    return writeAfterword(this.redis, JSON.parse(record) as MessageRecord, afterword);
  }

  override followedUp(messageId: string, number: number): Promise<void> {
    return countFollowedUp(this.redis, messageId, number, this.retention);
  }

  override original(messageId: string): Promise<Original | undefined> {
    return readOriginal(this.redis, messageId);
  }

  override read(messageId: string): Promise<MessageHistory | undefined> {
    return readHistory(this.redis, messageId);
  }

  /** By the script that does what the message needs and no more: most mail has no terms. */
  private writeAccepted(
    redis: Redis,
    message: MessageRecord,
    terms: AcceptTerms,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    const { holding, once, suppressed = [] } = terms;
    const isPlain = !holding && !once && message.supersedeKey === undefined;
    if (isPlain && suppressed.length === 0) return acceptScript.runText(redis, keys, args);
    const [termKeys, termArgs] = termsOf(message, terms);
    const [moreKeys, moreArgs] = [
      [...keys, ...termKeys],
      [...args, ...termArgs],
    ];
    if (suppressed.length === 0) return acceptWithTermsScript.runText(redis, moreKeys, moreArgs);
    const [lastKeys, lastArgs] = suppressedTerms(message, suppressed, this.retention);
    return acceptSuppressedScript.runText(redis, [...moreKeys, ...lastKeys], [...moreArgs, ...lastArgs]);
  }

  private async repairMessage(messageId: string): Promise<number> {
    const fields = await this.redis.hgetall(messageKeys(SHARD, messageId).message);
    const message = readRecord(fields);
    if (!message) return 0;
    if (fields.z !== undefined) {
      // Marked, and whoever marked it died before it was settled.
      await this.supersedeNow(messageId);
      return 0;
    }
    const holding = readHolding(fields);
    if (holding) return (await this.held.place({ message, holding })) ? 1 : 0;
    let repaired = 0;
    for (const [index, transaction] of message.transactions.entries()) {
      if (waitingOf(fields, transaction.recipients).length === 0) continue;
      const id = jobId(messageId, index);
      if ((await this.redis.exists(this.lanes.jobKey(message.stream, id))) === 1) continue;
      await this.lanes.add(message.stream, id);
      this.log.warn('queue.job_restored', { id: messageId, transaction: index });
      repaired++;
    }
    return repaired;
  }

  /** Settles what waits of a message that is superseded, but for what an attempt holds: that is settled when it is claimed. */
  private async supersedeNow(messageId: string): Promise<void> {
    const fields = await this.redis.hgetall(messageKeys(SHARD, messageId).message);
    const message = readRecord(fields);
    const by = fields.z;
    if (!message || by === undefined) return;
    await this.settleWaiting(message, fields, (recipients) => [supersession(recipients, by, Date.now())]);
  }

  /** Settles what waits and no attempt holds, and takes its jobs away. */
  private async settleWaiting(
    message: MessageRecord,
    fields: MessageFields,
    settlementsOf: (recipients: readonly number[]) => readonly Settlement[],
  ): Promise<void> {
    const { id, account, stream } = message;
    for (const [transaction, { recipients: all }] of message.transactions.entries()) {
      const recipients = waitingOf(fields, all);
      if (recipients.length === 0) continue;
      const settlements = settlementsOf(recipients);
      const nobody = { transaction, token: '', attemptsBefore: '' } as const;
      const result = await settleRecipients(this.redis, message, nobody, settlements, this.retention);
      if (result.kind !== 'settled') continue;
      const { state, event } = settlements[0] ?? {};
      this.metrics.recipientsSettled.inc({ state }, result.settled);
      this.log.info(`message.${event?.type}`, { id, account, recipients: result.settled });
      await this.lanes.remove(stream, jobId(id, transaction));
    }
  }
}

/** A job for each transaction that has somebody left. */
function jobsOf({ id, transactions }: MessageRecord, shut: ReadonlySet<number>): string[] {
  const jobs: string[] = [];
  for (const [transaction, { recipients }] of transactions.entries()) {
    if (shut.size === 0 || recipients.some((position) => !shut.has(position))) jobs.push(jobId(id, transaction));
  }
  return jobs;
}
