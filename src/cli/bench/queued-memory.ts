/** Measures what a waiting message takes in Redis beside its body: its destination is a port where nobody listens. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis, untilReady } from '../../store/connect-redis.js';
import { SHARD, shardPrefix } from '../../store/keyspace.js';
import { readRedisInfo } from '../../store/redis-info.js';
import type { Load } from './load.js';
import { STUCK_RECIPIENT } from './mail-system.js';
import type { RunningPosthorn } from './posthorn-instance.js';

export interface QueuedMemory {
  readonly messages: number;
  /** Redis's memory a message, its body as stored not counted. */
  readonly bytesPerMessage: number;
  /** The body as stored: with our trace header, compressed where that pays. */
  readonly bodyBytesPerMessage: number;
}

const CONNECT_WITHIN_MS = 5_000;
/** Each is tried once, and then waits for an hour. */
const TRIED_WITHIN_MS = 60_000;
const STILL_FOR_MS = 1_500;
const LOOK_EVERY_MS = 250;
const SCAN_COUNT = '1000';

/** @param posthorn one that does not come back to a message soon. */
export async function measureQueuedMemory(
  posthorn: RunningPosthorn,
  load: Load,
  messages: number,
): Promise<QueuedMemory> {
  const socket = join(posthorn.dataDir, 'redis', 'redis.sock');
  const redis = connectRedis(`unix://${socket}`, 'answering');
  try {
    const connection = await untilReady(redis, CONNECT_WITHIN_MS);
    if (connection.kind !== 'ready') throw new Error(`Redis cannot be asked for its memory: ${connection.why}`);
    // What the first message needs once: queues, scripts, keys.
    await load({ port: posthorn.port, messages: 1, recipient: STUCK_RECIPIENT });
    await untilStill(posthorn);
    const before = await usedBytes(redis);
    const bodiesBefore = await bodyBytes(redis);
    await load({ port: posthorn.port, messages, recipient: STUCK_RECIPIENT });
    await untilStill(posthorn);
    const used = (await usedBytes(redis)) - before;
    const bodies = (await bodyBytes(redis)) - bodiesBefore;
    return { messages, bytesPerMessage: (used - bodies) / messages, bodyBytesPerMessage: bodies / messages };
  } finally {
    await disconnectRedis(redis);
  }
}

/** The attempts have been made that are made at once, and nothing moves any more. */
async function untilStill(posthorn: RunningPosthorn): Promise<void> {
  const deadline = performance.now() + TRIED_WITHIN_MS;
  let attempts = -1;
  let movedAt = performance.now();
  while (performance.now() < deadline && performance.now() - movedAt < STILL_FOR_MS) {
    const now = await posthorn.metric('posthorn_delivery_attempts_total');
    if (now !== attempts) movedAt = performance.now();
    attempts = now;
    await sleep(LOOK_EVERY_MS);
  }
}

async function usedBytes(redis: Redis): Promise<number> {
  return Number((await readRedisInfo(redis)).get('used_memory'));
}

async function bodyBytes(redis: Redis): Promise<number> {
  let sum = 0;
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${shardPrefix(SHARD)}:b:*`, 'COUNT', SCAN_COUNT);
    cursor = next;
    const lengths = await Promise.all(keys.map((key) => redis.strlen(key)));
    sum += lengths.reduce((total, length) => total + length, 0);
  } while (cursor !== '0');
  return sum;
}
