/** What is promised of stored reports (`src/bounces/reports/reports.ts`), held against a real Redis. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { AccountTraces } from '../../src/bounces/account-traces.js';
import { RedisReports, STRAYS_MAX, type ReportQuota } from '../../src/bounces/reports/redis-reports.js';
import type { StoredReport } from '../../src/bounces/reports/report-mailbox.js';
import type { Report } from '../../src/bounces/reports/reports.js';
import { reportKeys } from '../../src/store/keyspace.js';
import { RedisRoom } from '../../src/store/redis-room.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { OwnRedis, StandingClock } from '../accounts/own-redis.js';
import { KeptReports } from './kept-reports.js';

const DAY_MS = 86_400_000;

let own: OwnRedis;
let redis: Redis;
let clock: StandingClock;
let metrics: Metrics;
let retentionMs: number;

beforeAll(async () => {
  own = await OwnRedis.start();
  redis = await own.connect();
});
beforeEach(() => {
  clock = new StandingClock();
  metrics = new Metrics();
  retentionMs = 30 * DAY_MS;
});
afterEach(async () => {
  await redis.config('SET', 'maxmemory', '0');
  await redis.flushall();
});
afterAll(() => own.stop());

function reports(quota: Partial<ReportQuota> = {}): RedisReports {
  const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
  const whole = { retentionMs, countMax: 100, bytesMax: 1_000_000, strays: STRAYS_MAX, ...quota };
  return new RedisReports(redis, whole, clock, metrics, log);
}

function report(key: string, given: Partial<Report> = {}): Report {
  return { key, kind: 'hard', at: clock.now(), content: Buffer.from(`Subject: ${key}\r\n\r\n`), ...given };
}

function kept(): KeptReports {
  return new KeptReports(redis, clock, retentionMs);
}

function listed(account = 'shop'): Promise<readonly StoredReport[]> {
  return kept().of(account);
}

async function uids(account = 'shop'): Promise<number[]> {
  return (await listed(account)).map(({ uid }) => uid);
}

async function validity(): Promise<number> {
  return (await kept().mailbox.load('shop')).uidValidity;
}

async function counted(outcome: string): Promise<number> {
  const { values } = await metrics.reports.get();
  return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
}

describe('stored reports', () => {
  it('are numbered from 1 for each account, and read as they were written', async () => {
    const store = reports();
    const content = Buffer.concat([Buffer.from('Subject: x\r\n\r\n'), randomBytes(100)]);
    const facts = { kind: 'blocked', category: 'ip_blocked', messageId: 'm1', at: clock.now() - 5 } as const;
    expect(await store.append('shop', report('a', { ...facts, content }))).toBe('stored');
    await store.append('shop', report('b'));
    await store.append('other', report('a'));
    expect(await listed()).toEqual([
      { uid: 1, ...facts, octets: content.length, archived: false, flags: [] },
      { uid: 2, kind: 'hard', at: clock.now(), octets: 14, archived: false, flags: [] },
    ]);
    expect((await kept().content('shop', 1))?.equals(content)).toBe(true);
    expect(await kept().content('shop', 3)).toBeUndefined();
    expect(await uids('other')).toEqual([1]);
  });

  it.each([
    ['that pays to compress', Buffer.from(`Subject: x\r\n\r\n${'all the same words\r\n'.repeat(5_000)}`)],
    ['that does not', randomBytes(50_000)],
    ['that looks compressed and is not', Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.from('hello')])],
  ])('give back a content %s', async (_which, content) => {
    const store = reports();
    await store.append('shop', report('a', { content }));
    expect((await kept().content('shop', 1))?.equals(content)).toBe(true);
    expect((await listed())[0]?.octets).toBe(content.length);
  });

  it('store what one key names once, however often and from wherever it is told', async () => {
    const store = reports();
    const results = await Promise.all([1, 2, 3].map(() => store.append('shop', report('a'))));
    expect(results.toSorted()).toEqual(['repeated', 'repeated', 'stored']);
    expect(await uids()).toEqual([1]);
    expect([await counted('stored'), await counted('repeated')]).toEqual([1, 2]);
  });

  it('do not come back when they are told again after they went', async () => {
    const store = reports({ countMax: 1 });
    await store.append('shop', report('a'));
    await store.append('shop', report('b'));
    expect(await uids()).toEqual([2]);
    expect(await store.append('shop', report('a'))).toBe('repeated');
    expect(await uids()).toEqual([2]);
  });

  it('keep to their number, the oldest go, and no uid is given twice', async () => {
    const store = reports({ countMax: 3 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) await store.append('shop', report(key));
    expect(await uids()).toEqual([3, 4, 5]);
    expect(await redis.hlen(reportKeys('shop').contents)).toBe(3);
    await store.append('shop', report('f'));
    expect(await uids()).toEqual([4, 5, 6]);
  });

  it('keep to their bytes, and count only what is there', async () => {
    const store = reports({ bytesMax: 3_000 });
    const content = randomBytes(1_000);
    for (const key of ['a', 'b', 'c', 'd']) await store.append('shop', report(key, { content }));
    expect(await uids()).toEqual([2, 3, 4]);
    await store.append('shop', report('large', { content: randomBytes(2_500) }));
    expect(await uids()).toEqual([5]);
    expect(await redis.hget(reportKeys('shop').mailbox, 'b')).toBe('2500');
  });

  it('of strangers push out one another, by number and by bytes, and no bounce', async () => {
    const content = randomBytes(1_000);
    const bounce = { kind: 'hard', messageId: 'm1' } as const;
    const store = reports({ strays: { countMax: 2, bytesMax: 2_500 } });
    await store.append('shop', report('bounce', bounce));
    await store.append('shop', report('mail to postmaster', { kind: 'other', messageId: 'm1' }));
    await store.append('shop', report('complaint about nothing', { kind: 'complaint' }));
    await store.append('shop', report('third', { kind: 'other' }));
    expect(await uids()).toEqual([1, 3, 4]);
    await store.append('shop', report('large', { kind: 'other', content }));
    await store.append('shop', report('larger', { kind: 'other', content: randomBytes(2_400) }));
    expect(await uids()).toEqual([1, 6]);
    await store.append('shop', report('another bounce', bounce));
    expect(await uids()).toEqual([1, 6, 7]);
    const [{ mailbox, contents }, fields] = [reportKeys('shop'), ['b', 's']];
    expect(await redis.hmget(mailbox, ...fields)).toEqual([String(2_400 + 19 + 27), '2400']);
    expect(await redis.hlen(contents)).toBe(3);
  });

  it('of strangers that go for other causes are not counted any more', async () => {
    const store = reports({ countMax: 3, strays: { countMax: 2, bytesMax: 2_500 } });
    for (const key of ['a', 'b']) await store.append('shop', report(key, { kind: 'other' }));
    for (const key of ['c', 'd', 'e']) await store.append('shop', report(key, { messageId: 'm1' }));
    const { mailbox, strays } = reportKeys('shop');
    expect([await redis.hget(mailbox, 's'), await redis.zcard(strays)]).toEqual(['0', 0]);
  });

  it('go when their time is over, and are not seen from that moment on', async () => {
    retentionMs = 10 * DAY_MS;
    const store = reports();
    await store.append('shop', report('old'));
    clock.nowMs += 6 * DAY_MS;
    await store.append('shop', report('new'));
    clock.nowMs += 5 * DAY_MS;
    expect(await uids()).toEqual([2]);
    expect(await kept().content('shop', 1)).toBeUndefined();
    await store.append('shop', report('newer'));
    expect(await redis.hkeys(reportKeys('shop').contents)).toEqual(['2', '3']);
  });

  it('are taken away by Redis where nothing follows them; the uids go on', async () => {
    retentionMs = 10 * DAY_MS;
    const store = reports();
    await store.append('shop', report('a'));
    const { mailbox, olderList, ...others } = reportKeys('shop');
    const lives = await Promise.all(Object.values<string>(others).map((key) => redis.pttl(key)));
    expect(lives.map((life) => Math.ceil(life / DAY_MS))).toEqual([10, 10, 10, 10, 10]);
    expect(await redis.exists(olderList)).toBe(0);
    expect(await redis.pttl(mailbox)).toBe(-1);
    await redis.unlink(...Object.values(others));
    await store.append('shop', report('b'));
    expect(await uids()).toEqual([2]);
    expect(await redis.hget(mailbox, 'b')).toBe('14');
  });

  it('shed a bounded number in one call', async () => {
    for (let i = 0; i < 120; i++) await reports({ countMax: 1_000 }).append('shop', report(String(i)));
    const strict = reports({ countMax: 1 });
    await strict.append('shop', report('one more'));
    expect(await uids()).toHaveLength(21);
    await strict.append('shop', report('and one'));
    expect(await uids()).toEqual([122]);
  });

  it('remember a bounded number of occurrences', async () => {
    const store = reports({ countMax: 5 });
    for (let i = 0; i < 30; i++) await store.append('shop', report(String(i)));
    expect(await redis.zcard(reportKeys('shop').occurrences)).toBe(10);
  });

  it('keep their UIDVALIDITY, and have another when the account was made anew', async () => {
    const store = reports();
    const traces = new AccountTraces(redis, clock);
    const first = await validity();
    expect(first).toBe(clock.now() / 1000);
    clock.nowMs += 1_000;
    await store.append('shop', report('a'));
    await store.append('shop', report('b', { kind: 'other' }));
    expect(await validity()).toBe(first);

    await store.append('other', report('a'));
    clock.nowMs -= 1_000;
    // Within one second, and where the clock has gone back.
    for (let times = 1; times < 4; times++) {
      await traces.forget('shop');
      const { mailbox, ...others } = reportKeys('shop');
      expect(await redis.exists(...Object.values(others))).toBe(0);
      // It is forgotten in the end.
      expect(await redis.pttl(mailbox)).toBeGreaterThan(DAY_MS);
      expect(await store.append('shop', report('a'))).toBe('stored');
      expect(await redis.pttl(mailbox)).toBe(-1);
      expect(await validity()).toBe(first + times);
      expect(await uids()).toEqual([1]);
    }
    expect(await uids('other')).toEqual([1]);
  });

  it('leave nothing of an account that has had none', async () => {
    await new AccountTraces(redis, clock).forget('shop');
    expect(await redis.dbsize()).toBe(0);
  });

  it('are dropped and counted where Redis is full, and stored again when it is not', async () => {
    const store = reports();
    await store.append('other', report('a'));
    await redis.config('SET', 'maxmemory', '1');
    // It has looked at the memory just now, and may know no better until Redis refuses.
    expect(await store.append('shop', report('a'))).toBe('dropped');
    expect(await reports().append('shop', report('a'))).toBe('dropped');
    await redis.config('SET', 'maxmemory', '0');
    expect(await uids()).toEqual([]);
    expect(await reports().append('shop', report('a'))).toBe('stored');
    expect(await counted('dropped')).toBe(2);
  });

  it('leave room for mail that must not wait', async () => {
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
    await redis.config('SET', 'maxmemory', String(Math.round(used / 0.87)));
    expect(await new RedisRoom(redis).isFullFor(1_000)).toBe(false);
    expect(await reports().append('shop', report('a'))).toBe('dropped');
  });

  it('are not taken for stored where Redis is away', async () => {
    const away = await own.connect();
    const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
    const quota = { retentionMs: DAY_MS, countMax: 10, bytesMax: 1_000, strays: STRAYS_MAX };
    const store = new RedisReports(away, quota, clock, metrics, log);
    away.disconnect();
    await expect(store.append('shop', report('a'))).rejects.toThrow();
    expect(await counted('dropped')).toBe(0);
  });
});
