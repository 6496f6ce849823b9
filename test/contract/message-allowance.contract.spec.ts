/** What the limits of accounts and credentials promise, held against a real Redis and a plain list of times. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { MessageAllowance, type AllowanceDecision, type Sender } from '../../src/accounts/message-allowance.js';
import { RedisSpoolBench } from './redis-spool-bench.js';

const START_MS = Date.UTC(2026, 10, 21, 10, 0, 0, 50);
const LENGTHS = { perSecond: 1_000, perHour: 3_600_000, perDay: 86_400_000 } as const;
const BUCKETS = { perSecond: 20, perHour: 60_000, perDay: 1_800_000 } as const;

let bench: RedisSpoolBench;
let redis: Redis;
let allowance: MessageAllowance;

beforeAll(async () => {
  bench = await RedisSpoolBench.start();
  redis = await bench.connect();
  allowance = new MessageAllowance(redis);
});
afterEach(() => redis.flushall());
afterAll(() => bench.dispose());

function sender(given: Partial<Sender>): Sender {
  return { account: 'shop', stream: 'default', limits: {}, ...given };
}

async function kinds(who: Sender, ...times: number[]): Promise<string[]> {
  const found: string[] = [];
  for (const time of times) found.push((await allowance.reserve(who, time)).kind);
  return found;
}

function over(decision: AllowanceDecision): AllowanceDecision & { kind: 'over' } {
  if (decision.kind !== 'over') throw new Error('it was allowed');
  return decision;
}

describe('a limit of messages', () => {
  it('asks Redis nothing where nothing is limited', async () => {
    expect(await allowance.reserve(sender({}), START_MS)).toEqual({ kind: 'allowed' });
    expect(await redis.dbsize()).toBe(0);
  });

  it('says what is left, and how long to wait when nothing is', async () => {
    const who = sender({ limits: { messages: { perHour: 2, perDay: 100 } } });
    expect(await allowance.reserve(who, START_MS)).toMatchObject({ kind: 'allowed', rate: { limit: 2, remaining: 1 } });
    await allowance.reserve(who, START_MS + 1);
    const refused = over(await allowance.reserve(who, START_MS + 600_000));
    expect(refused).toMatchObject({ of: 'account', window: 'hour', limit: 2 });
    const back = START_MS + 600_000 + refused.retryAfterMs;
    expect(back).toBeGreaterThan(START_MS + LENGTHS.perHour);
    expect(back).toBeLessThanOrEqual(START_MS + LENGTHS.perHour + BUCKETS.perHour);
    expect(await kinds(who, back - 1, back, back + 1)).toEqual(['over', 'allowed', 'allowed']);
  });

  it('of two that are full, names the one that stays so for longer', async () => {
    const who = sender({ limits: { messages: { perSecond: 1, perHour: 1 } } });
    await allowance.reserve(who, START_MS);
    expect(over(await allowance.reserve(who, START_MS)).window).toBe('hour');
  });

  it('of a month begins anew with the month, in UTC', async () => {
    const who = sender({ limits: { messages: { perMonth: 1 } } });
    const december = Date.UTC(2026, 11, 1);
    await allowance.reserve(who, START_MS);
    expect(over(await allowance.reserve(who, START_MS)).retryAfterMs).toBe(december - START_MS);
    expect(await kinds(who, december - 1, december, Date.UTC(2027, 0, 1))).toEqual(['over', 'allowed', 'allowed']);
  });

  it('of 0 allows nothing', async () => {
    const who = sender({ limits: { messages: { perHour: 0 } } });
    expect(over(await allowance.reserve(who, START_MS)).retryAfterMs).toBeGreaterThan(0);
  });

  it('counts critical mail apart, by its own numbers or the same', async () => {
    const limits = { messages: { perHour: 1 } };
    expect(await kinds(sender({ limits }), START_MS, START_MS)).toEqual(['allowed', 'over']);
    expect(await kinds(sender({ limits, stream: 'bulk' }), START_MS)).toEqual(['over']);
    expect(await kinds(sender({ limits, stream: 'critical' }), START_MS, START_MS)).toEqual(['allowed', 'over']);
    const roomy = { ...limits, criticalMessages: { perHour: 2 } };
    expect(await kinds(sender({ limits: roomy, stream: 'critical' }), START_MS, START_MS)).toEqual(['allowed', 'over']);
  });

  it('of a credential counts beside the account’s, all or nothing', async () => {
    const limits = { messages: { perHour: 3 } };
    const one = sender({ limits, credential: { id: 'one', limits: { perHour: 1 } } });
    const two = sender({ limits, credential: { id: 'two' } });
    expect(await kinds(one, START_MS, START_MS, START_MS)).toEqual(['allowed', 'over', 'over']);
    expect(over(await allowance.reserve(one, START_MS)).of).toBe('credential');
    // What the credential was refused did not count for the account.
    expect(await kinds(two, START_MS, START_MS, START_MS)).toEqual(['allowed', 'allowed', 'over']);
  });

  it('is given back by a refund, once, and not after its window', async () => {
    const who = sender({ limits: { messages: { perSecond: 1, perHour: 2 } } });
    const first = await allowance.reserve(who, START_MS);
    if (first.kind !== 'allowed' || !first.reservation) throw new Error('it was not counted');
    await allowance.refund(first.reservation);
    expect(await kinds(who, START_MS)).toEqual(['allowed']);
    const later = START_MS + 10_000;
    await allowance.refund(first.reservation);
    await allowance.refund(first.reservation);
    expect(await kinds(who, later, later + 2_000, later + 4_000)).toEqual(['allowed', 'allowed', 'over']);
  });

  it('leaves nothing behind for ever, and little while it counts', async () => {
    const who = sender({ limits: { messages: { perSecond: 500, perHour: 500, perDay: 500 } } });
    for (let i = 0; i < 300; i++) await allowance.reserve(who, START_MS + i * 400_000);
    const [key = '', ...more] = await redis.keys('*');
    expect(more).toEqual([]);
    expect(await redis.hlen(key)).toBeLessThan(9 + 51 + 61 + 49);
    expect(await redis.pttl(key)).toBeGreaterThan(0);
    expect(await redis.pttl(key)).toBeLessThan(4 * LENGTHS.perDay);
  });
});

describe('a sliding window', () => {
  it.each(['perSecond', 'perHour', 'perDay'] as const)(
    'never takes more than its limit in any %s, wastes no more than a bucket, and minds no clock that goes back',
    async (name) => {
      const [lengthMs, bucketMs] = [LENGTHS[name], BUCKETS[name]];
      // In 16ths of the window, sometimes backwards.
      const steps = fc.array(fc.record({ step: fc.integer({ min: -8, max: 24 }), refunds: fc.boolean() }), {
        minLength: 10,
        maxLength: 60,
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 6 }), steps, async (limit, moves) => {
          const who = sender({ account: `a${run++}`, limits: { messages: { [name]: limit } } });
          const kept: number[] = [];
          let clock = START_MS;
          let newest = 0;
          for (const { step, refunds } of moves) {
            clock += (step * lengthMs) / 16;
            newest = Math.max(newest, Math.floor(clock));
            const decision = await allowance.reserve(who, Math.floor(clock));
            if (decision.kind === 'over') {
              // Only what is at most a bucket older than the window may still stand in the way.
              const standing = kept.filter((time) => time > newest - lengthMs - bucketMs);
              expect(standing.length).toBeGreaterThanOrEqual(limit);
            } else if (refunds && decision.reservation) await allowance.refund(decision.reservation);
            else kept.push(newest);
          }
          kept.forEach((time, i) => {
            const after = kept[i + limit];
            if (after !== undefined) expect(after - time).toBeGreaterThanOrEqual(lengthMs);
          });
          expect(await kinds(who, newest + lengthMs + bucketMs)).toEqual(['allowed']);
        }),
        { numRuns: 60 },
      );
    },
    30_000,
  );
});
