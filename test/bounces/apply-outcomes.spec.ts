/** What follows from an outcome: its addresses are counted against, the account is told, the metrics know; each of it once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Accounts } from '../../src/accounts/accounts.js';
import { ApplyOutcomes } from '../../src/bounces/apply-outcomes.js';
import { RedisReports, STRAYS_MAX } from '../../src/bounces/reports/redis-reports.js';
import { RedisSuppressions } from '../../src/bounces/suppression/redis-suppressions.js';
import type { MessageEvent } from '../../src/events/event.js';
import { findingOf } from '../../src/mail/categories.js';
import type { Category } from '../../src/mail/classification.js';
import { SystemClock } from '../../src/mail/clock.js';
import type { MessageRecord, Settlement } from '../../src/queue/spool.js';
import { SHARD, shardKeys } from '../../src/store/keyspace.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { messageTo } from '../contract/redis-spool-bench.js';
import { delivered, SpoolSteps, workOf } from '../contract/spool-steps.js';
import { SERVER } from './sample-reports.js';
import { KeptReports } from './kept-reports.js';

const { outcomes } = shardKeys(SHARD);
const quota = { retentionMs: 86_400_000, countMax: 1_000, bytesMax: 1_000_000, strays: STRAYS_MAX };
const BODY = Buffer.from('Subject: Your order\r\nX-Shop: 7\r\n\r\nthe order itself\r\n');

let steps: SpoolSteps;
let accounts: Accounts;
let suppressions: RedisSuppressions;
let reports: RedisReports;
let kept: KeptReports;
let metrics: Metrics;
let running: ApplyOutcomes[] = [];

beforeAll(async () => {
  steps = await SpoolSteps.start();
});
beforeEach(async () => {
  const clock = new SystemClock();
  metrics = new Metrics();
  accounts = new Accounts(steps.redis, clock);
  suppressions = new RedisSuppressions(steps.redis, clock, accounts, metrics, quiet());
  reports = new RedisReports(steps.redis, quota, clock, metrics, quiet());
  kept = new KeptReports(steps.redis, clock, quota.retentionMs);
  await accounts.create('default');
});
afterEach(async () => {
  await Promise.all(running.map((apply) => apply.stop()));
  running = [];
  await steps.forget();
});
afterAll(() => steps.dispose());

function quiet(): Log {
  return Log.open({ level: 'error', addresses: 'full', process: 'test' });
}

async function start(): Promise<ApplyOutcomes> {
  const parts = { spool: steps.spool, accounts, suppressions, reports, metrics, log: quiet() };
  const apply = new ApplyOutcomes(await steps.bench.connect(), parts, SERVER);
  running.push(apply);
  apply.start();
  return apply;
}

/** Every outcome so far has been followed up. */
async function followedUp(): Promise<void> {
  await start();
  while ((await steps.redis.xlen(outcomes)) > 0);
}

function refused(category: Category, ...recipients: number[]): Settlement {
  const reply = { code: 550, enhanced: '5.1.1', text: 'no such user here' };
  const facts = { at: Date.now(), recipients, reply, mx: 'mx.one.example[192.0.2.1]:25', attempt: 1 };
  const event: MessageEvent = {
    type: 'bounced',
    ...facts,
    source: 'reply',
    classification: findingOf(category, 'test'),
  };
  return { recipients, state: 'bounced', event };
}

async function settled(recipients: readonly string[], ...results: Settlement[]): Promise<MessageRecord> {
  const message = messageTo(recipients);
  await steps.spool.accept(message, BODY);
  await steps.spool.settle(await steps.claimOf(workOf(message)), results);
  return message;
}

/** Of the addresses, those that are suppressed. */
async function suppressedOf(...addresses: string[]): Promise<string[]> {
  return [...(await suppressions.verdicts('default', addresses, 'default')).keys()];
}

async function counted(): Promise<Record<string, number>> {
  const { values } = await metrics.bounces.get();
  return Object.fromEntries(
    values.map(({ labels, value }) => [`${String(labels.category)} ${String(labels.source)}`, value]),
  );
}

async function report(uid = 1): Promise<string> {
  return String(await kept.content('default', uid));
}

