/**
 * Connects to Redis, in one of two manners.
 *
 * `answering` is for whoever owes a client an answer (doors, API, health): a command fails within two seconds while Redis is
 * away, and works again within about one second of its return. Nothing is queued while it is away, nothing is sent twice.
 * Never use it for blocking commands.
 *
 * `queue` is for BullMQ: commands wait for as long as Redis is away, and are sent again when they got no reply.
 *
 * **A command that failed for want of a reply may have been carried out**, at once or when Redis wakes: "Command timed out",
 * "Socket timeout" and "Reached the max retries" say that no reply came, not that nothing was written. Whoever answers 4xx on
 * such a failure must bear the message having been kept. "Stream isn't writeable" alone says that the command never left.
 */
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRedisUrl } from './redis-url.js';

export type RedisPurpose = 'answering' | 'queue';

/** Told once at the beginning and once at the end of each time without Redis. */
export interface RedisOutageListener {
  lost?: (why: string) => void;
  regained?: (outageMs: number) => void;
}

const ANSWER_WITHIN_MS = 1_500;
const RETRY_DELAY_MAX_MS = 500;
const QUIT_WITHIN_MS = 1_000;
const END_WITHIN_MS = 1_000;

const SHARED: RedisOptions = {
  // For ever: the service outlives any outage. Half a second at most, so that it is back at once after a long one too.
  retryStrategy: (attempt) => Math.min(50 * attempt, RETRY_DELAY_MAX_MS),
  sentinelRetryStrategy: (attempt) => Math.min(50 * attempt, RETRY_DELAY_MAX_MS),
  connectTimeout: ANSWER_WITHIN_MS,
  sentinelCommandTimeout: ANSWER_WITHIN_MS,
  maxLoadingRetryTime: 250,
  // A peer that does not react to our FIN is dropped, not waited for.
  disconnectTimeout: 200,
  keepAlive: 10_000,
  // After a failover the old master is a replica: look for the new one.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
  failoverDetector: true,
};

const BY_PURPOSE: Record<RedisPurpose, RedisOptions> = {
  answering: {
    commandTimeout: ANSWER_WITHIN_MS,
    // A connection that swallows commands is dropped just before the first of them fails: otherwise all that is sent from then
    // on would pile up here without bound, and be carried out after its senders had been told that it failed.
    socketTimeout: ANSWER_WITHIN_MS - 100,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  },
  queue: {
    // BullMQ wants null. It blocks for 10 s at most, so half a minute of silence is a dead connection.
    maxRetriesPerRequest: null,
    socketTimeout: 30_000,
  },
};

/**
 * Returns at once and connects in the background; `untilReady` waits for it. Never emits an unheard `error`.
 * Throws a TypeError on a URL that `parseRedisUrl` does not take: the configuration is checked before.
 */
export function connectRedis(url: string, purpose: RedisPurpose, outages: RedisOutageListener = {}): Redis {
  const parsed = parseRedisUrl(url);
  if (parsed.kind === 'fault') throw new TypeError(`the Redis URL is wrong: ${parsed.why}`);
  const connectionName = `posthorn-${purpose}`;
  const redis = new Redis({ ...SHARED, ...BY_PURPOSE[purpose], ...parsed.options, connectionName });
  reportOutages(redis, outages);
  return redis;
}

/** Waits for the connection to take commands, or for what no waiting mends. `why` is the last thing that went wrong. */
export function untilReady(
  redis: Redis,
  withinMs: number,
): Promise<{ kind: 'ready' } | { kind: 'unreachable'; why: string }> {
  if (redis.status === 'ready') return Promise.resolve({ kind: 'ready' });
  return new Promise((resolve) => {
    let why = 'no answer';
    const onError = (error: Error): void => {
      why = error.message;
      // No time makes a password right.
      if (/^(NOAUTH|WRONGPASS)/.test(why)) settle({ kind: 'unreachable', why });
    };
    const onReady = (): void => settle({ kind: 'ready' });
    const onEnd = (): void => settle({ kind: 'unreachable', why: 'the connection was closed' });
    const timer = setTimeout(() => settle({ kind: 'unreachable', why }), withinMs);
    const settle = (result: { kind: 'ready' } | { kind: 'unreachable'; why: string }): void => {
      clearTimeout(timer);
      redis.off('error', onError).off('ready', onReady).off('end', onEnd);
      resolve(result);
    };
    redis.on('error', onError).on('ready', onReady).on('end', onEnd);
  });
}

/**
 * Lets what was sent be answered, for a second at most, then closes. What still waits fails. Safe in every state of the
 * connection; returns when it is closed.
 */
export async function disconnectRedis(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  const ended = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  if (redis.status === 'ready')
    await within(QUIT_WITHIN_MS, Promise.race([redis.quit().catch(() => undefined), ended]));
  if (redis.status === 'reconnecting') {
    // Between two attempts ioredis never reaches its end, and what it queued waits for ever: so begin one, and break it off.
    redis.disconnect();
    redis.connect().catch(() => undefined);
  }
  redis.disconnect();
  await within(END_WITHIN_MS, ended);
}

async function within(timeMs: number, event: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([event, delay(timeMs, undefined, { signal: over.signal }).catch(() => undefined)]);
  over.abort();
}

function reportOutages(redis: Redis, { lost, regained }: RedisOutageListener): void {
  let lostAt: number | undefined;
  const lose = (why: string): void => {
    if (lostAt !== undefined) return;
    lostAt = performance.now();
    lost?.(why);
  };
  redis.on('error', (error: Error) => lose(error.message));
  redis.on('reconnecting', () => lose('the connection was closed'));
  redis.on('ready', () => {
    if (lostAt === undefined) return;
    const outageMs = performance.now() - lostAt;
    lostAt = undefined;
    regained?.(outageMs);
  });
}
