/** What keeps every message moving (`src/queue/spool.ts`): its time, its repair, its jobs; held against the spool in Redis. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { HOUR_MS, messageTo } from './redis-spool-bench.js';
import { deferred, delivered, SpoolSteps, workOf } from './spool-steps.js';

let steps: SpoolSteps;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

describe('expire', () => {
  it('is due when the time is over, not before', async () => {
    const message = await steps.accepted(['a@one.example']);
    const critical = await steps.accepted(['a@one.example'], { stream: 'critical', expiresAt: message.expiresAt + 1 });
    expect(await steps.spool.expired(message.expiresAt - 1, 10)).toEqual([]);
    expect(await steps.spool.expired(message.expiresAt, 10)).toEqual([message.id]);
    expect(await steps.spool.expired(message.expiresAt + 1, 10)).toEqual([critical.id, message.id]);
    expect(await steps.spool.expired(message.expiresAt + 1, 1)).toHaveLength(1);
  });

  it('settles what waits and takes its jobs away', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example', 'c@three.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    await steps.spool.settle(await steps.claimOf(workOf(message, 1)), [deferred(1)]);
    await steps.spool.expire(message.id, message.expiresAt);
    expect(await steps.states(message)).toEqual(['delivered', 'expired', 'expired']);
    // The fault is that of the last reply; where nothing was tried, it is ours.
    const { events = [] } = (await steps.spool.read(message.id)) ?? {};
    expect(events.flatMap((event) => (event.type === 'expired' ? [event.classification.fault] : []))).toEqual([
      'unknown',
      'infrastructure',
    ]);
    expect(await steps.ledger()).toMatchObject({ accepted: 3, settled: { delivered: 1, expired: 2 }, waiting: 0 });
    expect(await steps.spool.expired(message.expiresAt, 10)).toEqual([]);
    // The job of the settled transaction was never taken by a worker here; it will find nothing to do. The body waits a while
    // for the report, which shows its header.
    const left = await steps.keysOfWaiting(message);
    expect(left.toSorted()).toEqual([`{ph:0}:b:${message.id}`, `{ph:0}:default:${message.id}-0`]);
    expect(await steps.redis.pttl(`{ph:0}:b:${message.id}`)).toBeGreaterThan(0);
  });

  it('leaves alone the transaction that an attempt holds, and settles the others', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example']);
    const held = await steps.bench.hold();
    await steps.spool.expire(message.id, message.expiresAt);
    expect(await steps.states(message)).toEqual(['queued', 'expired']);
    expect(await steps.spool.expired(message.expiresAt, 10)).toEqual([message.id]);
    expect(await steps.spool.settle(await steps.claimOf(held.work), [delivered(0)])).toMatchObject({
      settled: 1,
      waiting: 0,
    });
    expect(await steps.states(message)).toEqual(['delivered', 'expired']);
  });

  it('forgets a message that is gone', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.redis.del(`{ph:0}:m:${message.id}`);
    await steps.spool.expire(message.id, message.expiresAt);
    expect(await steps.spool.expired(message.expiresAt, 10)).toEqual([]);
  });
});

describe('repair', () => {
  /** A round looks at one stream and goes on where the last one stopped. */
  async function repairAll(): Promise<number> {
    const repairing = await steps.bench.spool();
    let repaired = 0;
    for (let round = 0; round < 3; round++) repaired += await repairing.repair(100);
    return repaired;
  }

  it('gives a message that lost its job a new one, and leaves the others alone', async () => {
    const [lost, other, critical] = [
      await steps.accepted(['a@one.example', 'b@two.example']),
      await steps.accepted(['a@one.example']),
      await steps.accepted(['a@one.example'], { stream: 'critical' }),
    ];
    const before = await steps.redis.lrange('{ph:0}:default:wait', 0, -1);
    await steps.redis.del(`{ph:0}:default:${lost.id}-1`);
    await steps.redis.lrem('{ph:0}:default:wait', 0, `${lost.id}-1`);
    expect(await repairAll()).toBe(1);
    expect((await steps.redis.lrange('{ph:0}:default:wait', 0, -1)).sort()).toEqual(before.sort());
    expect(await steps.redis.exists(`{ph:0}:default:${lost.id}-1`)).toBe(1);
    expect(await steps.states(other)).toEqual(['queued']);
    expect(await steps.states(critical)).toEqual(['queued']);
    expect(await repairAll()).toBe(0);
  });

  it('makes no job for what is settled, nor a second one for what a worker has in hand or for later', async () => {
    const done = await steps.accepted(['a@one.example', 'b@two.example']);
    await steps.spool.settle(await steps.claimOf(workOf(done)), [delivered(0)]);
    await steps.redis.del(`{ph:0}:default:${done.id}-0`);
    await steps.redis.lrem('{ph:0}:default:wait', 0, `${done.id}-0`);
    const held = await steps.bench.hold();
    expect(held.work.messageId).toBe(done.id);
    expect(await repairAll()).toBe(0);
    held.end({ kind: 'again', at: Date.now() + HOUR_MS });
    await steps.bench.closeConsumers();
    expect(await steps.redis.zrange('{ph:0}:default:delayed', '0', '-1')).toEqual([`${done.id}-1`]);
    expect(await repairAll()).toBe(0);
  });
});

describe('a job', () => {
  it('without a message does nothing, and leaves nothing behind', async () => {
    const lanes = await steps.bench.lanes();
    const stranger = messageTo(['a@one.example']);
    await lanes.add('default', `${stranger.id}-0`);
    const held = await steps.bench.hold();
    expect(await steps.spool.claim(held.work)).toBeUndefined();
    held.end();
    await steps.bench.closeConsumers();
    expect(await steps.redis.keys(`*${stranger.id}*`)).toEqual([]);
    expect(await steps.redis.llen('{ph:0}:default:wait')).toBe(0);
  });

  it('comes back at the time that its work asked for', async () => {
    const message = await steps.accepted(['a@one.example']);
    const times: number[] = [];
    const back = Promise.withResolvers<undefined>();
    await steps.bench.consume(() => {
      times.push(Date.now());
      if (times.length === 2) back.resolve(undefined);
      return Promise.resolve(times.length === 1 ? { kind: 'again', at: Date.now() + 200 } : { kind: 'done' });
    });
    await back.promise;
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(200);
    await steps.bench.closeConsumers();
    expect(await steps.keysOfWaiting(message)).toEqual([`{ph:0}:b:${message.id}`]);
  });
});
