/** How failed logins are counted, and who is kept out by them, against a real Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { failureDelayMs, LoginGuard, waitInWords } from '../../src/listeners/login-guard.js';
import { GuardRedis } from './guard-redis.js';
import { STARTED_WITHIN_MS } from './running-doors.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const HERE = '203.0.113.7';

let server: GuardRedis;
let redis: Redis;
let guard: LoginGuard;
let tries = 0;

beforeAll(async () => {
  server = await GuardRedis.start();
  redis = await server.connect();
}, STARTED_WITHIN_MS);

beforeEach(async () => {
  await redis.flushall();
  guard = new LoginGuard(redis, server.clock);
});

afterEach(() => guard.close());

afterAll(() => server.stop());

/** Fails `times` times with a new password each; the replies are not waited for. */
async function fail(times: number, user: string | undefined, address: string): Promise<void> {
  const impatient = new LoginGuard(redis, server.clock);
  impatient.close();
  for (let done = 0; done < times; done++) {
    const standing = user === undefined ? undefined : await impatient.check(user, address);
    if (standing?.kind === 'locked') return;
    await impatient.failed(user, `password ${tries++}`, address, standing);
  }
}

async function succeed(user: string, address: string): Promise<void> {
  await guard.succeeded(user, address, await guard.check(user, address));
}

const standing = async (user: string, address: string): Promise<string> => (await guard.check(user, address)).kind;

describe('a network', () => {
  it('is locked after 20 failures in ten minutes, whoever is tried, and open again after them', async () => {
    for (let user = 0; user < 19; user++) await fail(1, `user${user}`, HERE);
    expect(await standing('somebody', HERE)).toBe('open');
    await fail(1, 'user19', HERE);
    expect(await guard.check('somebody', HERE)).toEqual({ kind: 'locked', retryAfterS: expect.any(Number) });
    expect(await standing('somebody', '203.0.113.8')).toBe('open');
    server.clock.pass(10 * MINUTE_MS + 1);
    expect(await standing('somebody', HERE)).toBe('open');
  });

  it('is locked for the day after 100 failures of a patient attacker', async () => {
    for (let round = 0; round < 10; round++) {
      await fail(10, `user${round}`, HERE);
      server.clock.pass(11 * MINUTE_MS);
    }
    const locked = await guard.check('somebody', HERE);
    expect(locked).toMatchObject({ kind: 'locked' });
    if (locked.kind === 'locked') expect(locked.retryAfterS).toBeGreaterThan(20 * 3_600);
    server.clock.pass(DAY_MS);
    expect(await standing('somebody', HERE)).toBe('open');
  });

  it.each([
    ['its /24', 100, (n: number) => `198.51.100.${n % 10}`, '198.51.100.99', '198.51.101.1'],
    ['its /16', 500, (n: number) => `198.51.${n % 50}.1`, '198.51.200.1', '198.52.0.1'],
    ['the /56 of an IPv6 /64', 100, (n: number) => `2a01:db8:0:${n % 10}::1`, '2a01:db8:0:ff::1', '2a01:db8:0:100::1'],
    [
      'the /48 of an IPv6 /64',
      500,
      (n: number) => `2a01:db8:0:${(n % 50) + 1}00::1`,
      '2a01:db8:0:ff00::1',
      '2a01:db8:1::',
    ],
  ])('is locked with %s after %d failures', async (_name, failures, addressOf, inside, outside) => {
    for (let n = 0; n < failures; n++) await fail(1, `user${n}`, addressOf(n));
    expect(await standing('somebody', inside)).toBe('locked');
    expect(await standing('somebody', outside)).toBe('open');
  });

  it('that is private answers for its own address alone', async () => {
    for (let n = 0; n < 200; n++) await fail(1, `user${n}`, `10.1.2.${n}`);
    expect(await standing('somebody', '10.1.2.250')).toBe('open');
  });

  it('counts one wrong password once, however often a forgotten program tries it', async () => {
    for (let n = 0; n < 300; n++) await guardWithoutDelay().failed('site@example.org', 'old password', HERE);
    expect(await standing('other@example.org', HERE)).toBe('open');
  });

  it('counts wrong API keys with the rest, without a user', async () => {
    await fail(20, undefined, HERE);
    expect(await standing('somebody', HERE)).toBe('locked');
    await expect(guard.failed(undefined, 'another key', HERE)).resolves.toMatchObject({ kind: 'locked' });
  });
});

describe('a user', () => {
  it('is locked for strangers after 50 failures from everywhere, whether there is one or not', async () => {
    for (let n = 0; n < 50; n++) await fail(1, 'Victim@Example.org', `192.0.${n}.1`);
    expect(await standing('victim@example.org', '198.51.100.1')).toBe('locked');
    expect(await standing('other@example.org', '198.51.100.1')).toBe('open');
  });

  it('is not let off by a success: the attack goes on being counted', async () => {
    for (let n = 0; n < 49; n++) await fail(1, 'victim@example.org', `192.0.${n}.1`);
    await succeed('victim@example.org', HERE);
    await fail(1, 'victim@example.org', '192.0.99.1');
    expect(await standing('victim@example.org', '198.51.100.1')).toBe('locked');
  });
});

