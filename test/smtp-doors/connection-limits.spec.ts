/** How the connections of a client network are counted, by several processes on one Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  ConnectionLimits,
  type ConnectionLease,
  type ConnectionsPerNetwork,
} from '../../src/listeners/connection-limits.js';
import { GuardRedis } from './guard-redis.js';

const MINUTE_MS = 60_000;
const HERE = '203.0.113.7';

let server: GuardRedis;
let redis: Redis;
const made: ConnectionLimits[] = [];

beforeAll(async () => {
  server = await GuardRedis.start();
  redis = await server.connect();
});

beforeEach(async () => {
  await redis.flushall();
  server.clock.pass(2 * MINUTE_MS);
});

afterEach(() => {
  for (const limits of made.splice(0)) limits.close();
});

afterAll(() => server.stop());

/** As a process of its own has them. */
function limits(
  perNetwork: ConnectionsPerNetwork,
  connection: Redis = redis,
  // On a busy machine Redis takes its time; only where it is gone shall the local numbers be used.
  waitMs = 30_000,
): ConnectionLimits {
  const made_ = new ConnectionLimits(connection, server.clock, perNetwork, waitMs);
  made.push(made_);
  return made_;
}

async function entered(of: ConnectionLimits, times: number, address = HERE): Promise<ConnectionLease[]> {
  const leases = await Promise.all(Array.from({ length: times }, () => of.enter(address)));
  return leases.filter((lease) => lease !== undefined);
}

/** What ends now has been undone in Redis: sent in this turn, and once more where the script was not known there. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  for (let trip = 0; trip < 3; trip++) await redis.ping();
}

describe('the open connections of a network', () => {
  it('are as many as the setting says, over four processes at once', async () => {
    const processes = Array.from({ length: 4 }, () => limits([10, 100, 100]));
    const leases = (await Promise.all(processes.map((process) => entered(process, 10)))).flat();
    expect(leases).toHaveLength(10);
  });

  it('are counted at three widths', async () => {
    const one = limits([3, 5, 7]);
    expect(await entered(one, 9, '203.0.113.1')).toHaveLength(3);
    expect(await entered(one, 9, '203.0.113.2')).toHaveLength(2);
    expect(await entered(one, 9, '203.0.114.1')).toHaveLength(2);
    expect(await entered(one, 9, '203.1.0.1')).toHaveLength(3);
  });

  it('of loopback are counted by the address alone', async () => {
    const one = limits([2, 2, 2]);
    expect(await entered(one, 9, '127.0.0.1')).toHaveLength(2);
    expect(await entered(one, 9, '127.0.0.2')).toHaveLength(2);
  });

  it('make room when they end, and each but once', async () => {
    const [one, other] = [limits([2, 9, 9]), limits([2, 9, 9])];
    const [first, second] = await entered(one, 2);
    expect(await entered(other, 1)).toHaveLength(0);
    for (const lease of [first, first, second]) {
      lease?.loggedIn();
      lease?.release();
    }
    await settled();
    expect(await entered(other, 3)).toHaveLength(2);
  });

  it('of a process that died lapse with its lease', async () => {
    await entered(limits([2, 9, 9]), 2);
    const other = limits([2, 9, 9]);
    server.clock.pass(59_000);
    expect(await entered(other, 1)).toHaveLength(0);
    server.clock.pass(61_000);
    expect(await entered(other, 3)).toHaveLength(2);
  });
});

describe('the new connections of a minute', () => {
  it('are bounded where they do not log in', async () => {
    const one = limits([5, 99, 99]);
    for (let round = 0; round < 5; round++) for (const lease of await entered(one, 1)) lease.release();
    expect(await entered(one, 1)).toHaveLength(0);
    expect(await entered(limits([5, 99, 99]), 1)).toHaveLength(0);
    server.clock.pass(MINUTE_MS);
    expect(await entered(one, 1)).toHaveLength(1);
  });

  it('are not where they do: a web host may come as often as it likes', async () => {
    const one = limits([5, 99, 99]);
    for (let round = 0; round < 50; round++) {
      const [lease] = await entered(one, 1);
      expect(lease).toBeDefined();
      lease?.loggedIn();
      lease?.release();
      await settled();
    }
  });
});

describe('without Redis', () => {
  it('a process counts its own connections, and refuses nobody else', async () => {
    const away = await server.connect();
    away.disconnect();
    const one = limits([3, 99, 99], away);
    const leases = await entered(one, 9);
    expect(leases).toHaveLength(3);
    for (const lease of leases) {
      lease.loggedIn();
      lease.release();
    }
    expect(await entered(one, 9)).toHaveLength(3);
  });

  it('that is slow, a client does not wait for it', async () => {
    const slow = await server.connect();
    await redis.call('CLIENT', 'PAUSE', '1000', 'ALL');
    let isAwake = false;
    const awake = redis.ping().then(() => (isAwake = true));
    expect(await entered(limits([3, 99, 99], slow, 100), 1)).toHaveLength(1);
    expect(isAwake).toBe(false);
    await awake;
    await settled();
  });
});

it('leaves nothing in Redis that lasts', async () => {
  for (const lease of await entered(limits([5, 9, 9]), 3)) lease.release();
  await settled();
  const keys = await redis.keys('*');
  expect(keys.filter((key) => key.includes(':open:'))).toEqual([]);
  for (const key of keys.filter((name) => name.includes(':new:'))) expect(await redis.pttl(key)).toBeGreaterThan(0);
});
