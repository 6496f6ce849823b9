/** What is told of mail that failed, at once and later (`src/queue/spool.ts`), held against the spool in Redis. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { MessageEvent } from '../../src/events/event.js';
import { findingOf } from '../../src/mail/categories.js';
import type { Afterword, Settlement } from '../../src/queue/spool.js';
import { HOUR_MS } from './redis-spool-bench.js';
import { bounced, deferred, delivered, SpoolSteps, workOf } from './spool-steps.js';

let steps: SpoolSteps;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

interface Outcome {
  readonly m: string;
  readonly n: string;
  readonly e: MessageEvent;
}

async function outcomes(): Promise<Outcome[]> {
  const entries = await steps.redis.xrange('{ph:0}:outcomes', '-', '+');
  return entries.map(([, [m, id = '', n, number = '', e, json = '']]) => {
    expect([m, n, e]).toEqual(['m', 'n', 'e']);
    return { m: id, n: number, e: JSON.parse(json) as MessageEvent };
  });
}

function late(...recipients: number[]): Settlement {
  const classification = findingOf('greylisted', 'test');
  return {
    recipients,
    state: 'deferred',
    event: { type: 'delayed', at: Date.now(), recipients, source: 'reply', classification },
  };
}

function bounceLater(key: string, ...recipients: number[]): Afterword {
  const classification = findingOf('unknown_recipient', 'test');
  return { key, event: { type: 'bounced', at: Date.now(), recipients, source: 'dsn', classification, report: key } };
}

function delayLater(key: string, ...recipients: number[]): Afterword {
  return { key, event: { ...bounceLater(key, ...recipients).event, type: 'delayed' } as Afterword['event'] };
}

const complaint: Afterword = {
  key: 'a complaint',
  event: { type: 'complained', at: 1, recipients: [0], feedbackType: 'abuse' },
};

describe('outcomes', () => {
  it('tell what failed, in the step that settles it, and nothing of what arrived or is tried again', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example', 'c@one.example']);
    const claim = await steps.claimOf(workOf(message));
    await steps.spool.settle(claim, [delivered(0), bounced(1), deferred(2)]);
    const [told, ...more] = await outcomes();
    expect(more).toEqual([]);
    expect(told).toMatchObject({ m: message.id, e: { type: 'bounced', recipients: [1] } });
    const { events = [] } = (await steps.spool.read(message.id)) ?? {};
    expect(events[Number(told?.n)]).toEqual({ ...told?.e, id: `${message.id}.${told?.n}` });
  });

  it('are told once, however often the step is repeated', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example']);
    const claim = await steps.claimOf(workOf(message));
    const results = [bounced(0), deferred(1), late(1)];
    await steps.spool.settle(claim, results);
    await steps.spool.settle(claim, results);
    expect((await outcomes()).map(({ e }) => e.type)).toEqual(['bounced', 'delayed']);
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'bounced', 'deferred', 'delayed']);
  });

  it('tell of a transaction that is late once, and of each of them', async () => {
    const message = await steps.accepted(['a@one.example', 'b@two.example']);
    for (let attempt = 0; attempt < 2; attempt++) {
      await steps.spool.settle(await steps.claimOf(workOf(message)), [deferred(0), late(0)]);
    }
    await steps.spool.settle(await steps.claimOf(workOf(message, 1)), [deferred(1), late(1)]);
    expect((await outcomes()).map(({ e }) => [e.type, e.recipients])).toEqual([
      ['delayed', [0]],
      ['delayed', [1]],
    ]);
    expect(await steps.states(message)).toEqual(['deferred', 'deferred']);
    expect(await steps.eventTypes(message)).toEqual([
      'accepted',
      'deferred',
      'delayed',
      'deferred',
      'deferred',
      'delayed',
    ]);
  });

  it('tell what expires', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.spool.expire(message.id, Date.now());
    expect((await outcomes()).map(({ m, e }) => [m, e.type])).toEqual([[message.id, 'expired']]);
  });

  it('do not tell of a recipient that another has settled', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example']);
    const claim = await steps.claimOf(workOf(message));
    await steps.spool.settle(claim, [delivered(0)]);
    await steps.spool.settle(claim, [bounced(0), delivered(1)]);
    expect(await outcomes()).toEqual([]);
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'delivered', 'delivered']);
  });
});

describe('afterword', () => {
  it('turns what was delivered into bounced, in the books too, and leaves the others', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example', 'c@two.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0), delivered(1)]);
    expect(await steps.spool.afterword(message.id, bounceLater('1', 0, 2))).toBe('written');
    expect(await steps.states(message)).toEqual(['bounced', 'delivered', 'queued']);
    expect(await steps.ledger()).toMatchObject({ accepted: 3, settled: { delivered: 1, bounced: 1 }, waiting: 1 });
    expect(await steps.claimOf(workOf(message, 1))).toMatchObject({ waiting: [2] });
    expect(await outcomes()).toMatchObject([{ m: message.id, n: '3', e: { source: 'dsn', report: '1' } }]);
  });

  it('reaches a message that is closed, and does not keep it longer', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    await steps.redis.pexpire(`{ph:0}:m:${message.id}`, HOUR_MS / 2);
    await steps.redis.persist(`{ph:0}:e:${message.id}`);
    await steps.spool.afterword(message.id, bounceLater('1', 0));
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'delivered', 'bounced']);
    for (const kind of ['m', 'e']) {
      const leftMs = await steps.redis.pttl(`{ph:0}:${kind}:${message.id}`);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(HOUR_MS / 2);
    }
  });

  it('writes each occurrence once', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    const answers = [];
    for (const word of [bounceLater('1', 0), bounceLater('1', 0), complaint, complaint]) {
      answers.push(await steps.spool.afterword(message.id, word));
    }
    expect(answers).toEqual(['written', 'repeated', 'written', 'repeated']);
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'delivered', 'bounced', 'complained']);
    expect((await outcomes()).map(({ e }) => e.type)).toEqual(['bounced', 'complained']);
    expect(await steps.ledger()).toMatchObject({ accepted: 1, settled: { bounced: 1 }, waiting: 0 });
  });

  it('changes no state for a complaint or a delay', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    await steps.spool.afterword(message.id, complaint);
    await steps.spool.afterword(message.id, delayLater('2', 0));
    expect(await steps.states(message)).toEqual(['delivered']);
    expect(await steps.ledger()).toMatchObject({ settled: { delivered: 1 }, waiting: 0 });
  });

  it('is not written for ever: whoever knows the return path cannot fill the history', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    const answers = [];
    for (let i = 0; i < 60; i++) answers.push(await steps.spool.afterword(message.id, delayLater(String(i), 0)));
    expect(answers.filter((answer) => answer === 'written')).toHaveLength(51);
    expect(answers.at(-1)).toBe('too-many');
    expect(await steps.spool.afterword(message.id, delayLater('0', 0))).toBe('repeated');
    expect(await outcomes()).toHaveLength(51);
    expect((await steps.spool.read(message.id))?.events).toHaveLength(53);
  });

  it('of a bounce is written once of each recipient', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example', 'c@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0), delivered(1), bounced(2)]);
    expect(await steps.spool.afterword(message.id, bounceLater('1', 0))).toBe('written');
    expect(await steps.spool.afterword(message.id, bounceLater('2', 0, 2))).toBe('repeated');
    expect(await steps.spool.afterword(message.id, bounceLater('3', 0, 1, 2))).toBe('written');
    const later = (await outcomes()).filter(({ e }) => 'source' in e && e.source === 'dsn');
    expect(later).toMatchObject([{ e: { recipients: [0] } }, { e: { recipients: [1], report: '3' } }]);
    const { events = [] } = (await steps.spool.read(message.id)) ?? {};
    expect(events.slice(-2)).toMatchObject([{ recipients: [0] }, { recipients: [1], report: '3' }]);
    expect(await steps.ledger()).toMatchObject({ settled: { bounced: 3 }, waiting: 0 });
  });

  it('of one recipient silences the bounces of no other, in the transaction or elsewhere', async () => {
    const message = await steps.accepted(['a@one.example', 'b@one.example', 'c@two.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0), delivered(1)]);
    await steps.spool.settle(await steps.claimOf(workOf(message, 1)), [delivered(2)]);
    for (let i = 0; i < 60; i++) await steps.spool.afterword(message.id, delayLater(`spam ${String(i)}`, 0));
    expect(await steps.spool.afterword(message.id, bounceLater('0', 0))).toBe('written');
    expect(await steps.spool.afterword(message.id, bounceLater('1', 1))).toBe('written');
    expect(await steps.spool.afterword(message.id, delayLater('2', 1))).toBe('too-many');
    expect(await steps.spool.afterword(message.id, delayLater('3', 2))).toBe('written');
    expect(await steps.states(message)).toEqual(['bounced', 'bounced', 'delivered']);
    expect(await steps.ledger()).toMatchObject({ settled: { delivered: 1, bounced: 2 } });
  });

  it('is lost where the history is', async () => {
    const message = await steps.accepted(['a@one.example']);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [delivered(0)]);
    await steps.redis.del(`{ph:0}:m:${message.id}`, `{ph:0}:e:${message.id}`);
    expect(await steps.spool.afterword(message.id, bounceLater('1', 0))).toBe('gone');
    expect(await steps.redis.exists(`{ph:0}:m:${message.id}`, `{ph:0}:e:${message.id}`)).toBe(0);
    expect(await outcomes()).toEqual([]);
  });
});
