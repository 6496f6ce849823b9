import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AccountsStore, MovableClock } from '../../test/accounts/accounts-store.js';
import { Accounts } from './accounts.js';
import type { CredentialSpec } from './credential.js';
import { Credentials, type CredentialCreation } from './credentials.js';

const SMTP: CredentialSpec = { kind: 'smtp', user: 'Web@shop.example', scopes: ['smtp'] };
const API: CredentialSpec = { kind: 'api', scopes: ['send', 'read'] };

let store: AccountsStore;
let clock: MovableClock;
let credentials: Credentials;

beforeAll(async () => {
  store = await AccountsStore.start();
});

beforeEach(async () => {
  await store.empty();
  clock = new MovableClock();
  credentials = new Credentials(store.redis, clock);
  for (const name of ['shop', 'bakery']) await new Accounts(store.redis, clock).create(name);
});

afterAll(async () => {
  await store.stop();
});

function made(creation: CredentialCreation): Extract<CredentialCreation, { kind: 'created' }> {
  if (creation.kind !== 'created') throw new Error(creation.kind);
  return creation;
}

describe('credentials', () => {
  it('open what they are made for, with their limits, and nothing with another secret', async () => {
    const smtp = made(await credentials.create('shop', { ...SMTP, limits: { perHour: 5 } }));
    const api = made(await credentials.create('shop', API));
    const { id } = smtp.credential;
    expect(await credentials.checkSmtp('web@SHOP.example', smtp.secret)).toEqual({
      id,
      account: 'shop',
      scopes: ['smtp'],
      limits: { perHour: 5 },
    });
    expect(await credentials.checkSmtp('web@shop.example', api.secret)).toBeUndefined();
    expect(await credentials.checkSmtp('nobody@shop.example', smtp.secret)).toBeUndefined();
    expect(await credentials.checkApiKey(api.secret)).toEqual({
      id: api.credential.id,
      account: 'shop',
      scopes: ['send', 'read'],
    });
    expect(await credentials.checkApiKey(smtp.secret)).toBeUndefined();
    expect(api.secret).toMatch(/^ph_/);
  });

  it('are listed without their secrets, the first made first, and for their own account only', async () => {
    const smtp = made(await credentials.create('shop', { ...SMTP, name: 'web site' }));
    clock.nowMs += 1_000;
    const api = made(await credentials.create('shop', { ...API, expiresAt: clock.nowMs + 60_000 }));
    const list = await credentials.list('shop');
    expect(list).toEqual([smtp.credential, api.credential]);
    expect(list[0]).toMatchObject({ kind: 'smtp', user: 'Web@shop.example', name: 'web site' });
    expect(JSON.stringify(list)).not.toContain('hash');
    expect(await credentials.list('bakery')).toEqual([]);
  });

  it('have users that are one of a kind over all accounts, in any case', async () => {
    await credentials.create('shop', SMTP);
    const before = await AccountsStore.dump(store.redis);
    expect(await credentials.create('bakery', { ...SMTP, user: 'WEB@shop.example' })).toEqual({ kind: 'user_taken' });
    expect(await credentials.create('nobody', API)).toEqual({ kind: 'no_account' });
    expect(await AccountsStore.dump(store.redis)).toEqual(before);
  });

  it('are at most a thousand of an account', async () => {
    const ids = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`cred_${i}`, `apikey:${i}`]));
    await store.redis.hset('{ph:accounts}:credentials:shop', ids);
    expect(await credentials.create('shop', API)).toEqual({ kind: 'full' });
  });

  it('open nothing once they have expired', async () => {
    const api = made(await credentials.create('shop', { ...API, expiresAt: clock.nowMs + 60_000 }));
    const caller = await credentials.checkApiKey(api.secret);
    if (!caller) throw new Error('not known');
    clock.nowMs += 59_999;
    expect([(await credentials.recent(caller)) !== undefined, await credentials.checkApiKey(api.secret)]).toEqual([
      true,
      caller,
    ]);
    clock.nowMs += 1;
    expect([(await credentials.recent(caller)) !== undefined, await credentials.checkApiKey(api.secret)]).toEqual([
      false,
      undefined,
    ]);
  });

  it('are taken away by id, of their own account only, and are dead in other processes within a second', async () => {
    const api = made(await credentials.create('shop', API));
    const other = new Credentials(store.redis, clock);
    const caller = await other.checkApiKey(api.secret);
    if (!caller) throw new Error('not known');
    expect((await other.recent(caller)) !== undefined).toBe(true);
    expect(await credentials.remove('bakery', caller.id)).toBe(false);
    expect(await credentials.remove('shop', caller.id)).toBe(true);
    expect(await credentials.remove('shop', caller.id)).toBe(false);
    expect(await other.checkApiKey(api.secret)).toBeUndefined();
    clock.nowMs += 1_000;
    expect((await other.recent(caller)) !== undefined).toBe(false);
    expect(await credentials.list('shop')).toEqual([]);
  });

  it('remember when they were last used, to the minute', async () => {
    const api = made(await credentials.create('shop', API));
    const used = async (): Promise<number | undefined> => {
      await credentials.checkApiKey(api.secret);
      // One connection: what was sent before is done before.
      return (await credentials.list('shop'))[0]?.lastUsedAt;
    };
    const first = clock.nowMs;
    await used();
    expect(await used()).toBe(first);
    clock.nowMs += 59_999;
    expect(await used()).toBe(first);
    clock.nowMs += 1;
    await used();
    expect(await used()).toBe(first + 60_000);
  });

  it('leave no trace of a use that is noted after they were taken away', async () => {
    const api = made(await credentials.create('shop', API));
    const check = credentials.checkApiKey(api.secret);
    await Promise.all([check, credentials.remove('shop', api.credential.id)]);
    await store.redis.ping();
    expect(await store.redis.exists('{ph:accounts}:uses:shop')).toBe(0);
  });
});
