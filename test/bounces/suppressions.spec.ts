/** What suppression promises, against a real Redis, with a clock that moves only when it is told to. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Accounts } from '../../src/accounts/accounts.js';
import { RedisSuppressions } from '../../src/bounces/redis-suppressions.js';
import type { SuppressionCause } from '../../src/bounces/suppressions.js';
import type { Category } from '../../src/mail/classification.js';
import { findingOf } from '../../src/mail/categories.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { OwnRedis, StandingClock } from '../accounts/own-redis.js';

let server: OwnRedis;
let redis: Redis;
let clock: StandingClock;
let metrics: Metrics;
let suppressions: RedisSuppressions;
let messages = 0;

beforeAll(async () => {
  server = await OwnRedis.start();
  redis = await server.connect();
}, 30_000);
beforeEach(() => {
  clock = new StandingClock();
  metrics = new Metrics();
  suppressions = new RedisSuppressions(redis, clock, new Accounts(redis, clock), metrics);
});
afterEach(() => redis.flushall());
afterAll(() => server.stop());

function refusal(category: Category, given: Partial<SuppressionCause> = {}): SuppressionCause {
  const messageId = given.messageId ?? `m${++messages}`;
  return {
    key: `reply-${messageId}`,
    account: 'shop',
    address: 'ann@example.net',
    stream: 'default',
    messageId,
    at: clock.nowMs,
    what: { kind: 'refused', classification: findingOf(category, 'test'), reply: '550 no' },
    ...given,
  };
}

async function verdict(stream: 'critical' | 'default' | 'bulk' = 'default', address = 'ann@example.net') {
  clock.nowMs += 1_000;
  return (await suppressions.verdicts('shop', [address], stream)).get(address);
}

describe('a refusal', () => {
  it('that is hard suppresses at once, in every spelling of the address, for this account', async () => {
    const made = await suppressions.record(refusal('unknown_recipient', { address: 'Ann@BÜCHER.example' }));
    expect(made).toEqual({
      address: 'ann@xn--bcher-kva.example',
      reason: 'unknown_recipient',
      since: clock.nowMs,
      because: '550 no',
      messageId: `m${messages}`,
    });
    expect(await verdict('critical', 'ANN@xn--bcher-kva.example')).toEqual({ kind: 'suppressed', suppression: made });
    expect(await suppressions.verdicts('other', ['ann@xn--bcher-kva.example'], 'default')).toEqual(new Map());
  });
});
