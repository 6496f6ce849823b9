/** What a caller of the spool may assume of what goes in (`src/queue/spool.ts`), held against the one in Redis. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { messageTo } from './redis-spool-bench.js';
import { BODY, bounced, deferred, delivered, SpoolSteps, workOf } from './spool-steps.js';

let steps: SpoolSteps;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

describe('accept', () => {
  it('makes every recipient wait, with a job for each destination domain', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example', 'c@one.example']);
    expect(await steps.states(message)).toEqual(['queued', 'queued', 'queued']);
    expect(await steps.ledger()).toMatchObject({ accepted: 3, settled: {}, waiting: 3 });
    const first = await steps.bench.hold();
    expect(first.work).toMatchObject({ messageId: message.id, transaction: 0, stream: 'default' });
    first.end();
    expect((await steps.bench.hold()).work).toMatchObject({ messageId: message.id, transaction: 1 });
  });

  it('hands each stream its own mail', async () => {
    const bulk = await steps.accepted(['a@one.example'], { stream: 'bulk' });
    expect((await steps.bench.hold()).work).toMatchObject({ messageId: bulk.id, stream: 'bulk' });
    expect(await steps.ledger('bulk')).toMatchObject({ accepted: 1, waiting: 1 });
    expect(await steps.ledger('default')).toMatchObject({ accepted: 0, waiting: 0 });
  });

  it('adds the job, too, where Redis has forgotten its scripts', async () => {
    await steps.accepted(['a@one.example']);
    await steps.redis.script('FLUSH');
    const message = await steps.accepted(['b@one.example', 'c@two.example']);
    const taken: string[] = [];
    await new Promise<void>((resolve) => {
      void steps.bench.consume((work) => {
        taken.push(`${work.messageId}-${work.transaction}`);
        if (taken.length === 3) resolve();
        return Promise.resolve({ kind: 'done' });
      });
    });
    expect(taken.slice(1)).toEqual([`${message.id}-0`, `${message.id}-1`]);
    expect(await steps.ledger()).toMatchObject({ accepted: 3 });
  });

  it('never has a worker look for a message before it is there, whichever scripts Redis has forgotten', async () => {
    const lanes = await steps.bench.lanes();
    const found = new Set<string>();
    await steps.bench.consume(async (work) => {
      if (await steps.spool.claim(work)) found.add(work.messageId);
      return { kind: 'done' };
    });
    const messages = Array.from({ length: 30 }, () => messageTo(['a@one.example']));
    for (const message of messages) {
      await steps.redis.script('FLUSH');
      // Of all scripts Redis knows only the one that adds jobs.
      await lanes.add('default', `${messageTo(['x@one.example']).id}-0`);
      await steps.spool.accept(message, BODY);
    }
    await steps.bench.untilIdle();
    expect(messages.filter(({ id }) => !found.has(id))).toEqual([]);
  });

  it('keeps many apart that come at once on one connection', async () => {
    const messages = Array.from({ length: 50 }, (_, i) => messageTo([`a${i}@one.example`, `b${i}@two.example`]));
    await Promise.all(
      messages.flatMap((message) => [
        steps.spool.accept(message, Buffer.from(message.id)),
        steps.spool.read(message.id),
      ]),
    );
    expect(await steps.ledger()).toMatchObject({ accepted: 100, waiting: 100 });
    expect(await steps.redis.llen('{ph:0}:default:wait')).toBe(100);
    for (const message of messages) {
      const claim = await steps.claimOf(workOf(message));
      expect((await steps.spool.body(claim)).toString()).toBe(message.id);
    }
  });

  it('leaves room for settling where Redis is nearly full', async () => {
    const message = await steps.accepted(['a@one.example']);
    const usedBytes = Number(/used_memory:(\d+)/.exec(await steps.redis.info('memory'))?.[1]);
    await steps.redis.config('SET', 'maxmemory', String(Math.round(usedBytes / 0.94)));
    try {
      const fresh = await steps.bench.spool();
      const refused = { kind: 'not-written', why: expect.stringContaining('full') };
      expect(await fresh.accept(messageTo(['b@one.example']), Buffer.alloc(200_000, 'x'))).toEqual(refused);
      expect(await fresh.settle(await steps.claimOf(workOf(message)), [delivered(0)])).toMatchObject({ settled: 1 });
    } finally {
      await steps.redis.config('SET', 'maxmemory', '0');
    }
  });

  it('rejects and keeps nothing where Redis is full', async () => {
    const fresh = await steps.bench.spool();
    const message = messageTo(['a@one.example']);
    await steps.redis.config('SET', 'maxmemory', '1');
    try {
      const refused = { kind: 'not-written', why: expect.stringContaining('full') };
      expect(await fresh.accept(message, BODY)).toEqual(refused);
    } finally {
      await steps.redis.config('SET', 'maxmemory', '0');
    }
    expect(await steps.redis.keys(`*${message.id}*`)).toEqual([]);
    expect(await steps.ledger()).toMatchObject({ accepted: 0, waiting: 0 });
  });

  it('rejects and keeps nothing where Redis has filled up since it was last looked at', async () => {
    const fresh = await steps.bench.spool();
    await fresh.accept(messageTo(['a@one.example']), BODY);
    const message = messageTo(['b@one.example']);
    await steps.redis.config('SET', 'maxmemory', '1');
    try {
      await expect(fresh.accept(message, BODY)).rejects.toThrow(/OOM|EXECABORT|full/);
    } finally {
      await steps.redis.config('SET', 'maxmemory', '0');
    }
    expect(await steps.redis.keys(`*${message.id}*`)).toEqual([]);
    expect(await steps.ledger()).toMatchObject({ accepted: 1, waiting: 1 });
  });
});

describe('claim', () => {
  it('gives the message, its body and the attempts made so far', async () => {
    const message = await steps.accepted(['a@one.example']);
    expect(await steps.claimOf(workOf(message))).toMatchObject({ message, waiting: [0], attempts: 0 });
    expect(await steps.spool.body(await steps.claimOf(workOf(message)))).toEqual(BODY);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [deferred(0)]);
    expect(await steps.claimOf(workOf(message))).toMatchObject({ waiting: [0], attempts: 1 });
  });

  it.each([
    ['that shrinks', Buffer.from('A line like many others.\r\n'.repeat(4_000))],
    ['that does not', Buffer.concat([Buffer.from('A: b\r\n\r\n'), randomBytes(200_000)])],
    ['of just the size that comes along', Buffer.concat([Buffer.from('A: b\r\n\r\n'), randomBytes(65_528)])],
  ])('gives a large body back as it came, one %s', async (_which, body) => {
    const message = messageTo(['a@one.example']);
    await steps.spool.accept(message, body);
    const claim = await steps.claimOf(workOf(message));
    expect((await steps.spool.body(claim)).equals(body)).toBe(true);
  });

  it('gives only recipients of its transaction that still wait', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example', 'c@one.example', 'd@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0), deferred(2), bounced(3)]);
    expect((await steps.claimOf(workOf(message))).waiting).toEqual([2]);
    expect((await steps.claimOf(workOf(message, 1))).waiting).toEqual([1]);
  });

  it('gives nothing where all are settled, the transaction is none, or the message is gone', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    expect(await steps.spool.claim(workOf(message))).toBeUndefined();
    expect(await steps.spool.claim(workOf(message, 2))).toBeUndefined();
    expect(await steps.spool.claim(workOf(messageTo(['x@one.example'])))).toBeUndefined();
  });
});

describe('read', () => {
  it('gives the events in their order, with ids that keep it', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [deferred(0)]);
    await steps.spool.settle(await steps.claimOf(workOf(message, 1)), [bounced(1)]);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    const history = await steps.spool.read(message.id);
    expect(history?.message).toEqual(message);
    expect(history?.events.map(({ type, recipients }) => [type, recipients])).toEqual([
      ['accepted', undefined],
      ['deferred', [0]],
      ['bounced', [1]],
      ['delivered', [0]],
    ]);
    expect(history?.events.map(({ id }) => id)).toEqual([0, 1, 2, 3].map((i) => `${message.id}.${i}`));
  });

  it('knows nothing of a message that never was', async () => {
    expect(await steps.spool.read(messageTo(['a@one.example']).id)).toBeUndefined();
  });
});
