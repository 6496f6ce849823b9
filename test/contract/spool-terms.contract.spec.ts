/** What a message may be accepted on (`src/queue/spool.ts`): at a time, in another's place, once; held against the spool in Redis. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Idempotency, type HeldKey } from '../../src/queue/idempotency.js';
import { HOUR_MS, messageTo } from './redis-spool-bench.js';
import { BODY, delivered, SpoolSteps, workOf } from './spool-steps.js';

let steps: SpoolSteps;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

/** Every open message is looked at, whatever its stream. */
async function repairAll(): Promise<number> {
  const repairing = await steps.bench.spool();
  let repaired = 0;
  for (let round = 0; round < 3; round++) repaired += await repairing.repair(100);
  return repaired;
}

describe('a message that is scheduled', () => {
  it('says so, and has a job for its time and none before', async () => {
    const sendAt = Date.now() + HOUR_MS;
    const message = await steps.accepted(['a@one.example', 'b@two.example'], { sendAt });
    expect(await steps.states(message)).toEqual(['scheduled', 'scheduled']);
    expect(await steps.redis.llen('{ph:0}:default:wait')).toBe(0);
    const scores = await steps.redis.zrange('{ph:0}:default:delayed', '0', '-1', 'WITHSCORES');
    expect(scores.filter((_, i) => i % 2 === 0).sort()).toEqual([`${message.id}-0`, `${message.id}-1`]);
    // BullMQ keeps a counter in the lower twelve bits.
    const dueMs = Number(scores[1]) / 0x1000;
    expect(Math.abs(dueMs - sendAt)).toBeLessThan(1_000);
    expect(await repairAll()).toBe(0);
  });

  it('is queued when its time has come', async () => {
    const message = await steps.accepted(['a@one.example'], { acceptedAt: Date.now() - 1_000, sendAt: Date.now() - 1 });
    expect(await steps.states(message)).toEqual(['queued']);
  });
});

describe('a message that supersedes', () => {
  const supersedeKey = 'order-7';

  it('settles what waits of the one before it, and is the only one that leaves', async () => {
    const first = await steps.accepted(['a@one.example', 'b@two.example'], { supersedeKey });
    await steps.spool.settle(await steps.claimOf(workOf(first)), [delivered(0)]);
    const second = await steps.accepted(['a@one.example', 'b@two.example'], { supersedeKey });
    expect(await steps.states(first)).toEqual(['delivered', 'superseded']);
    expect((await steps.spool.read(first.id))?.events.at(-1)).toMatchObject({
      type: 'superseded',
      recipients: [1],
      by: second.id,
    });
    expect(await steps.states(second)).toEqual(['queued', 'queued']);
    expect(await steps.ledger()).toMatchObject({ accepted: 4, settled: { delivered: 1, superseded: 1 }, waiting: 2 });
    // The last recipient settled closed it: no body and no job is left of what will not leave.
    expect(await steps.keysOfWaiting(first)).toEqual([`{ph:0}:default:${first.id}-0`]);
  });

  it('leaves alone what an attempt holds, until that is claimed again', async () => {
    const first = await steps.accepted(['a@one.example'], { supersedeKey });
    const held = await steps.bench.hold();
    const second = await steps.accepted(['a@one.example'], { supersedeKey });
    expect(await steps.states(first)).toEqual(['queued']);
    expect(await steps.spool.claim(held.work)).toMatchObject({ supersededBy: second.id });
    // The attempt was under way: what it did counts.
    const claim = await steps.claimOf(held.work);
    expect(await steps.spool.settle(claim, [delivered(0)])).toMatchObject({ settled: 1, waiting: 0 });
  });

  it('leaves alone other accounts, other keys, what has no key and what is settled', async () => {
    const others = [
      await steps.accepted(['a@one.example'], { supersedeKey, account: 'other' }),
      await steps.accepted(['a@one.example'], { supersedeKey: 'order-8' }),
      await steps.accepted(['a@one.example']),
    ];
    const done = await steps.accepted(['a@one.example'], { supersedeKey });
    await steps.spool.settle(await steps.claimOf(workOf(done)), [delivered(0)]);
    await steps.accepted(['a@one.example'], { supersedeKey });
    for (const other of others) expect(await steps.states(other)).toEqual(['queued']);
    expect(await steps.states(done)).toEqual(['delivered']);
    expect(await steps.eventTypes(done)).toEqual(['accepted', 'delivered']);
  });

  it('of many at once leaves exactly one, the last', async () => {
    const spools = [steps.spool, await steps.bench.spool(), await steps.bench.spool()];
    const messages = Array.from({ length: 30 }, () => messageTo(['a@one.example'], { supersedeKey }));
    await Promise.all(messages.map((message, i) => (spools[i % 3] ?? steps.spool).accept(message, BODY)));
    await repairAll();
    const states = await Promise.all(messages.map(async (message) => (await steps.states(message))?.[0]));
    const alive = messages.filter((_, i) => states[i] === 'queued');
    expect(alive).toHaveLength(1);
    expect(states.filter((state) => state === 'superseded')).toHaveLength(29);
    const last = await steps.redis.keys('{ph:0}:last:*');
    expect(await steps.redis.get(last[0] ?? '')).toBe(alive[0]?.id);
  });

  it('does so also where its process died before it could, and its key goes with it', async () => {
    const first = await steps.accepted(['a@one.example'], { supersedeKey });
    // What the step that accepts writes is all that a dead process leaves.
    await steps.redis.hset(`{ph:0}:m:${first.id}`, 'z', 'the-next');
    expect(await steps.states(first)).toEqual(['queued']);
    await repairAll();
    expect(await steps.states(first)).toEqual(['superseded']);
    const [key = ''] = await steps.redis.keys('{ph:0}:last:*');
    const leftMs = await steps.redis.pttl(key);
    expect(leftMs).toBeGreaterThan(HOUR_MS - 60_000);
    expect(leftMs).toBeLessThanOrEqual(HOUR_MS);
  });
});

