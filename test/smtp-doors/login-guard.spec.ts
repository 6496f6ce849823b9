/** How failed logins are counted, and who is kept out by them, against a real Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { failureDelayMs, LoginGuard, waitInWords, type LoginStanding } from '../../src/listeners/login-guard.js';
import { GuardRedis } from './guard-redis.js';

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
});

beforeEach(async () => {
  await redis.flushall();
  guard = new LoginGuard(redis, server.clock);
});

afterEach(() => guard.close());

afterAll(() => server.stop());

/** What a process has whose replies nobody waits for: none is held up. */
function guardWithoutDelay(connection = redis): LoginGuard {
  const impatient = new LoginGuard(connection, server.clock);
  impatient.close();
  return impatient;
}

/** Fails `times` times with a new password each; the replies are not waited for. */
async function fail(times: number, user: string | undefined, address: string): Promise<void> {
  const impatient = guardWithoutDelay();
  for (let done = 0; done < times; done++) await impatient.failed(user, `password ${tries++}`, address);
}

/** What one more wrong password hears. It counts as one, too. */
const verdict = async (user: string | undefined, address: string): Promise<LoginStanding> => {
  return guardWithoutDelay().failed(user, `password ${tries++}`, address);
};
const kind = async (user: string | undefined, address: string): Promise<string> => (await verdict(user, address)).kind;

describe('a network', () => {
  it('is locked after 20 failures in ten minutes, whoever is tried, and open again after them', async () => {
    for (let user = 0; user < 19; user++) await fail(1, `user${user}`, HERE);
    expect(await kind('user19', HERE)).toBe('open');
    expect(await verdict('somebody', HERE)).toEqual({ kind: 'locked', retryAfterS: expect.any(Number) });
    expect(await kind('somebody', '203.0.113.8')).toBe('open');
    server.clock.pass(10 * MINUTE_MS + 1);
    expect(await kind('somebody', HERE)).toBe('open');
  });

  it('is locked for the day after 100 failures of a patient attacker', async () => {
    for (let round = 0; round < 10; round++) {
      await fail(10, `user${round}`, HERE);
      server.clock.pass(11 * MINUTE_MS);
    }
    const locked = await verdict('somebody', HERE);
    expect(locked).toMatchObject({ kind: 'locked' });
    if (locked.kind === 'locked') expect(locked.retryAfterS).toBeGreaterThan(20 * 3_600);
    server.clock.pass(DAY_MS);
    expect(await kind('somebody', HERE)).toBe('open');
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
  ])(
    'is locked with %s after %d failures, but its other addresses are greeted',
    async (_, count, from, inside, out) => {
      for (let n = 0; n < count; n++) await fail(1, `user${n}`, from(n));
      expect(await kind('somebody', inside)).toBe('locked');
      expect(await kind('somebody', out)).toBe('open');
      expect(await guard.record(inside)).toEqual({ kind: 'good', isKnown: false });
    },
  );

  it('that is locked adds nothing to the counts of those within it', async () => {
    for (let n = 0; n < 500; n++) await fail(1, `user${n}`, `198.51.${n % 50}.1`);
    const before = (await redis.keys('*')).length;
    await fail(30, 'somebody', '198.51.200.1');
    expect(await redis.keys('*')).toHaveLength(before);
    expect(await guard.record('198.51.200.1')).toEqual({ kind: 'good', isKnown: false });
  });

  it('that is private answers for its own address alone', async () => {
    for (let n = 0; n < 200; n++) await fail(1, `user${n}`, `10.1.2.${n}`);
    expect(await kind('somebody', '10.1.2.250')).toBe('open');
  });

  it('counts one wrong password once, however often a forgotten program tries it', async () => {
    const program = guardWithoutDelay();
    for (let n = 0; n < 300; n++) await program.failed('site@example.org', 'old password', HERE);
    expect(await kind('other@example.org', HERE)).toBe('open');
    expect(await kind('site@example.org', '192.0.2.1')).toBe('open');
  });

  it('counts wrong API keys with the rest, without a user', async () => {
    await fail(20, undefined, HERE);
    expect(await kind('somebody', HERE)).toBe('locked');
    expect(await kind(undefined, HERE)).toBe('locked');
  });

  it('is locked for all processes by what each of them saw', async () => {
    const guards = [guardWithoutDelay(), guardWithoutDelay(await server.connect())];
    // At the same time, so that both want to make the salt.
    await Promise.all(guards.map((each, index) => each.failed('user', `first of ${index}`, HERE)));
    for (let n = 0; n < 18; n++) await guards[n % 2]?.failed('user', `guess ${n}`, HERE);
    for (const each of guards) expect(await each.failed('user', 'over', HERE)).toMatchObject({ kind: 'locked' });
  });

  it('shares no count with another that an attacker works out: each installation has slots of its own', async () => {
    const slots: string[][] = [];
    for (let installation = 0; installation < 2; installation++) {
      await redis.flushall();
      await guardWithoutDelay().failed('user', 'x', HERE);
      slots.push((await redis.keys('*:net*')).sort());
    }
    expect(slots[0]).not.toEqual(slots[1]);
  });
});

