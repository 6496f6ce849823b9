import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { everythingIn, OwnRedis, StandingClock } from '../../test/accounts/own-redis.js';
import { DkimKeys } from './dkim-keys.js';
import { protectKeys } from './protect-keys.js';

const SECRET = 'correct horse battery staple, 32 characters';
const CHECK = '{ph:accounts}:key-protection';
const clock = new StandingClock();

let server: OwnRedis;
let redis: Redis;
let second: Redis;

beforeAll(async () => {
  server = await OwnRedis.start();
  [redis, second] = [await server.connect(), await server.connect()];
});

afterEach(async () => {
  await redis.flushall();
});

afterAll(async () => {
  await server.stop();
});

/** A domain as today and one of before, both in the clear; resolves with what signs for them. */
async function keepTwoDomains(): Promise<string[]> {
  await new DkimKeys(redis, clock).ensure('shop', 'new.example', 'active');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await redis.set(
    '{ph:accounts}:dkim:shop:old.example',
    JSON.stringify({ selector: 's', privateKey: text, createdAt: 5 }),
  );
  return signing();
}

/** One that an earlier test has started refuses the next. */
async function untilRewritten(): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (!(await redis.info('persistence')).includes('aof_rewrite_in_progress:0') && Date.now() < giveUpAt);
}

async function signing(secret?: string): Promise<string[]> {
  const keys = new DkimKeys(second, clock, secret);
  const all = [await keys.signingKeys('shop', 'new.example'), await keys.signingKeys('shop', 'old.example')];
  return all.flat().map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
}

const missing = {
  kind: 'fault',
  fault: expect.stringMatching(/^POSTHORN_SECRET_KEY is missing: .*set that one again$/),
};
const another = { kind: 'fault', fault: expect.stringMatching(/^POSTHORN_SECRET_KEY is another one: /) };

describe('the protection of private keys', () => {
  it('does nothing where there is no secret and never was', async () => {
    await keepTwoDomains();
    const before = await everythingIn(redis);
    expect(await protectKeys(redis, undefined)).toEqual({ kind: 'clear' });
    expect(await everythingIn(redis)).toEqual(before);
  });

  it('encrypts what is in the clear, once, and what signs is the same', async () => {
    const before = await keepTwoDomains();
    const both = await Promise.all([protectKeys(redis, SECRET), protectKeys(second, SECRET)]);
    for (const { kind } of both) expect(kind).toBe('encrypted');
    await untilRewritten();
    // One of the two may have been refused what the other had begun.
    await protectKeys(redis, SECRET);
    const kept = await everythingIn(redis);
    expect(JSON.stringify(kept)).not.toContain('PRIVATE');
    expect(await signing(SECRET)).toEqual(before);
    expect(await protectKeys(redis, SECRET)).toEqual({ kind: 'encrypted' });
    expect(await everythingIn(redis)).toEqual(kept);
  });

  it('has Redis write its file anew once keys were encrypted, and again at the next start where it refused', async () => {
    expect(await protectKeys(redis, SECRET)).toEqual({ kind: 'encrypted' });
    await redis.hdel(CHECK, 'done');
    await keepTwoDomains();
    await redis.acl('SETUSER', 'default', '-bgrewriteaof');
    try {
      const refused = { kind: 'refused', why: expect.stringContaining('bgrewriteaof') };
      expect(await protectKeys(redis, SECRET)).toEqual({ kind: 'encrypted', rewrite: refused });
      expect(await signing(SECRET)).toHaveLength(3);
    } finally {
      await redis.acl('SETUSER', 'default', '+bgrewriteaof');
    }
    await redis.config('RESETSTAT');
    await untilRewritten();
    expect(await protectKeys(redis, SECRET)).toEqual({ kind: 'encrypted', rewrite: { kind: 'started' } });
    expect(await redis.info('commandstats')).toMatch(/cmdstat_bgrewriteaof:calls=1,/);
    expect(await protectKeys(redis, SECRET)).toEqual({ kind: 'encrypted' });
  });

  it('goes on where a start before broke off', async () => {
    await protectKeys(redis, SECRET);
    await redis.hdel(CHECK, 'done');
    await keepTwoDomains();
    expect(await protectKeys(redis, SECRET)).toMatchObject({ kind: 'encrypted' });
    expect(JSON.stringify(await everythingIn(redis))).not.toContain('PRIVATE');
  });

  it.each([
    ['missing', undefined, missing],
    ['another one', `${SECRET}.`, another],
  ])('finds fault with a secret that is %s, and changes nothing', async (_which, secret, fault) => {
    await keepTwoDomains();
    await protectKeys(redis, SECRET);
    const before = await everythingIn(redis);
    expect(await protectKeys(redis, secret)).toEqual(fault);
    expect(await everythingIn(redis)).toEqual(before);
    // What stands for the secret may have been lost, the keys are still there.
    await redis.del(CHECK);
    if (secret !== undefined) expect(await protectKeys(redis, secret)).toEqual(fault);
    expect(await protectKeys(redis, SECRET)).toEqual({ kind: 'encrypted' });
  });

  it('lets the secret be another, or none, where no key is left that it opens', async () => {
    await protectKeys(redis, SECRET);
    expect(await protectKeys(redis, `${SECRET}.`)).toEqual({ kind: 'encrypted' });
    await new DkimKeys(redis, clock, `${SECRET}.`).ensure('shop', 'new.example', 'active');
    expect(await protectKeys(redis, undefined)).toEqual(missing);
    await new DkimKeys(redis, clock, `${SECRET}.`).remove('shop', 'new.example');
    expect(await protectKeys(redis, undefined)).toEqual({ kind: 'clear' });
    expect(await redis.exists(CHECK)).toBe(0);
  });
});
