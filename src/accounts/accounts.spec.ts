import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AccountsStore, MovableClock } from '../../test/accounts/accounts-store.js';
import { AccountLog } from '../events/account-log.js';
import { DEFAULT_WATCH } from './account.js';
import { Accounts } from './accounts.js';
import { DkimKeys } from './dkim-keys.js';
import { Credentials } from './credentials.js';
import { SendingDomains, verifiedDomain } from './sending-domains.js';

let store: AccountsStore;
let clock: MovableClock;
let accounts: Accounts;

beforeAll(async () => {
  store = await AccountsStore.start();
});

beforeEach(async () => {
  await store.empty();
  clock = new MovableClock();
  accounts = new Accounts(store.redis, clock);
});

afterAll(async () => {
  await store.stop();
});

describe('accounts', () => {
  it('are made once under a name, with what is usual', async () => {
    const shop = { name: 'shop', state: 'active', createdAt: clock.nowMs, limits: {}, onLimit: 'refuse' };
    expect(await accounts.create('shop')).toEqual({
      ...shop,
      watch: DEFAULT_WATCH,
      suppressedRecipients: 'report',
      suppressAfter: 5,
    });
    expect(await accounts.create('shop', { onLimit: 'hold' })).toBe('taken');
    await accounts.create('bakery');
    expect((await accounts.list()).map(({ name }) => name)).toEqual(['bakery', 'shop']);
    expect(await accounts.get('nobody')).toBeUndefined();
  });

  it('keep every change of many that come at once from several processes', async () => {
    await accounts.create('shop');
    const processes = [accounts, new Accounts(store.redis, clock), new Accounts(store.redis, clock)];
    const count = ({ limits }: { limits: { messageBytes?: number } }) => ({
      limits: { messageBytes: (limits.messageBytes ?? 0) + 1 },
    });
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => (processes[i % 3] ?? accounts).change('shop', (account) => count(account))),
    );
    expect((await accounts.get('shop'))?.limits).toEqual({ messageBytes: 60 });
  });

  it('lose a field that is changed to undefined, and are not made by a change', async () => {
    await accounts.create('shop', { provisioned: true });
    expect(await accounts.change('shop', { provisioned: undefined })).not.toHaveProperty('provisioned', true);
    expect(JSON.stringify(await accounts.get('shop'))).not.toContain('provisioned');
    expect(await accounts.change('nobody', { onLimit: 'hold' })).toBeUndefined();
    expect(await accounts.get('nobody')).toBeUndefined();
  });

  it('are suspended and resumed with an event each, and none where nothing changed', async () => {
    await accounts.create('shop');
    await accounts.suspend('shop', 'unpaid');
    expect(await accounts.suspend('shop', 'still unpaid')).toMatchObject({ suspendedBecause: 'still unpaid' });
    const resumed = await accounts.resume('shop', 'paid');
    expect(resumed).toMatchObject({ state: 'active' });
    expect(resumed?.suspendedBecause).toBeUndefined();
    await accounts.resume('shop', 'paid');
    const events = await new AccountLog(store.redis).list('shop', 10);
    expect(events.map(({ type, at }) => [type, at])).toEqual([
      ['account.suspended', clock.nowMs],
      ['account.resumed', clock.nowMs],
    ]);
    expect(await accounts.suspend('nobody', 'x')).toBeUndefined();
  });

  it('are read anew after their own change, and after a second after that of others', async () => {
    await accounts.create('shop');
    await accounts.recent('shop');
    await accounts.suspend('shop', 'unpaid');
    expect((await accounts.recent('shop'))?.state).toBe('suspended');
    await new Accounts(store.redis, clock).resume('shop', 'paid');
    clock.nowMs += 1_000;
    expect((await accounts.recent('shop'))?.state).toBe('active');
  });

  it('go with all that is their own, and leave nothing of it', async () => {
    await accounts.create('other');
    const before = await AccountsStore.dump(store.redis);
    await accounts.create('shop');
    await accounts.suspend('shop', 'unpaid');
    await new SendingDomains(store.redis, clock).add('shop', verifiedDomain('shop.example', clock.now()), undefined);
    const credentials = new Credentials(store.redis, clock);
    const made = await credentials.create('shop', { kind: 'api', scopes: ['send'] });
    await credentials.create('shop', { kind: 'smtp', user: 'a@shop.example', scopes: ['smtp'] });
    if (made.kind !== 'created') throw new Error(made.kind);
    expect(await credentials.checkApiKey(made.secret)).toMatchObject({ account: 'shop' });
    expect(await accounts.remove('shop')).toBe(true);
    expect(await AccountsStore.dump(store.redis)).toEqual(before);
    expect(await accounts.remove('shop')).toBe(false);
  });

  it('take their private keys with them, of whatever domain, and no others', async () => {
    const keys = new DkimKeys(store.redis, clock);
    for (const name of ['shop', 'shop2']) await accounts.create(name);
    await keys.ensure('shop', 'shop.example', 'active');
    await keys.signingKeys('shop', 'any.example');
    const [other] = await keys.ensure('shop2', 'shop.example', 'active');
    await accounts.remove('shop');
    expect(JSON.stringify(await AccountsStore.dump(store.redis)).match(/PRIVATE KEY/g)).toHaveLength(4);
    await accounts.create('shop');
    expect(await keys.list('shop', 'shop.example')).toEqual([]);
    expect((await keys.list('shop2', 'shop.example'))[0]).toEqual(other);
  });

  it('leave no credential behind that is made while they are removed', async () => {
    const before = await AccountsStore.dump(store.redis);
    const credentials = new Credentials(store.redis, clock);
    for (let i = 0; i < 30; i++) {
      await accounts.create('shop');
      const [removed, ...made] = await Promise.all([
        accounts.remove('shop'),
        ...[1, 2, 3].map(() => credentials.create('shop', { kind: 'api', scopes: ['send'] })),
      ]);
      expect(removed).toBe(true);
      for (const { kind } of made) expect(['created', 'no_account']).toContain(kind);
    }
    expect(await AccountsStore.dump(store.redis)).toEqual(before);
  });
});