describe('a user', () => {
  it('is answered no more after 50 failures from everywhere, whether there is one or not', async () => {
    for (let n = 0; n < 50; n++) await fail(1, 'Victim@Example.org', `192.0.${n}.1`);
    expect(await kind('victim@example.org', '198.51.100.1')).toBe('locked');
    expect(await kind('other@example.org', '198.51.100.1')).toBe('open');
  });
});

describe('a login', () => {
  it('wipes no failure', async () => {
    await fail(20, 'shop@example.org', HERE);
    await guard.succeeded(HERE);
    expect(await kind('shop@example.org', HERE)).toBe('locked');
  });

  it('makes its network known for 30 days, written anew at most twice a day', async () => {
    await guard.succeeded(HERE);
    const [key = ''] = await redis.keys('*:known:*');
    expect(await redis.pttl(key)).toBeGreaterThan(30 * DAY_MS - MINUTE_MS);
    await redis.pexpire(key, 29.6 * DAY_MS);
    await guard.succeeded(HERE);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(29.6 * DAY_MS);
    await redis.pexpire(key, 29.4 * DAY_MS);
    await guard.succeeded(HERE);
    expect(await redis.pttl(key)).toBeGreaterThan(30 * DAY_MS - MINUTE_MS);
  });
});

describe('the reply to a failure', () => {
  it('comes later and later', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 50].map(failureDelayMs)).toEqual([
      0, 0, 250, 500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000,
    ]);
  });

  it.each([
    ['another password', (n: number) => `password ${n}`],
    ['the same one, which counts once', () => 'old password'],
  ])('waits with %s, and goes out at once when the process drains', async (_, password) => {
    const impatient = guardWithoutDelay();
    for (let n = 0; n < 8; n++) await impatient.failed('user', password(n), HERE);
    const waiting = guard.failed('user', password(8), HERE);
    const outcome = await Promise.race([waiting.then(() => 'answered'), untilHeld()]);
    expect(outcome).toBe('held');
    guard.close();
    await expect(waiting).resolves.toEqual({ kind: 'open' });
  });

  /** After this, a reply that is not held up would have gone out: Redis answers in the order it is asked. */
  async function untilHeld(): Promise<string> {
    for (let asked = 0; asked < 10; asked++) await redis.ping();
    return 'held';
  }
});

describe('the record of a network', () => {
  it('is good, then bad, then one that is not greeted', async () => {
    expect(await guard.record(HERE)).toEqual({ kind: 'good', isKnown: false });
    await fail(3, 'user', HERE);
    expect(await guard.record(HERE)).toEqual({ kind: 'bad', isKnown: false });
    await fail(20, 'user', HERE);
    expect(await guard.record(HERE)).toMatchObject({ kind: 'locked' });
    expect(await guard.record('203.0.113.8')).toEqual({ kind: 'good', isKnown: false });
  });

  it('is good where somebody is known, whatever others do there', async () => {
    await guard.succeeded(HERE);
    await fail(30, 'user', HERE);
    expect(await guard.record(HERE)).toEqual({ kind: 'good', isKnown: true });
  });

  it('is bad for an hour after misconduct', async () => {
    await guard.misbehaved(HERE);
    expect(await guard.record(HERE)).toMatchObject({ kind: 'bad' });
    const [key = ''] = await redis.keys('*:misconduct:*');
    expect(await redis.pttl(key)).toBeGreaterThan(59 * MINUTE_MS);
  });
});

it('keeps nothing but its salt for ever, and no more than its slots whatever names are tried', async () => {
  await fail(200, undefined, HERE);
  const impatient = guardWithoutDelay();
  for (let n = 0; n < 10_000; n += 100) {
    const together = Array.from({ length: 100 }, async (_, more) => {
      await impatient.failed(`name ${Math.random()}`, `guess ${n + more}`, `2a01:${(n + more).toString(16)}::1`);
    });
    await Promise.all(together);
  }
  await guard.succeeded(HERE);
  await guard.misbehaved(HERE);
  const keys = await redis.keys('*');
  const lasting = keys.filter((key) => key !== '{ph:guard}:salt');
  const lives: number[] = [];
  for (let n = 0; n < lasting.length; n += 500) {
    lives.push(...(await Promise.all(lasting.slice(n, n + 500).map((key) => redis.pttl(key)))));
  }
  expect(lives.filter((ms) => ms <= 0)).toEqual([]);
  const counts = lasting.filter((key) => key !== '{ph:guard}:known:203.0.113.7/32');
  const slot = /^\{ph:guard\}:(?:user|net[012]|misconduct):(\d+)$/;
  expect(counts.filter((key) => !(Number(slot.exec(key)?.[1]) < 65_536))).toEqual([]);
});

it('lets everybody try where Redis does not answer', async () => {
  const away = await server.connect();
  away.disconnect();
  const blind = new LoginGuard(away, server.clock);
  await expect(blind.failed('user', 'x', HERE)).resolves.toEqual({ kind: 'open' });
  await expect(blind.record(HERE)).resolves.toMatchObject({ kind: 'good' });
  await expect(blind.succeeded(HERE)).resolves.toBeUndefined();
  await expect(blind.misbehaved(HERE)).resolves.toBeUndefined();
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