describe('an idempotency key', () => {
  const answerOf = (id: string) => ({ id, recipients: [{ address: 'a@one.example', state: 'queued' as const }] });

  async function begun(idempotency: Idempotency, key = 'k', fingerprint = 'f'): Promise<HeldKey> {
    const beginning = await idempotency.begin('default', key, fingerprint);
    if (beginning.kind !== 'begun') throw new Error(beginning.kind);
    return beginning.held;
  }

  async function stored(held: HeldKey): Promise<string> {
    const message = messageTo(['a@one.example']);
    const once = { ...held, answer: JSON.stringify(answerOf(message.id)) };
    expect(await steps.spool.accept(message, BODY, { once })).toEqual({ kind: 'stored' });
    return message.id;
  }

  it('gives the first answer to whoever comes again, also where nobody lived to give it', async () => {
    const idempotency = new Idempotency(steps.redis);
    const id = await stored(await begun(idempotency));
    expect(await idempotency.begin('default', 'k', 'f')).toEqual({ kind: 'replayed', answer: answerOf(id) });
    expect(await idempotency.begin('default', 'k', 'other')).toEqual({ kind: 'mismatch' });
    expect((await idempotency.begin('another', 'k', 'f')).kind).toBe('begun');
    expect((await idempotency.begin('default', 'K', 'f')).kind).toBe('begun');
    const leftMs = await Promise.all((await steps.redis.keys('{ph:0}:once:*')).map((key) => steps.redis.pttl(key)));
    expect(Math.max(...leftMs)).toBeGreaterThan(23 * HOUR_MS);
    expect(leftMs).not.toContain(-1);
  });

  it('is in flight while its message is accepted, whatever the other is, and free when that is refused', async () => {
    const idempotency = new Idempotency(steps.redis);
    const held = await begun(idempotency);
    expect(await idempotency.begin('default', 'k', 'f')).toEqual({ kind: 'in-flight' });
    expect(await idempotency.begin('default', 'k', 'other')).toEqual({ kind: 'in-flight' });
    await idempotency.release(held);
    await begun(idempotency, 'k', 'other');
  });

  it('is free again after the death of its process, which then writes nothing any more', async () => {
    const idempotency = new Idempotency(steps.redis, 1);
    const dead = await begun(idempotency);
    while ((await steps.redis.exists(dead.key)) === 1);
    const id = await stored(await begun(new Idempotency(steps.redis)));
    const late = messageTo(['a@one.example']);
    const once = { ...dead, answer: JSON.stringify(answerOf(late.id)) };
    expect(await steps.spool.accept(late, BODY, { once })).toEqual({ kind: 'lease-lost' });
    expect(await steps.spool.read(late.id)).toBeUndefined();
    await idempotency.release(dead);
    expect(await idempotency.begin('default', 'k', 'f')).toEqual({ kind: 'replayed', answer: answerOf(id) });
    expect(await steps.ledger()).toMatchObject({ accepted: 1, waiting: 1 });
  });

  it('of fifty at once begins for one', async () => {
    const idempotency = new Idempotency(steps.redis);
    const beginnings = await Promise.all(Array.from({ length: 50 }, () => idempotency.begin('default', 'k', 'f')));
    expect(beginnings.filter(({ kind }) => kind === 'begun')).toHaveLength(1);
    expect(beginnings.filter(({ kind }) => kind === 'in-flight')).toHaveLength(49);
  });
});
