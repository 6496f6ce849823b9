import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccountLog } from '../events/account-log.js';
import { Clock } from '../mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../store/connect-redis.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../store/embedded-redis.js';
import { Log } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { Accounts } from './accounts.js';
import { TrafficWatch } from './traffic-watch.js';

const HOUR_MS = 3_600_000;

class SetClock extends Clock {
  timeMs = Date.UTC(2026, 0, 5, 12);

  now(): number {
    return this.timeMs;
  }
}

let directory: string;
let embedded: EmbeddedRedis;
let redis: Redis;
let clock: SetClock;
let accounts: Accounts;
let accountLog: AccountLog;
let metrics: Metrics;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-traffic-'));
  const started = await startEmbeddedRedis({ dataDir: directory, durability: 'memory', log: () => undefined });
  if (started.kind !== 'running') throw new Error(started.why);
  embedded = started;
  redis = connectRedis(embedded.url, 'answering');
  await untilReady(redis, 60_000);
});

afterAll(async () => {
  await disconnectRedis(redis);
  await embedded.stop();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  await redis.flushall();
  clock = new SetClock();
  accounts = new Accounts(redis, clock);
  accountLog = new AccountLog(redis);
  metrics = new Metrics();
});

/** A process that counts. */
function watch(): TrafficWatch {
  const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
  return new TrafficWatch(redis, clock, { accounts, accountLog, metrics, log });
}

async function accept(process: TrafficWatch, messages: number): Promise<void> {
  for (let i = 0; i < messages; i++) process.accepted('shop');
  await process.flush();
}

const alerts = async (): Promise<string[]> =>
  (await accountLog.list('shop', 100)).map((event) => ('kind' in event ? event.kind : event.type));

describe('the watch over an account', () => {
  it('is silent while the mail is what it was', async () => {
    await accounts.create('shop');
    const process = watch();
    for (let hour = 0; hour < 24 * 9; hour++) {
      await accept(process, 400);
      clock.timeMs += HOUR_MS;
    }
    await accept(process, 4_000);
    expect(await alerts()).toEqual([]);
    await accept(process, 1);
    expect(await alerts()).toEqual(['volume_jump']);
  });

  it('tells of a jump once an hour, whichever processes saw it', async () => {
    await accounts.create('shop');
    const [first, second] = [watch(), watch()];
    await accept(first, 700);
    await accept(second, 700);
    await accept(first, 700);
    expect(await alerts()).toEqual(['volume_jump']);
    expect((await metrics.accountAlerts.get()).values).toMatchObject([{ value: 1, labels: { kind: 'volume_jump' } }]);
    clock.timeMs += HOUR_MS;
    await accept(second, 21_001);
    expect(await alerts()).toEqual(['volume_jump', 'volume_jump']);
    expect((await accounts.get('shop'))?.state).toBe('active');
  });

  it('forgets a busy hour after a week', async () => {
    await accounts.create('shop');
    const process = watch();
    await accept(process, 900);
    clock.timeMs += 9 * 24 * HOUR_MS;
    await accept(process, 1);
    clock.timeMs += HOUR_MS;
    await accept(process, 1_001);
    expect(await alerts()).toEqual(['volume_jump']);
  });

  it('suspends an account that wants it, when its recipients do not exist', async () => {
    await accounts.create('shop', { watch: { volumeFactor: 10, unknownRate: 0.2, action: 'suspend' } });
    const process = watch();
    process.settled('shop', 49, 49);
    await process.flush();
    expect(await alerts()).toEqual([]);
    process.settled('shop', 51, 0);
    await process.flush();
    expect(await alerts()).toEqual(['account.suspended', 'unknown_rate']);
    expect(await accounts.get('shop')).toMatchObject({
      state: 'suspended',
      suspendedBecause: '49 of 100 recipients of this hour do not exist',
    });
  });

  it('counts nothing for an account that is gone', async () => {
    const process = watch();
    await accept(process, 5_000);
    expect(await redis.keys('*')).toEqual([]);
  });
});
