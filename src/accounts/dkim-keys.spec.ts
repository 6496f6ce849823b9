/** The keys of a domain in a real Redis, as several processes see them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { everythingIn, OwnRedis, StandingClock } from '../../test/accounts/own-redis.js';
import { DkimKeys, type DkimKeyInfo } from './dkim-keys.js';
import { traitsOf } from './dkim-key.js';

const DAY_MS = 24 * 3_600_000;
const SECRET = 'correct horse battery staple, 32 characters';
const HASH = '{ph:accounts}:dkim-keys:shop:example.org';
const OLD_KEY = '{ph:accounts}:dkim:shop:example.org';

let server: OwnRedis;
let redis: Redis;
let second: Redis;
let clock: StandingClock;

beforeAll(async () => {
  server = await OwnRedis.start();
  [redis, second] = [await server.connect(), await server.connect()];
});

beforeEach(() => {
  clock = new StandingClock();
});

afterEach(async () => {
  await redis.flushall();
});

afterAll(async () => {
  await server.stop();
});

/** As a process has them, with a chance that is always the same. */
const keysIn = (connection: Redis, secretKey?: string): DkimKeys =>
  new DkimKeys(connection, clock, secretKey, () => 'x7k2');
/** `selector state` of each. */
const states = (keys: readonly DkimKeyInfo[]): string[] => keys.map(({ selector, state }) => `${selector} ${state}`);
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const rsaPem = (): string => pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
const oldForm = (privateKey = rsaPem()): string => JSON.stringify({ selector: 'ph20260102', privateKey, createdAt: 5 });
const selectors = async (keys: DkimKeys): Promise<string[]> =>
  (await keys.signingKeys('shop', 'example.org')).map(({ selector }) => selector);

describe('the first pair of a domain', () => {
  it('is made where it signs first, RSA before Ed25519, and is the same ever after', async () => {
    const keys = keysIn(redis);
    const [rsa, ed25519, ...more] = await keys.signingKeys('shop', 'example.org');
    expect(more).toEqual([]);
    expect(rsa).toMatchObject({ domain: 'example.org', selector: 'ph20261121-x7k2', algorithm: 'rsa-sha256' });
    expect(ed25519).toMatchObject({ domain: 'example.org', selector: 'ph20261121e-x7k2', algorithm: 'ed25519-sha256' });
    const [again] = await keysIn(second).signingKeys('shop', 'example.org');
    expect(again && pem(again.privateKey)).toBe(rsa && pem(rsa.privateKey));
  });

  it('is shown with the records to publish', async () => {
    const keys = keysIn(redis);
    const shown = await keys.ensure('shop', 'example.org', 'active');
    const now = clock.now();
    expect(shown).toEqual([
      {
        ...{
          selector: 'ph20261121-x7k2',
          algorithm: 'rsa-sha256',
          state: 'active',
          createdAt: now,
          changedAt: now,
          bits: 2048,
        },
        record: {
          name: 'ph20261121-x7k2._domainkey.example.org',
          value: expect.stringMatching(/^v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{390,}=*$/),
        },
      },
      {
        ...{
          selector: 'ph20261121e-x7k2',
          algorithm: 'ed25519-sha256',
          state: 'active',
          createdAt: now,
          changedAt: now,
        },
        record: {
          name: 'ph20261121e-x7k2._domainkey.example.org',
          value: expect.stringMatching(/^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$/),
        },
      },
    ]);
    const signing = await keys.signingKeys('shop', 'example.org');
    expect(signing.map(({ privateKey }) => traitsOf(privateKey).publicKey)).toEqual(
      shown.map(({ record }) => record.value.split('p=')[1]),
    );
  });

  it('is made once by two processes at once', async () => {
    const [here, there] = [keysIn(redis), keysIn(second)];
    const [a, b] = await Promise.all([
      here.ensure('shop', 'x.example', 'active'),
      there.signingKeys('shop', 'x.example'),
    ]);
    expect(a.map(({ selector }) => selector)).toEqual(['ph20261121-x7k2', 'ph20261121e-x7k2']);
    expect(b.map(({ privateKey }) => traitsOf(privateKey).publicKey)).toEqual(
      a.map(({ record }) => record.value.split('p=')[1]),
    );
  });

  it('signs nothing while DNS has not shown it, unless the operator says so', async () => {
    const keys = keysIn(redis);
    await keys.ensure('shop', 'example.org', 'pending');
    expect(await selectors(keys)).toEqual([]);
    expect(states(await keys.ensure('shop', 'example.org', 'pending'))).toEqual([
      'ph20261121-x7k2 pending',
      'ph20261121e-x7k2 pending',
    ]);
    await keys.ensure('shop', 'example.org', 'active');
    expect(await selectors(keys)).toEqual(['ph20261121-x7k2', 'ph20261121e-x7k2']);
  });

  it('has selectors that another account or relay with the same domain does not have', async () => {
    const [here, there] = [new DkimKeys(redis, clock), new DkimKeys(second, clock)];
    const pairs = [
      await here.ensure('shop', 'example.org', 'pending'),
      await there.ensure('other', 'example.org', 'pending'),
    ];
    const names = pairs.flat().map(({ selector }) => selector);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^ph20261121e?-[a-z2-7]{4}$/);
  });

  it('is each account and each domain its own', async () => {
    const keys = keysIn(redis);
    const all = [
      await keys.signingKeys('shop', 'example.org'),
      await keys.signingKeys('other', 'example.org'),
      await keys.signingKeys('shop', 'example.net'),
    ];
    const publicKeys = all.flat().map(({ privateKey }) => traitsOf(privateKey).publicKey);
    expect(new Set(publicKeys).size).toBe(6);
  });
});