describe('a place where a user has logged in', () => {
  beforeEach(() => succeed('shop@example.org', HERE));

  it('is open whatever others do there, beside it, or to the user', async () => {
    for (let n = 0; n < 600; n++) await fail(1, `user${n}`, n < 20 ? HERE : `203.0.${n % 200}.${n % 250}`);
    for (let n = 0; n < 60; n++) await fail(1, 'shop@example.org', `192.0.${n}.1`);
    expect(await standing('shop@example.org', HERE)).toBe('open');
    expect(await standing('other@example.org', HERE)).toBe('locked');
    expect(await guard.record(HERE)).toMatchObject({ kind: 'good' });
  });

  it('has a small count of its own, which ends with the next success and harms nobody else', async () => {
    await fail(19, 'shop@example.org', HERE);
    await succeed('shop@example.org', HERE);
    await fail(19, 'shop@example.org', HERE);
    expect(await standing('shop@example.org', HERE)).toBe('open');
    await fail(1, 'shop@example.org', HERE);
    expect(await standing('shop@example.org', HERE)).toBe('locked');
    expect(await standing('other@example.org', HERE)).toBe('open');
  });

  it('is forgotten after 30 days', async () => {
    expect(await guard.check('shop@example.org', HERE)).toEqual({ kind: 'open', place: 'known' });
    server.clock.pass(DAY_MS);
    expect(await guard.check('shop@example.org', HERE)).toEqual({ kind: 'open', place: 'to be noted' });
    server.clock.pass(29 * DAY_MS);
    expect(await guard.check('shop@example.org', HERE)).toEqual({ kind: 'open', place: 'unknown' });
  });

  it('is one of 500 at most', async () => {
    for (let n = 0; n < 520; n++) {
      server.clock.pass(1);
      await guard.succeeded('roamer@example.org', `192.0.${n % 250}.${n}`.replace(/\d+$/, String(n % 251)), {
        kind: 'open',
        place: 'unknown',
      });
    }
    const [key = ''] = (await redis.keys('*:places:*')).filter((name) => name !== '');
    expect(await redis.zcard(key)).toBeLessThanOrEqual(500);
  });
});

describe('the reply to a failure', () => {
  it('comes later and later', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 50].map(failureDelayMs)).toEqual([
      0, 0, 250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
    ]);
  });

  it('waits, and goes out at once when the process drains', async () => {
    await fail(8, 'user', HERE);
    const waiting = guard.failed('user', 'another', HERE);
    const outcome = await Promise.race([waiting.then(() => 'answered'), redis.ping().then(() => 'held')]);
    expect(outcome).toBe('held');
    guard.close();
    await expect(waiting).resolves.toEqual({ kind: 'open', place: 'unknown' });
  });

  it('is as slow for a user that exists as for one that does not', async () => {
    await succeed('shop@example.org', '192.0.2.99');
    const delays: number[][] = [];
    for (const user of ['shop@example.org', 'nobody@example.org']) {
      for (const key of await redis.keys('*:net*')) await redis.del(key);
      for (let n = 0; n < 5; n++) await fail(1, user, HERE);
      delays.push((await redis.hmget((await redis.keys('*:net0:*'))[0] ?? '', 's', 'l', 'r')).map(Number));
    }
    expect(delays[0]).toEqual(delays[1]);
  });
});

describe('the record of a network', () => {
  it('is good, then bad, then one that nobody comes in from', async () => {
    expect(await guard.record(HERE)).toMatchObject({ kind: 'good' });
    await fail(3, 'user', HERE);
    expect(await guard.record(HERE)).toMatchObject({ kind: 'bad' });
    await fail(20, 'user', HERE);
    expect(await guard.record(HERE)).toMatchObject({ kind: 'locked' });
  });

  it('is bad for an hour after misconduct', async () => {
    await guard.misbehaved(HERE);
    expect(await guard.record(HERE)).toMatchObject({ kind: 'bad' });
    const [key = ''] = await redis.keys('*:misconduct:*');
    expect(await redis.pttl(key)).toBeGreaterThan(59 * MINUTE_MS);
  });
});

it('keeps nothing for ever, and no more than its slots whatever names are tried', async () => {
  await fail(200, undefined, HERE);
  for (let n = 0; n < 300; n++) await fail(1, `name ${n}`, `2a01:db8:${n.toString(16)}::1`);
  await succeed('shop@example.org', HERE);
  await guard.misbehaved(HERE);
  const keys = await redis.keys('*');
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
  expect(keys.filter((key) => /:(?:user|net\d|misconduct):/.test(key) && !/:\d{1,5}$/.test(key))).toEqual([]);
});

it('lets everybody try where Redis does not answer', async () => {
  const away = await server.connect();
  away.disconnect();
  const blind = new LoginGuard(away, server.clock);
  await expect(blind.check('user', HERE)).resolves.toEqual({ kind: 'open', place: 'unknown' });
  await expect(blind.failed('user', 'x', HERE)).resolves.toEqual({ kind: 'open', place: 'unknown' });
  await expect(blind.record(HERE)).resolves.toMatchObject({ kind: 'good' });
  await expect(blind.succeeded('user', HERE, { kind: 'open', place: 'unknown' })).resolves.toBeUndefined();
});

it('says how long to stay away in words', () => {
  expect([5, 90, 91, 600, 5_400, 5_401, 86_400].map(waitInWords)).toEqual([
    '5 seconds',
    '90 seconds',
    '2 minutes',
    '10 minutes',
    '90 minutes',
    '2 hours',
    '24 hours',
  ]);
});

function guardWithoutDelay(): LoginGuard {
  const impatient = new LoginGuard(redis, server.clock);
  impatient.close();
  return impatient;
}
