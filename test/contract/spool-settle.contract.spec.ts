/** What a worker may assume when it settles (`src/queue/spool.ts`), held against the spool in Redis. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Claim, MessageRecord } from '../../src/queue/spool.js';
import { HOUR_MS } from './redis-spool-bench.js';
import { bounced, deferred, delivered, SpoolSteps, workOf } from './spool-steps.js';

let steps: SpoolSteps;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

describe('settle', () => {
  it('settles each recipient by its own outcome and leaves the others waiting', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example', 'c@one.example', 'd@two.example']);
    const result = await steps.spool.settle(await steps.claimOf(workOf(message)), [
      delivered(0),
      bounced(1),
      deferred(2),
    ]);
    expect(result).toEqual({ kind: 'settled', settled: 2, waiting: 2 });
    expect(await steps.states(message)).toEqual(['delivered', 'bounced', 'deferred', 'queued']);
    expect(await steps.ledger()).toMatchObject({ accepted: 4, settled: { delivered: 1, bounced: 1 }, waiting: 2 });
    expect(await steps.redis.exists(`{ph:0}:b:${message.id}`)).toBe(1);
  });

  it('writes nothing for a worker whose lease another holds', async () => {
    const message = await steps.accepted(['a@one.example']);
    const { work } = await steps.bench.hold();
    const claim = await steps.claimOf(work);
    const stale: Claim = { ...claim, work: { ...work, token: 'of-a-worker-that-was-thought-dead' } };
    expect(await steps.spool.settle(stale, [bounced(0)])).toEqual({ kind: 'lease-lost' });
    expect(await steps.states(message)).toEqual(['queued']);
    expect(await steps.eventTypes(message)).toEqual(['accepted']);
    expect(await steps.ledger()).toMatchObject({ settled: {}, waiting: 1 });
    expect(await steps.spool.settle(claim, [delivered(0)])).toEqual({ kind: 'settled', settled: 1, waiting: 0 });
  });

  it('still writes what a worker did whose lease has lapsed, while nobody else has taken it', async () => {
    const message = await steps.accepted(['a@one.example']);
    const { work } = await steps.bench.hold();
    await steps.redis.del(`{ph:0}:default:${message.id}-0:lock`);
    expect(await steps.spool.settle(await steps.claimOf(work), [delivered(0)])).toMatchObject({
      kind: 'settled',
      settled: 1,
    });
  });

  it('changes nothing when it is repeated, whatever it settled', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example', 'c@one.example']);
    const claim = await steps.claimOf(workOf(message));
    const results = [delivered(0), bounced(1), deferred(2)];
    await steps.spool.settle(claim, results);
    const [once, books] = [await steps.spool.read(message.id), await steps.ledger()];
    expect(await steps.spool.settle(claim, results)).toEqual({ kind: 'settled', settled: 0, waiting: 1 });
    expect(await steps.spool.read(message.id)).toEqual(once);
    expect(await steps.ledger()).toEqual(books);
    expect((await steps.claimOf(workOf(message))).attempts).toBe(1);
  });

  it('changes nothing when a deferral alone is repeated, and counts the next one', async () => {
    const message = await steps.accepted(['a@one.example']);
    const claim = await steps.claimOf(workOf(message));
    await steps.spool.settle(claim, [deferred(0)]);
    expect(await steps.spool.settle(claim, [deferred(0)])).toEqual({ kind: 'settled', settled: 0, waiting: 1 });
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'deferred']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [deferred(0)]);
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'deferred', 'deferred']);
    expect((await steps.claimOf(workOf(message))).attempts).toBe(2);
  });

  it('believes a delivery although another worker has deferred it meanwhile', async () => {
    const message = await steps.accepted(['a@one.example']);
    const slow = await steps.claimOf(workOf(message));
    await steps.spool.settle(await steps.claimOf(workOf(message)), [deferred(0)]);
    expect(await steps.spool.settle(slow, [delivered(0)])).toEqual({ kind: 'settled', settled: 1, waiting: 0 });
    expect(await steps.states(message)).toEqual(['delivered']);
  });

  it('settles once and for ever', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example']);
    const claim = await steps.claimOf(workOf(message));
    await steps.spool.settle(claim, [delivered(0)]);
    for (const later of [bounced(0), deferred(0)]) {
      expect(await steps.spool.settle(claim, [later])).toEqual({ kind: 'settled', settled: 0, waiting: 1 });
    }
    expect(await steps.states(message)).toEqual(['delivered', 'queued']);
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'delivered']);
    expect(await steps.ledger()).toMatchObject({ accepted: 2, settled: { delivered: 1 }, waiting: 1 });
  });

  it('closes the message with its last recipient: the history stays for its time', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    expect(await steps.redis.pttl(`{ph:0}:m:${message.id}`)).toBe(-1);
    const last = await steps.spool.settle(await steps.claimOf(workOf(message, 1)), [bounced(1)]);
    expect(last).toEqual({ kind: 'settled', settled: 1, waiting: 0 });
    expect(await steps.redis.zcard('{ph:0}:open:default')).toBe(0);
    for (const kind of ['m', 'e']) {
      const leftMs = await steps.redis.pttl(`{ph:0}:${kind}:${message.id}`);
      expect(leftMs).toBeGreaterThan(HOUR_MS - 60_000);
      expect(leftMs).toBeLessThanOrEqual(HOUR_MS);
    }
    expect(await steps.states(message)).toEqual(['delivered', 'bounced']);
    expect(await steps.ledger()).toMatchObject({ accepted: 2, settled: { delivered: 1, bounced: 1 }, waiting: 0 });
  });

  it('lets the body go with the last recipient, and minutes later where a report is to show its header', async () => {
    const [fine, failed] = [await steps.accepted(['a@one.example']), await steps.accepted(['b@one.example'])];
    await steps.spool.settle(await steps.claimOf(workOf(fine)), [delivered(0)]);
    expect(await steps.redis.exists(`{ph:0}:b:${fine.id}`)).toBe(0);
    await steps.spool.settle(await steps.claimOf(workOf(failed)), [bounced(0)]);
    const leftMs = await steps.redis.pttl(`{ph:0}:b:${failed.id}`);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(600_000);
  });

  it('keeps the body for as long as the operator wants it', async () => {
    const keeping = await steps.bench.spool({ bodyRetentionMs: HOUR_MS });
    const message = await steps.accepted(['a@one.example']);
    await keeping.settle(await steps.claimOf(workOf(message), keeping), [delivered(0)]);
    expect(await steps.redis.get(`{ph:0}:b:${message.id}`)).toBe('hello');
    expect(await steps.redis.pttl(`{ph:0}:b:${message.id}`)).toBeGreaterThan(HOUR_MS - 60_000);
  });

  it('sheds histories beyond their number, the oldest first, and none of what waits', async () => {
    const frugal = await steps.bench.spool({ historyMax: 3 });
    const waiting = await steps.accepted(['w@one.example']);
    const closed: MessageRecord[] = [];
    for (let i = 0; i < 5; i++) {
      const message = await steps.accepted(['a@one.example']);
      await frugal.settle(await steps.claimOf(workOf(message), frugal), [delivered(0)]);
      closed.push(message);
    }
    const kept = await Promise.all(
      closed.map(({ id }) => steps.spool.read(id).then((history) => history !== undefined)),
    );
    expect(kept).toEqual([false, false, true, true, true]);
    expect(await steps.states(waiting)).toEqual(['queued']);
    expect(await steps.ledger()).toMatchObject({ accepted: 6, settled: { delivered: 5 }, waiting: 1 });
  });

  it('says that the message is gone where its history was shed', async () => {
    const message = await steps.accepted(['a@one.example']);
    const claim = await steps.claimOf(workOf(message));
    await steps.spool.settle(claim, [delivered(0)]);
    await steps.redis.del(`{ph:0}:m:${message.id}`, `{ph:0}:e:${message.id}`);
    expect(await steps.spool.settle(claim, [delivered(0)])).toEqual({ kind: 'gone' });
    expect(await steps.redis.exists(`{ph:0}:m:${message.id}`)).toBe(0);
  });
});
