/** What is promised of mail that is held for a limit: nothing of it is lost, it keeps its order, and it blocks nobody. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Accounts } from '../../src/accounts/accounts.js';
import { MessageAllowance } from '../../src/accounts/message-allowance.js';
import { Clock } from '../../src/mail/clock.js';
import { HeldMail, laneOf } from '../../src/queue/held-mail.js';
import { ReleaseHeld } from '../../src/queue/release-held.js';
import type { Holding, MessageRecord } from '../../src/queue/spool.js';
import { Log } from '../../src/telemetry/logger.js';
import { HOUR_MS } from './redis-spool-bench.js';
import { SpoolSteps, workOf } from './spool-steps.js';

class SetClock extends Clock {
  time = Date.now();

  now(): number {
    return this.time;
  }
}

const LANE = laneOf('default', 'default');

let steps: SpoolSteps;
let clock: SetClock;
let accounts: Accounts;
let held: HeldMail;
let release: ReleaseHeld;

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
beforeEach(async () => {
  clock = new SetClock();
  accounts = new Accounts(steps.redis, clock);
  held = new HeldMail(steps.redis, await steps.bench.lanes());
  release = new ReleaseHeld(held, accounts, new MessageAllowance(steps.redis), clock, quiet());
  await accounts.create('default', { limits: { messages: { perHour: 2 } }, onLimit: 'hold' });
});
afterEach(() => steps.forget());
afterAll(() => steps.dispose());

function quiet(): Log {
  return Log.open({ level: 'error', addresses: 'full', process: 'test' });
}

async function hold(given: Partial<MessageRecord> = {}, holding: Partial<Holding> = {}): Promise<MessageRecord> {
  const terms = { holding: { lane: LANE, until: clock.time, because: 'limit reached', ...holding } };
  const message = await steps.accepted(['a@one.example'], { acceptedAt: clock.time++, ...given }, terms);
  return message;
}

async function statesOf(...messages: MessageRecord[]): Promise<(string | undefined)[]> {
  return Promise.all(messages.map(async (message) => (await steps.states(message))?.[0]));
}

/** The ids that workers are woken for, in order. */
async function woken(): Promise<string[]> {
  const jobs = await steps.redis.lrange('{ph:0}:default:wait', '0', '-1');
  return jobs.reverse().map((job) => job.replace(/-\d+$/, ''));
}