describe('what follows from a bounce', () => {
  it('is a suppression, a report with the header of the message, and a count', async () => {
    const message = await settled(
      ['ann@one.example', 'bea@one.example'],
      delivered(0),
      refused('unknown_recipient', 1),
    );
    await followedUp();
    expect(await suppressedOf('ann@one.example', 'bea@one.example')).toEqual(['bea@one.example']);
    expect(await kept.of('default')).toMatchObject([
      { uid: 1, kind: 'hard', category: 'unknown_recipient', messageId: message.id },
    ]);
    const text = await report();
    expect(text).toContain('Final-Recipient: rfc822; bea@one.example');
    expect(text).toContain('The address is on the suppression list');
    expect(text).toContain('Subject: Your order\r\nX-Shop: 7\r\n');
    expect(text).not.toContain('the order itself');
    expect(text).not.toContain('ann@one.example');
    expect(await counted()).toEqual({ 'unknown_recipient reply': 1 });
  });

  it('is no suppression where the fault is ours, and is told as blocked', async () => {
    await settled(['ann@one.example'], refused('ip_blocked', 0));
    await followedUp();
    expect(await suppressedOf('ann@one.example')).toEqual([]);
    expect(await kept.of('default')).toMatchObject([{ kind: 'blocked' }]);
    expect(await report()).toContain('The address is not\r\nsuppressed: other mail to it goes out.');
  });

  it('is one report for those that were refused together, and a count of each', async () => {
    const addresses = Array.from({ length: 120 }, (_, index) => `r${String(index)}@one.example`);
    await settled(addresses, refused('unknown_recipient', ...addresses.keys()));
    await followedUp();
    expect(await suppressedOf(...addresses)).toHaveLength(120);
    expect(await kept.of('default')).toHaveLength(1);
    expect(await counted()).toEqual({ 'unknown_recipient reply': 120 });
  });

  it('is done once when an outcome is told twice', async () => {
    await settled(['ann@one.example'], refused('unknown_recipient', 0));
    const [[, fields] = ['', []]] = await steps.redis.xrange(outcomes, '-', '+');
    await steps.redis.xadd(outcomes, '*', ...fields);
    await followedUp();
    expect(await kept.of('default')).toHaveLength(1);
  });

  it('is done once by several processes', async () => {
    await Promise.all([start(), start(), start()]);
    const names = Array.from({ length: 30 }, (_, index) => `r${String(index)}@one.example`);
    for (const name of names) await settled([name], refused('unknown_recipient', 0));
    await followedUp();
    expect(await kept.of('default')).toHaveLength(30);
    expect(await suppressedOf(...names)).toHaveLength(30);
    expect(await counted()).toEqual({ 'unknown_recipient reply': 30 });
  });
});

describe('the body of a message that bounced', () => {
  async function bodies(): Promise<number> {
    return (await steps.redis.keys('{ph:0}:b:*')).length;
  }

  it('goes with the last report, and is there for the first though the last recipient had his mail', async () => {
    const message = messageTo(['ann@one.example', 'bea@one.example', 'cid@two.example']);
    await steps.spool.accept(message, BODY);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [
      refused('unknown_recipient', 0),
      refused('ip_blocked', 1),
    ]);
    await steps.spool.settle(await steps.claimOf(workOf(message, 1)), [delivered(2)]);
    expect(await bodies()).toBe(1);
    await followedUp();
    for (const uid of [1, 2]) expect(await report(uid)).toContain('X-Shop: 7\r\n');
    expect(await bodies()).toBe(0);
  });

  it('goes with the last recipient where the reports are made', async () => {
    const message = messageTo(['ann@one.example', 'cid@two.example']);
    await steps.spool.accept(message, BODY);
    await steps.spool.settle(await steps.claimOf(workOf(message)), [refused('unknown_recipient', 0)]);
    const [[, fields] = ['', []]] = await steps.redis.xrange(outcomes, '-', '+');
    await steps.redis.xadd(outcomes, '*', ...fields);
    await followedUp();
    const claim = await steps.claimOf(workOf(message, 1));
    expect(await steps.spool.body(claim)).toEqual(BODY);
    await steps.spool.settle(claim, [delivered(1)]);
    expect(await bodies()).toBe(0);
  });

  it('stays no longer than the operator keeps bodies', async () => {
    const keeping = await steps.bench.spool({ bodyRetentionMs: 60_000 });
    const message = messageTo(['ann@one.example']);
    await keeping.accept(message, BODY);
    await keeping.settle(await steps.claimOf(workOf(message)), [refused('unknown_recipient', 0)]);
    const pttl = (): Promise<number> => steps.redis.pttl(`{ph:0}:b:${message.id}`);
    expect(await pttl()).toBeGreaterThan(60_000);
    await keeping.followedUp(message.id, 1);
    expect(await pttl()).toBeLessThanOrEqual(60_000);
  });

  it('stays where the operator keeps bodies', async () => {
    const keeping = await steps.bench.spool({ bodyRetentionMs: 3_600_000 });
    const message = messageTo(['ann@one.example']);
    await keeping.accept(message, BODY);
    await keeping.settle(await steps.claimOf(workOf(message)), [refused('unknown_recipient', 0)]);
    await keeping.followedUp(message.id, 1);
    expect(await steps.redis.pttl(`{ph:0}:b:${message.id}`)).toBeGreaterThan(3_500_000);
  });
});

