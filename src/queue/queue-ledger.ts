/** The books of the queue: recipients accepted, settled and waiting. Kept in the very steps that accept and settle. */
import type { Redis } from 'ioredis';
import { timeOfMessage } from '../mail/message-id.js';
import { SETTLED_STATES, type SettledState } from '../mail/outcome.js';
import { STREAMS, type Stream } from '../mail/stream.js';
import { messageKeys, SHARD, shardKeys } from '../store/keyspace.js';
import { readRecord } from './message-fields.js';

/** Recipients ever accepted and ever settled, of one stream: `accepted` = all of `settled` + `waiting`. */
export interface LedgerLine {
  readonly stream: Stream;
  readonly accepted: number;
  readonly settled: Readonly<Partial<Record<SettledState, number>>>;
  readonly waiting: number;
}

export class QueueLedger {
  constructor(private readonly redis: Redis) {}

  async lines(): Promise<LedgerLine[]> {
    const fields = await this.redis.hgetall(shardKeys(SHARD).ledger);
    return STREAMS.map((stream) => {
      const accepted = Number(fields[`${stream}:accepted`] ?? 0);
      const settled: Partial<Record<SettledState, number>> = {};
      let sum = 0;
      for (const state of SETTLED_STATES) {
        const count = Number(fields[`${stream}:${state}`] ?? 0);
        if (count > 0) settled[state] = count;
        sum += count;
      }
      return { stream, accepted, settled, waiting: accepted - sum };
    });
  }

  /**
   * Since when the open message of `stream` that expires first waits to be sent: its acceptance, or the time it was
   * scheduled for. Undefined where none is open.
   */
  async oldestWaitsSince(stream: Stream): Promise<number | undefined> {
    const [id] = await this.redis.zrange(shardKeys(SHARD).open(stream), '0', '0');
    if (id === undefined) return undefined;
    const record = readRecord({ v: (await this.redis.hget(messageKeys(SHARD, id).message, 'v')) ?? '{}' });
    return record?.sendAt ?? timeOfMessage(id);
  }
}