describe('held mail', () => {
  it('says so, wakes nobody, and is not sent by a worker that is woken all the same', async () => {
    const message = await hold();
    expect(await statesOf(message)).toEqual(['held']);
    expect(await steps.eventTypes(message)).toEqual(['accepted', 'held']);
    expect(await woken()).toEqual([]);
    expect(await steps.spool.claim(workOf(message))).toBeUndefined();
    expect(await steps.ledger()).toMatchObject({ accepted: 1, waiting: 1 });
  });

  it('goes as its limit allows, the first first', async () => {
    const messages = [await hold(), await hold(), await hold(), await hold(), await hold()];
    const ids = messages.map(({ id }) => id);
    await release.run();
    expect(await statesOf(...messages)).toEqual(['queued', 'queued', 'held', 'held', 'held']);
    expect(await woken()).toEqual(ids.slice(0, 2));
    clock.time += HOUR_MS / 2;
    await release.run();
    expect(await woken()).toHaveLength(2);
    clock.time += HOUR_MS / 2 + 60_000;
    await release.run();
    clock.time += HOUR_MS + 60_000;
    await release.run();
    expect(await woken()).toEqual(ids);
    expect(await held.waiting(LANE)).toBe(0);
    expect(await steps.redis.exists('{ph:0}:held-lanes')).toBe(0);
  });

  it('drains at the rate that a limit of a second allows', async () => {
    await accounts.change('default', { limits: { messages: { perSecond: 5 } } });
    await Promise.all(Array.from({ length: 200 }, () => hold()));
    const endsAt = clock.time + 20_000;
    // As the keeper does it, on a clock that moves only from one round to the next.
    while (clock.time < endsAt) clock.time += Math.max(1, await release.run());
    const released = 200 - (await held.waiting(LANE));
    expect(released).toBeGreaterThanOrEqual(0.9 * 20 * 5);
    expect(released).toBeLessThanOrEqual(20 * 5 + 5);
  });

  it('is released once, however many processes look', async () => {
    const messages = await Promise.all(Array.from({ length: 20 }, () => hold()));
    await accounts.change('default', { limits: { messages: { perHour: 15 } } });
    const others = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const mail = new HeldMail(await steps.bench.connect(), await steps.bench.lanes());
        return new ReleaseHeld(mail, accounts, new MessageAllowance(steps.redis), clock, quiet());
      }),
    );
    await Promise.all([release, ...others].map((each) => each.run()));
    // What one reserved and another had released was given back: the rest goes in the next round.
    for (let i = 0; i < 5; i++) {
      clock.time += 30_000;
      await release.run();
    }
    const states = await statesOf(...messages);
    expect(states.filter((state) => state === 'queued')).toHaveLength(15);
    expect(new Set(await woken()).size).toBe(15);
  });

  it('goes at once where its limit is taken away, or its account', async () => {
    const message = await hold();
    await accounts.change('default', { limits: { messages: { perHour: 0 } } });
    await release.run();
    expect(await statesOf(message)).toEqual(['held']);
    await accounts.change('default', { limits: {} });
    clock.time += 30_000;
    await release.run();
    expect(await statesOf(message)).toEqual(['queued']);
    const orphan = await hold({ account: 'gone' }, { lane: laneOf('gone', 'default') });
    await release.run();
    expect(await statesOf(orphan)).toEqual(['queued']);
  });

  it('stays while its account is suspended', async () => {
    const message = await hold();
    await accounts.change('default', { state: 'suspended' });
    await release.run();
    expect(await statesOf(message)).toEqual(['held']);
    await accounts.change('default', { state: 'active' });
    clock.time += 30_000;
    await release.run();
    expect(await statesOf(message)).toEqual(['queued']);
  });

  it('waits for its time when it is released before it', async () => {
    const message = await hold({ sendAt: clock.time + HOUR_MS });
    await release.run();
    expect(await statesOf(message)).toEqual(['scheduled']);
    expect(await woken()).toEqual([]);
    expect(await steps.redis.zrange('{ph:0}:default:delayed', '0', '-1')).toEqual([`${message.id}-0`]);
  });

  it('leaves no trace that blocks its lane when it expires or is superseded', async () => {
    const expired = await hold();
    const superseded = await hold({ supersedeKey: 'k' });
    const last = await hold({ supersedeKey: 'k' });
    await steps.spool.expire(expired.id, expired.expiresAt);
    expect(await statesOf(expired, superseded, last)).toEqual(['expired', 'superseded', 'held']);
    await accounts.change('default', { limits: { messages: { perHour: 1 } } });
    await release.run();
    expect(await woken()).toEqual([last.id]);
    expect(await held.waiting(LANE)).toBe(0);
  });

  it('that only its credential’s limit holds lets the others of its account pass', async () => {
    const credential = { id: 'newsletter', limits: { perHour: 0 } };
    const blocked = await hold({}, { credential });
    const free = await hold();
    await release.run();
    expect(await statesOf(blocked, free)).toEqual(['held', 'queued']);
    expect(await held.waiting(LANE)).toBe(0);
    expect(await held.waiting(laneOf('default', 'default', 'newsletter'))).toBe(1);
  });

  it('costs no more to look after, however much of it there is', async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => hold()));
    await release.run();
    await steps.redis.config('RESETSTAT');
    for (let i = 0; i < 60; i++) {
      clock.time += 500;
      await release.run();
    }
    const calls = [...(await steps.redis.info('commandstats')).matchAll(/cmdstat_\S+:calls=(\d+)/g)];
    // Half a minute of looking: one question a round, and one look at the limit.
    expect(calls.reduce((sum, [, count]) => sum + Number(count), 0)).toBeLessThan(100);
    expect(await held.waiting(LANE)).toBe(998);
  });

  it('of one account or of other streams does not wait for another’s', async () => {
    const other = laneOf('other', 'default');
    await accounts.create('other', { limits: { messages: { perHour: 1 } } });
    await Promise.all(Array.from({ length: 5 }, () => hold()));
    const critical = await hold({ stream: 'critical' }, { lane: laneOf('default', 'critical') });
    const others = await hold({ account: 'other' }, { lane: other });
    await release.run();
    expect(await statesOf(critical, others)).toEqual(['queued', 'queued']);
  });

  it('gets its place and its job back where they were lost', async () => {
    const [listed, lost] = [await hold(), await hold()];
    await steps.redis.del(`{ph:0}:held:${LANE}`, '{ph:0}:held-lanes');
    let repaired = 0;
    for (let round = 0; round < 3; round++) repaired += await steps.spool.repair(100);
    expect(repaired).toBe(2);
    await release.run();
    expect(await woken()).toEqual([listed.id, lost.id]);
    // A process that died after the step that releases left both; one that died before it, neither.
    await steps.redis.del(`{ph:0}:default:${lost.id}-0`);
    for (let round = 0; round < 3; round++) repaired += await steps.spool.repair(100);
    expect(repaired).toBe(3);
  });
});