describe('a rotation', () => {
  it('adds what DNS must show, lets it sign once DNS does, and retires what signed before', async () => {
    const keys = keysIn(redis);
    const elsewhere = keysIn(second);
    expect(await selectors(elsewhere)).toEqual(['ph20261121-x7k2', 'ph20261121e-x7k2']);
    const pending = await keys.rotate('shop', 'example.org');
    expect(states(pending)).toEqual(['ph20261121-x7k2-2 pending', 'ph20261121e-x7k2-2 pending']);
    expect(await keys.rotate('shop', 'example.org')).toEqual(pending);
    expect(await selectors(keys)).toEqual(['ph20261121-x7k2', 'ph20261121e-x7k2']);

    clock.nowMs += DAY_MS;
    expect(await keys.published('shop', 'example.org', new Set(['ph20261121-x7k2', 'unknown']))).toEqual([]);
    const changed = await keys.published('shop', 'example.org', new Set(['ph20261121-x7k2', 'ph20261121-x7k2-2']));
    expect(states(changed)).toEqual(['ph20261121-x7k2 retiring', 'ph20261121-x7k2-2 active']);
    expect(await keys.published('shop', 'example.org', new Set(['ph20261121-x7k2', 'ph20261121-x7k2-2']))).toEqual([]);
    expect(await selectors(keys)).toEqual(['ph20261121-x7k2-2', 'ph20261121e-x7k2']);
    clock.nowMs += 1_000;
    expect(await selectors(elsewhere)).toEqual(['ph20261121-x7k2-2', 'ph20261121e-x7k2']);

    clock.nowMs += 7 * DAY_MS - 1_001;
    expect(await keys.retireDue('shop', 'example.org')).toEqual([]);
    expect(Object.values(await redis.hgetall(HASH)).filter((value) => value.includes('PRIVATE KEY'))).toHaveLength(4);
    clock.nowMs += 1;
    expect(states(await keys.retireDue('shop', 'example.org'))).toEqual(['ph20261121-x7k2 retired']);
    expect(await redis.hget(HASH, 'ph20261121-x7k2')).not.toContain('PRIVATE KEY');
    expect(await keys.retireDue('shop', 'example.org')).toEqual([]);
    expect(states(await keys.list('shop', 'example.org'))).toEqual([
      'ph20261121-x7k2-2 active',
      'ph20261121e-x7k2 active',
      'ph20261121e-x7k2-2 pending',
    ]);
    const day = new Date(clock.nowMs).toISOString().slice(0, 10).replaceAll('-', '');
    expect(states(await keys.rotate('shop', 'example.org'))).toEqual([
      `ph${day}-x7k2 pending`,
      'ph20261121e-x7k2-2 pending',
    ]);
  });

  it('by four processes at once is one', async () => {
    const processes = await Promise.all([1, 2, 3, 4].map(async () => keysIn(await server.connect())));
    const [first] = processes;
    await first?.ensure('shop', 'example.org', 'active');
    const answers = await Promise.all(processes.map((keys) => keys.rotate('shop', 'example.org')));
    expect(answers.map((pending) => pending.length)).toEqual([2, 2, 2, 2]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const seen = new Set(answers[0]?.map(({ selector }) => selector));
    const changes = await Promise.all(processes.map((keys) => keys.published('shop', 'example.org', seen)));
    expect(changes.map((changed) => changed.length).sort()).toEqual([0, 0, 0, 4]);
    clock.nowMs += 7 * DAY_MS;
    const retired = await Promise.all(processes.map((keys) => keys.retireDue('shop', 'example.org')));
    expect(retired.map((changed) => changed.length).sort()).toEqual([0, 0, 0, 2]);
  });
});

describe('an import', () => {
  it('that is active takes the place of what signed', async () => {
    const keys = keysIn(redis);
    await keys.ensure('shop', 'example.org', 'active');
    clock.nowMs += 1;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const outcome = await keys.import('shop', 'example.org', 'Mail.2019', pem(privateKey), 'active');
    expect(outcome).toMatchObject({
      kind: 'imported',
      key: { selector: 'mail.2019', state: 'active', bits: 1024, imported: true },
      advice: expect.stringContaining('under 2048 bits is weak'),
    });
    const [rsa] = await keys.signingKeys('shop', 'example.org');
    expect(rsa?.privateKey.equals(privateKey)).toBe(true);
    expect((await keys.list('shop', 'example.org')).map(({ state }) => state)).toEqual([
      'retiring',
      'active',
      'active',
    ]);
  });

  it('that is pending signs once DNS shows it', async () => {
    const keys = keysIn(redis);
    const { privateKey } = generateKeyPairSync('ed25519');
    await keys.ensure('shop', 'example.org', 'active');
    const before = await selectors(keys);
    await keys.import('shop', 'example.org', 'mine', pem(privateKey), 'pending');
    expect(await selectors(keys)).toEqual(before);
    await keys.published('shop', 'example.org', new Set(['mine']));
    expect(await selectors(keys)).toEqual([before[0], 'mine']);
  });

  it('into a domain without keys comes with the other algorithm, for DNS to show', async () => {
    const keys = keysIn(redis);
    await keys.import('shop', 'example.org', 'mine', rsaPem(), 'active');
    expect(await selectors(keys)).toEqual(['mine']);
    const [, other] = await keys.list('shop', 'example.org');
    expect(other).toMatchObject({ algorithm: 'ed25519-sha256', state: 'pending' });
  });

  it('is refused under a selector that is taken, by two processes at once too, and where there are too many', async () => {
    const processes = [keysIn(redis), keysIn(second)];
    const text = rsaPem();
    const both = await Promise.all(
      processes.map((keys) => keys.import('shop', 'example.org', 'mine', text, 'pending')),
    );
    expect(both.map(({ kind }) => kind).sort()).toEqual(['imported', 'refused']);
    const refused = both.find(({ kind }) => kind === 'refused');
    expect(refused).toMatchObject({ why: expect.stringContaining('the selector mine is taken') });
    const [keys] = processes as [DkimKeys];
    for (let i = 3; i <= 20; i++) await keys.import('shop', 'example.org', `s${String(i)}`, text, 'pending');
    const outcome = await keys.import('shop', 'example.org', 'late', text, 'pending');
    expect(outcome).toMatchObject({ kind: 'refused', why: expect.stringContaining('20 keys already') });
  });
});

describe('a domain that was removed', () => {
  it('has no keys, gets none from mail that is still queued, and new ones when it is added again', async () => {
    const [keys, worker] = [keysIn(redis), keysIn(second)];
    const [before] = await keys.ensure('shop', 'example.org', 'active');
    await keys.remove('shop', 'example.org');
    expect(await selectors(worker)).toEqual([]);
    expect(await keys.list('shop', 'example.org')).toEqual([]);
    expect(await redis.ttl(HASH)).toBeGreaterThan(0);
    const [after] = await keys.ensure('shop', 'example.org', 'pending');
    expect(after?.record.value).not.toBe(before?.record.value);
    expect(await redis.ttl(HASH)).toBe(-1);
  });
});

describe('the one key of before', () => {
  it.each([
    ['in the clear', undefined],
    ['encrypted', SECRET],
  ])('is moved by the first who loads it, %s, and signs as it did', async (_how, secret) => {
    const text = rsaPem();
    await redis.set(OLD_KEY, oldForm(text));
    const [here, there] = [keysIn(redis, secret), keysIn(second, secret)];
    const both = await Promise.all([here, there].map((keys) => keys.signingKeys('shop', 'example.org')));
    for (const signing of both) {
      expect(signing.map(({ selector, algorithm }) => [selector, algorithm])).toEqual([['ph20260102', 'rsa-sha256']]);
      expect(signing.map(({ privateKey }) => pem(privateKey))).toEqual([text]);
    }
    expect(await redis.exists(OLD_KEY)).toBe(0);
    expect(JSON.stringify(await everythingIn(redis)).includes('PRIVATE')).toBe(secret === undefined);
    const [key] = await here.list('shop', 'example.org');
    expect(key).toMatchObject({ state: 'active', createdAt: 5, bits: 2048 });
    expect(states(await here.rotate('shop', 'example.org'))).toEqual([
      'ph20261121-x7k2 pending',
      'ph20261121e-x7k2 pending',
    ]);
  });

  it('signs where Redis is full and takes no change', async () => {
    await redis.set(OLD_KEY, oldForm());
    await redis.config('SET', 'maxmemory', '1');
    try {
      expect(await selectors(keysIn(redis, SECRET))).toEqual(['ph20260102']);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    expect(await selectors(keysIn(redis))).toEqual(['ph20260102']);
  });
});

describe('a secret', () => {
  it('leaves nothing of a private key in the clear', async () => {
    const keys = keysIn(redis, SECRET);
    await keys.ensure('shop', 'example.org', 'active');
    await keys.rotate('shop', 'example.org');
    await keys.import('shop', 'example.org', 'mine', rsaPem(), 'pending');
    const all = JSON.stringify(await everythingIn(redis));
    expect(all.match(/"v1:|\\"v1:/g)).toHaveLength(5);
    expect(all).not.toContain('PRIVATE');
    expect(await selectors(keysIn(second, SECRET))).toHaveLength(2);
  });

  it('that is another one opens nothing, and tells nothing', async () => {
    await keysIn(redis, SECRET).ensure('shop', 'example.org', 'active');
    const before = await everythingIn(redis);
    for (const secret of [undefined, `${SECRET}.`]) {
      const keys = keysIn(second, secret);
      const failure = await keys.signingKeys('shop', 'example.org').catch((error: unknown) => String(error));
      expect(failure).toBe(
        'Error: the private key of ph20261121-x7k2._domainkey.example.org does not open with this POSTHORN_SECRET_KEY, or was altered in Redis',
      );
      expect(await keys.list('shop', 'example.org')).toHaveLength(2);
    }
    expect(await everythingIn(redis)).toEqual(before);
  });

  it('opens no key that was put in the place of another', async () => {
    const keys = (): DkimKeys => keysIn(redis, SECRET);
    await keys().ensure('shop', 'example.org', 'active');
    await keys().ensure('shop', 'example.net', 'active');
    const fields = await redis.hgetall(HASH.replace('.org', '.net'));
    await redis.hset(HASH, fields);
    await expect(keys().signingKeys('shop', 'example.org')).rejects.toThrow('does not open');
  });
});
