/**
 * The jobs that wake workers: one BullMQ queue for each shard and stream, named by the stream, under the shard's hash
 * tag. A job's id is `<message id>-<transaction>`; it holds no data of its own.
 */
import { Queue, Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { STREAMS, type Stream } from '../mail/stream.js';
import { shardPrefix } from '../store/keyspace.js';

/** Length of the stream of queue events that BullMQ keeps; nothing of ours reads it. */
const QUEUE_EVENTS_MAX = 100;
export const JOB_NAME = 'd';
type Data = 0;
type LaneQueue = Queue<Data, void>;

export function jobId(messageId: string, transaction: number): string {
  return `${messageId}-${String(transaction)}`;
}

/** The key of the lock that the worker of a job holds: the lease that `settle` is guarded with. */
export function jobLockKey(shard: number, stream: Stream, id: string): string {
  return `${shardPrefix(shard)}:${stream}:${id}:lock`;
}

export class BullmqLanes {
  private readonly queues: ReadonlyMap<Stream, LaneQueue>;

  constructor(
    private readonly shard: number,
    private readonly redis: Redis,
    onError: (error: Error) => void,
  ) {
    this.queues = new Map(
      STREAMS.map((stream) => {
        const queue: LaneQueue = new Queue(stream, {
          connection: redis,
          prefix: shardPrefix(shard),
          streams: { events: { maxLen: QUEUE_EVENTS_MAX } },
          skipWaitingForReady: true,
        });
        queue.on('error', onError);
        return [stream, queue];
      }),
    );
  }

  async ready(): Promise<void> {
    for (const queue of this.queues.values()) await queue.waitUntilReady();
  }

  /**
   * Sends what `write` writes and adds the jobs `ids`, all or nothing: one MULTI, in one go on the shared connection. A
   * pipeline object would copy BullMQ's sixty scripts for every message.
   *
   * Returns what Redis answered to `write`. Throws where it did not confirm.
   */
  async commit(
    stream: Stream,
    ids: readonly string[],
    write: (redis: Redis) => Promise<unknown>,
    delayMs = 0,
  ): Promise<unknown> {
    const { redis } = this;
    const queue = this.queue(stream);
    const backend = queue.getBackend();
    // Known before MULTI, so that nothing waits between it and EXEC.
    const client = await backend.client;
    const sent: Promise<unknown>[] = [redis.multi({ pipeline: false }), write(redis)];
    for (const id of ids) {
      const options = delayMs > 0 ? { delay: delayMs } : {};
      const { jobData } = new Job<Data, void>(queue, JOB_NAME, 0, options, id).toFlowEntry();
      sent.push(backend.addJobToTransaction(client, jobData, id, {}, queue.keys));
    }
    const answers = await Promise.all([...sent, redis.exec()]);
    const results: unknown = answers.at(-1);
    if (!Array.isArray(results)) throw new Error('Redis gave up the transaction');
    // ioredis gives each answer as [error, value].
    const failed = (results as unknown[][]).map(([error]) => error).find(isError);
    if (failed !== undefined && !failed.message.startsWith('NOSCRIPT')) throw failed;
    // After a restart Redis does not know the script that adds a job, while the rest was written. Never the other way
    // round: a worker that found a job without its message would throw it away.
    if (failed !== undefined) for (const id of ids) await this.add(stream, id, delayMs);
    return (results as unknown[][])[0]?.[1];
  }

  /** Adds a job that is not there; one that is stays as it is. */
  async add(stream: Stream, id: string, delayMs = 0): Promise<void> {
    await this.queue(stream).add(JOB_NAME, 0, { jobId: id, ...(delayMs > 0 && { delay: delayMs }) });
  }

  async remove(stream: Stream, id: string): Promise<void> {
    await this.queue(stream).remove(id);
  }

  jobKey(stream: Stream, id: string): string {
    return `${shardPrefix(this.shard)}:${stream}:${id}`;
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }

  private queue(stream: Stream): LaneQueue {
    const queue = this.queues.get(stream);
    if (!queue) throw new Error(`no lane ${stream}`);
    return queue;
  }
}

/** An error that stands among the answers of an EXEC. Not `instanceof`: it may come from another realm. */
function isError(answer: unknown): answer is Error {
  return typeof answer === 'object' && answer !== null && 'message' in answer;
}