describe('what follows from other news', () => {
  it('of a delay is a report, and nothing else', async () => {
    const classification = findingOf('unknown_recipient', 'test');
    const event: MessageEvent = { type: 'delayed', at: Date.now(), recipients: [0], source: 'reply', classification };
    await settled(['ann@one.example'], { recipients: [0], state: 'deferred', event });
    await followedUp();
    expect(await kept.of('default')).toMatchObject([{ kind: 'delayed' }]);
    expect(await report()).toContain('Action: delayed');
    expect(await suppressedOf('ann@one.example')).toEqual([]);
    expect(await counted()).toEqual({});
  });

  it('of an expiry is a report that says so', async () => {
    const message = messageTo(['ann@one.example']);
    await steps.spool.accept(message, BODY);
    await steps.spool.expire(message.id, Date.now());
    await followedUp();
    expect(await kept.of('default')).toMatchObject([{ kind: 'soft', category: 'expired' }]);
    expect(await report()).toContain('is given up');
    expect(await counted()).toEqual({ 'expired reply': 1 });
  });

  it('of a bounce that came back as a mail is no report of ours: that mail is the report', async () => {
    const message = await settled(['ann@one.example'], delivered(0));
    const classification = findingOf('unknown_recipient', 'test');
    const event = {
      type: 'bounced',
      at: Date.now(),
      recipients: [0],
      source: 'dsn',
      classification,
      report: '7',
    } as const;
    await steps.spool.afterword(message.id, { key: '7', event });
    await followedUp();
    expect(await kept.of('default')).toEqual([]);
    expect(await suppressedOf('ann@one.example')).toEqual(['ann@one.example']);
    expect(await counted()).toEqual({ 'unknown_recipient dsn': 1 });
  });

  it('of a complaint is a suppression for its stream, and a report where none came', async () => {
    const message = await settled(['ann@one.example'], delivered(0));
    const event = { type: 'complained', at: Date.now(), recipients: [0], feedbackType: 'abuse' } as const;
    await steps.spool.afterword(message.id, { key: '8', event });
    await followedUp();
    expect(await suppressedOf('ann@one.example')).toEqual(['ann@one.example']);
    expect(await kept.of('default')).toMatchObject([{ kind: 'complaint' }]);
    expect(await report()).toContain('Feedback-Type: abuse');
    expect(await counted()).toEqual({ 'complaint feedback': 1 });
  });
});

describe('what cannot be followed up', () => {
  it('is dropped where the account is gone', async () => {
    await settled(['ann@one.example'], refused('unknown_recipient', 0));
    await accounts.remove('default');
    await followedUp();
    expect(await steps.redis.keys('*{ph:account:default}*')).toEqual([]);
    expect(await counted()).toEqual({});
  });

  it('is dropped where the history of the message is gone, and what comes after it is done', async () => {
    const gone = await settled(['ann@one.example'], refused('unknown_recipient', 0));
    await steps.redis.unlink(`{ph:0}:m:${gone.id}`);
    await settled(['bea@one.example'], refused('unknown_recipient', 0));
    await followedUp();
    expect(await suppressedOf('ann@one.example', 'bea@one.example')).toEqual(['bea@one.example']);
  });

  it.each([
    ['gone', (key: string) => steps.redis.unlink(key)],
    ['damaged', (key: string) => steps.redis.set(key, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 255, 255, 255]))],
  ])('is told without the header where the body is %s', async (_which, spoil) => {
    const message = await settled(['ann@one.example'], refused('unknown_recipient', 0));
    await spoil(`{ph:0}:b:${message.id}`);
    await followedUp();
    expect(await report()).toContain(`From: shop@example.org\r\nTo: ann@one.example\r\n`);
  });

  it('does not hold up the others where no report has room', async () => {
    await settled(['ann@one.example'], refused('unknown_recipient', 0));
    const full = new RedisReports(steps.redis, { ...quota, bytesMax: 10 }, new SystemClock(), metrics, quiet());
    reports = full;
    await followedUp();
    expect(await kept.of('default')).toEqual([]);
    expect(await suppressedOf('ann@one.example')).toEqual(['ann@one.example']);
  });
});
