/**
 * Mail that is kept until a limit allows it. A held message has no jobs: its record says that it is held, and a lane, which
 * is a list in the order of arrival, says what is next. Releasing it clears the mark and makes its jobs in one step.
 *
 * A lane never blocks by what it lists: what was settled meanwhile is dropped when it comes to the head, and what a lane
 * has lost gets its place back by `Spool.repair`.
 */
import type { Redis } from 'ioredis';
import type { Stream } from '../mail/stream.js';
import { messageKeys, SHARD, shardKeys } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import { jobId, type BullmqLanes } from './bullmq-lanes.js';
import type { Holding, MessageRecord } from './spool.js';

/** The lane of an account's mail; what a credential's own limit holds waits in a lane of its own. */
export function laneOf(account: string, stream: Stream, credential?: string): string {
  const lane = `${stream === 'critical' ? 'critical' : 'other'}:${account}`;
  return credential === undefined ? lane : `${lane}:${credential}`;
}

export interface HeldMessage {
  readonly message: MessageRecord;
  readonly holding: Holding;
}

/**
 * KEYS: 1 message, 2 lane, 3 lanes. ARGV: 1 message id, 2 name of the lane.
 * Returns 1 where the message was held and waits; else 0, and its place is gone.
 */
const releaseScript = new LuaScript<number>(
  'release-held',
  3,
  `
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[3], ARGV[2]) end
if tonumber(redis.call('HGET', KEYS[1], 'w') or '0') <= 0 then return 0 end
return redis.call('HDEL', KEYS[1], 'h')
`,
);

/** KEYS: 1 message, 2 lane, 3 lanes. ARGV: 1 message id, 2 name of the lane, 3 when it came. Returns 1 where its place was lost. */
const placeScript = new LuaScript<number>(
  'place-held',
  3,
  `
if redis.call('HEXISTS', KEYS[1], 'h') == 0 then return 0 end
redis.call('ZADD', KEYS[3], 'NX', ARGV[3], ARGV[2])
return redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[1])
`,
);

/** KEYS: 1 message, 2 lane, 3 lanes, 4 new lane. ARGV: 1 message id, 2 name of the new lane, 3 the new holding, 4 when it came. */
const moveScript = new LuaScript<null>(
  'move-held',
  4,
  `
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'h') == 0 then return false end
redis.call('HSET', KEYS[1], 'h', ARGV[3])
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], 'NX', ARGV[4], ARGV[2])
return false
`,
);

export class HeldMail {
  constructor(
    private readonly redis: Redis,
    private readonly lanes: BullmqLanes,
  ) {}

  /** Messages that the lane lists; those that were settled meanwhile among them. */
  waiting(lane: string): Promise<number> {
    return this.redis.zcard(shardKeys(SHARD).held(lane));
  }

  /** How many messages the lane lists, and until when the last of them was told to wait; 0 where that is not known. */
  async tail(lane: string): Promise<{ readonly waiting: number; readonly until: number }> {
    const key = shardKeys(SHARD).held(lane);
    const [waiting, [last]] = await Promise.all([this.redis.zcard(key), this.redis.zrange(key, '-1', '-1')]);
    if (last === undefined) return { waiting, until: 0 };
    const holding = await this.redis.hget(messageKeys(SHARD, last).message, 'h');
    return { waiting, until: holding === null ? 0 : (JSON.parse(holding) as Holding).until };
  }

  /** Lanes to look at by `untilMs`, each with its time, the first first. */
  async due(untilMs: number, limit: number): Promise<{ readonly lane: string; readonly at: number }[]> {
    const { heldLanes } = shardKeys(SHARD);
    const found = await this.redis.zrangebyscore(heldLanes, '-inf', untilMs, 'WITHSCORES', 'LIMIT', 0, limit);
    const lanes: { lane: string; at: number }[] = [];
    for (let i = 0; i < found.length; i += 2) lanes.push({ lane: found[i] ?? '', at: Number(found[i + 1]) });
    return lanes;
  }

  async lookAgain(lane: string, atMs: number): Promise<void> {
    await this.redis.zadd(shardKeys(SHARD).heldLanes, 'XX', atMs, lane);
  }

  /** The message that came first; undefined where the lane is empty. What no longer waits is dropped on the way. */
  async head(lane: string): Promise<HeldMessage | undefined> {
    for (;;) {
      const [id] = await this.redis.zrange(shardKeys(SHARD).held(lane), '0', '0');
      if (id === undefined) {
        // Once more in one step: a message may have come in between.
        await releaseScript.run(this.redis, keysOf('', lane), ['', lane]);
        return undefined;
      }
      const [record, holding, waiting] = await this.redis.hmget(messageKeys(SHARD, id).message, 'v', 'h', 'w');
      if (record && holding && Number(waiting) > 0) {
        return { message: JSON.parse(record) as MessageRecord, holding: JSON.parse(holding) as Holding };
      }
      await releaseScript.run(this.redis, keysOf(id, lane), [id, lane]);
    }
  }

  /** Lets the message go its way. False where another did, or where it no longer waits. */
  async release({ message }: HeldMessage, lane: string, nowMs: number): Promise<boolean> {
    const { id, stream, transactions, sendAt = 0 } = message;
    const jobs = transactions.map((_, transaction) => jobId(id, transaction));
    const released = await this.lanes.commit(
      stream,
      jobs,
      (redis) => releaseScript.runText(redis, keysOf(id, lane), [id, lane]),
      Math.max(0, sendAt - nowMs),
    );
    return released === 1;
  }

  /** Lets the message wait in another lane, at the place of its age. */
  async move({ message, holding }: HeldMessage, lane: string, to: string): Promise<void> {
    const { id, acceptedAt } = message;
    const keys = [...keysOf(id, lane), shardKeys(SHARD).held(to)];
    await moveScript.run(this.redis, keys, [id, to, JSON.stringify({ ...holding, lane: to }), acceptedAt]);
  }

  /** Puts a held message into its lane where it is not there. Returns whether it was missing. */
  async place({ message, holding }: HeldMessage): Promise<boolean> {
    const { id, acceptedAt } = message;
    return (await placeScript.run(this.redis, keysOf(id, holding.lane), [id, holding.lane, acceptedAt])) === 1;
  }
}

function keysOf(id: string, lane: string): string[] {
  const shard = shardKeys(SHARD);
  return [messageKeys(SHARD, id).message, shard.held(lane), shard.heldLanes];
}
