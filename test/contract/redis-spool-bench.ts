/**
 * The spool in a Redis of its own, for the suites that hold it to its contract: a real server with AOF `always` in a
 * directory of its own, the spool's own connections, and consumers that hold real leases.
 */
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { newMessageId } from '../../src/mail/message-id.js';
import { STREAMS, type Stream } from '../../src/mail/stream.js';
import { BullmqConsumer, type WorkResult } from '../../src/queue/bullmq-consumer.js';
import { BullmqLanes } from '../../src/queue/bullmq-lanes.js';
import { planTransactions } from '../../src/queue/plan-transactions.js';
import { RedisSpool } from '../../src/queue/redis-spool.js';
import type { Retention } from '../../src/queue/settle-recipients.js';
import type { MessageRecord, Work } from '../../src/queue/spool.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';
import { SHARD, shardPrefix } from '../../src/store/keyspace.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';

export const HOUR_MS = 3_600_000;
const READY_WITHIN_MS = 60_000;
const POLL_MS = 10;
const RETENTION: Retention = {
  eventRetentionMs: HOUR_MS,
  bodyRetentionMs: 0,
  historyMax: 1_000,
  bodyBytesMax: 1_048_576,
};

/** A message of account `default` to `recipients`, accepted now, that expires in an hour. */
export function messageTo(recipients: readonly string[], given: Partial<MessageRecord> = {}): MessageRecord {
  const acceptedAt = given.acceptedAt ?? Date.now();
  return {
    id: newMessageId(acceptedAt, SHARD),
    account: 'default',
    door: 'smtp',
    stream: 'default',
    acceptedAt,
    expiresAt: acceptedAt + HOUR_MS,
    reversePath: 'shop@example.org',
    recipients,
    transactions: planTransactions(recipients),
    fromDomain: 'example.org',
    bodyBytes: 5,
    ...given,
  };
}

/** What a worker holds while it has a job: the lease is real, and kept until `end`. */
export interface HeldWork {
  readonly work: Work;
  /** Lets the job go, done or to be looked at again. */
  end(result?: WorkResult): void;
}

export class RedisSpoolBench {
  private readonly consumers: BullmqConsumer[] = [];
  private readonly lanesOpened: BullmqLanes[] = [];
  private readonly clients: Redis[] = [];
  private readonly held: HeldWork[] = [];
  private readonly taken = new EventEmitter();
  private handedOut = 0;
  private holder: BullmqConsumer | undefined;
  private server: EmbeddedRedis | undefined;

  private constructor(private readonly dataDir: string) {}

  static async start(): Promise<RedisSpoolBench> {
    const bench = new RedisSpoolBench(mkdtempSync(join(tmpdir(), 'posthorn-spool-')));
    await bench.startServer();
    return bench;
  }

  async startServer(): Promise<void> {
    const { dataDir } = this;
    const started = await startEmbeddedRedis({ dataDir, durability: 'fsync', log: () => undefined });
    if (started.kind !== 'running') throw new Error(started.why);
    this.server = started;
  }

  /** Ends the server in good order; its files hold all that was written. */
  async stopServer(): Promise<void> {
    await this.closeConsumers();
    for (const lanes of this.lanesOpened.splice(0)) await lanes.close();
    for (const client of this.clients.splice(0)) await disconnectRedis(client);
    await this.server?.stop();
  }

  /** The file that each write is appended to. */
  get appendOnlyFile(): string {
    const directory = join(this.dataDir, 'redis/appendonlydir');
    // Redis before 7 keeps one file.
    if (!existsSync(directory)) return join(this.dataDir, 'redis/appendonly.aof');
    const [file = ''] = readdirSync(directory).filter((name) => name.endsWith('.incr.aof'));
    return join(directory, file);
  }

  async connect(): Promise<Redis> {
    const client = connectRedis(this.server?.url ?? '', 'queue');
    this.clients.push(client);
    const reached = await untilReady(client, READY_WITHIN_MS);
    if (reached.kind !== 'ready') throw new Error(reached.why);
    return client;
  }

  async lanes(): Promise<BullmqLanes> {
    const lanes = new BullmqLanes(SHARD, await this.connect(), () => undefined);
    this.lanesOpened.push(lanes);
    await lanes.ready();
    return lanes;
  }

  async spool(retention: Partial<Retention> = {}): Promise<RedisSpool> {
    const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
    return new RedisSpool(await this.connect(), await this.lanes(), { ...RETENTION, ...retention }, new Metrics(), log);
  }

  /** A worker that does one `handle` of each stream at a time; what BullMQ complains of is thrown away. */
  async consume(handle: (work: Work) => Promise<WorkResult>): Promise<BullmqConsumer> {
    const concurrency = Object.fromEntries(STREAMS.map((stream) => [stream, 1])) as Record<Stream, number>;
    const options = { shard: SHARD, concurrency, handle, onError: () => undefined };
    const consumer = new BullmqConsumer(await this.connect(), options);
    this.consumers.push(consumer);
    return consumer;
  }

  /** Takes the next job, when the one before it has ended, and holds its lease until it is ended. */
  async hold(): Promise<HeldWork> {
    this.holder ??= await this.consume((work) => {
      const ended = Promise.withResolvers<WorkResult>();
      const held: HeldWork = {
        work,
        end: (result = { kind: 'done' }) => {
          ended.resolve(result);
        },
      };
      this.held.push(held);
      this.taken.emit('work', held);
      return ended.promise;
    });
    const next = this.held[this.handedOut] ?? ((await once(this.taken, 'work'))[0] as HeldWork);
    this.handedOut++;
    return next;
  }

  /** Resolves when no job of the stream `default` waits or is in hand. */
  async untilIdle(): Promise<void> {
    const redis = await this.connect();
    const lists = ['wait', 'active'].map((list) => `${shardPrefix(SHARD)}:default:${list}`);
    while ((await redis.exists(...lists)) > 0) await sleep(POLL_MS);
  }

  async closeConsumers(): Promise<void> {
    const closed = this.consumers.splice(0).map((consumer) => consumer.close());
    for (const held of this.held.splice(0)) held.end();
    this.holder = undefined;
    this.handedOut = 0;
    await Promise.all(closed);
  }

  async dispose(): Promise<void> {
    await this.stopServer();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
