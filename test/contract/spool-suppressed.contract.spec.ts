/** What becomes of recipients that are suppressed when their message is accepted (`src/queue/spool.ts`), held against the spool in Redis. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { suppressedSettlement } from '../../src/bounces/suppression/suppression-settlements.js';
import type { MessageRecord, Settlement } from '../../src/queue/spool.js';
import { HOUR_MS, messageTo } from './redis-spool-bench.js';
import { BODY, delivered, SpoolSteps, workOf } from './spool-steps.js';

let steps: SpoolSteps;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

function suppressed(...positions: number[]): Settlement[] {
  const suppression = { address: '', reason: 'manual', since: 0, because: 'asked to' } as const;
  return positions.map((position) => suppressedSettlement(position, suppression, Date.now()));
}

async function jobs(): Promise<string[]> {
  return steps.redis.lrange('{ph:0}:default:wait', '0', '-1');
}

describe('a message of whose recipients some are suppressed', () => {
  it('waits for the others, with jobs for them only', async () => {
    const recipients = ['a@one.example', 'b@one.example', 'c@two.example'];
    const message = await steps.accepted(recipients, {}, { suppressed: suppressed(0, 2) });
    expect(await steps.states(message)).toEqual(['suppressed', 'queued', 'suppressed']);
    expect(await jobs()).toEqual([`${message.id}-0`]);
    expect(await steps.ledger()).toMatchObject({ accepted: 3, settled: { suppressed: 2 }, waiting: 1 });
    expect((await steps.spool.read(message.id))?.events.slice(1)).toMatchObject([
      { type: 'suppressed', recipients: [0], reason: 'manual', because: 'asked to' },
      { type: 'suppressed', recipients: [2] },
    ]);
    const claim = await steps.claimOf(workOf(message));
    expect(claim.waiting).toEqual([1]);
    expect(await steps.spool.claim(workOf(message, 1))).toBeUndefined();
    expect(await steps.spool.settle(claim, [delivered(1)])).toEqual({ kind: 'settled', settled: 1, waiting: 0 });
    expect(await steps.redis.xlen('{ph:0}:outcomes')).toBe(0);
  });

  it('changes nothing when it is accepted again', async () => {
    const message = messageTo(['a@one.example', 'b@two.example']);
    for (let i = 0; i < 2; i++) await steps.spool.accept(message, BODY, { suppressed: suppressed(1) });
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'suppressed']);
    expect(await steps.ledger()).toMatchObject({ accepted: 2, settled: { suppressed: 1 }, waiting: 1 });
  });

  it('is held, answers by its key and supersedes like any other', async () => {
    const first = await steps.accepted(['a@one.example'], { supersedeKey: 'x' });
    const lane = 'other:default';
    const holding = { lane, until: Date.now() + HOUR_MS, because: 'limit' };
    const terms = { holding, suppressed: suppressed(0) };
    const second = await steps.accepted(['a@one.example', 'b@two.example'], { supersedeKey: 'x' }, terms);
    expect(await steps.states(first)).toEqual(['superseded']);
    expect(await steps.states(second)).toEqual(['suppressed', 'held']);
    expect(await steps.eventTypes(second)).toEqual(['accepted', 'held', 'suppressed']);
    expect(await steps.redis.zrange(`{ph:0}:held:${lane}`, '0', '-1')).toEqual([second.id]);
  });
});

describe('a message all of whose recipients are suppressed', () => {
  async function closed(): Promise<MessageRecord> {
    return steps.accepted(['a@one.example', 'b@two.example'], {}, { suppressed: suppressed(0, 1) });
  }

  it('is closed at once: no job and no body, and its history for its time', async () => {
    const message = await closed();
    expect(await steps.states(message)).toEqual(['suppressed', 'suppressed']);
    expect(await steps.keysOfWaiting(message)).toEqual([]);
    expect(await steps.redis.zcard('{ph:0}:open:default')).toBe(0);
    expect(await steps.redis.lrange('{ph:0}:closed', '0', '-1')).toEqual([message.id]);
    for (const kind of ['m', 'e']) {
      const leftMs = await steps.redis.pttl(`{ph:0}:${kind}:${message.id}`);
      expect(leftMs).toBeGreaterThan(HOUR_MS - 60_000);
    }
    expect(await steps.ledger()).toMatchObject({ accepted: 2, settled: { suppressed: 2 }, waiting: 0 });
  });

  it('keeps its body for as long as the operator wants it', async () => {
    const keeping = await steps.bench.spool({ bodyRetentionMs: HOUR_MS });
    const message = messageTo(['a@one.example']);
    await keeping.accept(message, BODY, { suppressed: suppressed(0) });
    expect(await steps.redis.pttl(`{ph:0}:b:${message.id}`)).toBeGreaterThan(HOUR_MS - 60_000);
  });
});
