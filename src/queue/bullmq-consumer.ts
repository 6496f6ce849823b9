/**
 * Hands work to a process: a BullMQ worker for each stream, so that `critical` always has hands of its own.
 *
 * A lease is BullMQ's lock. It is renewed while the work runs, by its owner only, and lapses when the process dies;
 * then the job goes back to the queue, however often that happens.
 */
import { DelayedError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { isMessageId } from '../mail/message-id.js';
import type { Stream } from '../mail/stream.js';
import { shardPrefix } from '../store/keyspace.js';
import type { Work } from './spool.js';

const LEASE_MS = 15_000;
/** How often leases are renewed, and how often lapsed ones are looked for. */
const RENEW_MS = 5_000;
/** Never give a message up because its worker died: BullMQ would make it `failed`. */
const STALLED_MAX = 1_000_000_000;

/** What becomes of a job after its work. */
export type WorkResult = { readonly kind: 'done' } | { readonly kind: 'again'; readonly at: number };

export interface ConsumerOptions {
  readonly shard: number;
  /** Work taken at once, by stream. */
  readonly concurrency: Readonly<Record<Stream, number>>;
  readonly handle: (work: Work) => Promise<WorkResult>;
  readonly onError: (error: Error) => void;
}

export class BullmqConsumer {
  private readonly workers: readonly Worker<0, void>[];

  /** Each worker duplicates `redis` for its blocking wait. */
  constructor(redis: Redis, options: ConsumerOptions) {
    this.workers = (Object.keys(options.concurrency) as Stream[]).map((stream) => {
      const worker = new Worker<0, void>(stream, (job, token) => run(job, token, stream, options.handle), {
        connection: redis,
        prefix: shardPrefix(options.shard),
        concurrency: options.concurrency[stream],
        lockDuration: LEASE_MS,
        lockRenewTime: RENEW_MS,
        stalledInterval: RENEW_MS,
        maxStalledCount: STALLED_MAX,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      });
      worker.on('error', options.onError);
      // A job that failed is a bug of ours: its record still waits, and the watchdog gives it a new job.
      worker.on('failed', (_job, error) => {
        options.onError(error);
      });
      return worker;
    });
  }

  /** Takes no more work and resolves when what runs has ended. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }
}

async function run(
  job: Job<0, void>,
  token: string | undefined,
  stream: Stream,
  handle: ConsumerOptions['handle'],
): Promise<void> {
  const id = job.id ?? '';
  const dash = id.indexOf('-');
  const messageId = id.slice(0, dash);
  if (!isMessageId(messageId) || token === undefined) return;
  const result = await handle({ messageId, transaction: Number(id.slice(dash + 1)), stream, token });
  if (result.kind === 'done') return;
  await job.moveToDelayed(result.at, token);
  throw new DelayedError();
}
