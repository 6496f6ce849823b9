import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AccountsStore, MovableClock } from '../../test/accounts/accounts-store.js';
import { Accounts } from './accounts.js';
import { Credentials } from './credentials.js';
import { adoptOlderRecords } from './older-records.js';
import { hashSecret } from './secrets.js';

const SECRET = 'k'.repeat(43);
const CREATED_AT = 1_700_000_000_000;

let store: AccountsStore;
const clock = new MovableClock();

beforeAll(async () => {
  store = await AccountsStore.start();
});

/** As version 0.1 wrote its first account. */
beforeEach(async () => {
  await store.empty();
  const credential = { account: 'default', hash: hashSecret(SECRET), createdAt: CREATED_AT };
  await store.redis.mset({
    '{ph:accounts}:first': '1',
    '{ph:accounts}:account:default': JSON.stringify({ name: 'default', createdAt: CREATED_AT }),
    '{ph:accounts}:smtp:default@example.org': JSON.stringify({ ...credential, scopes: ['smtp', 'mailbox'] }),
    [`{ph:accounts}:apikey:${hashSecret(SECRET)}`]: JSON.stringify({ ...credential, scopes: ['send', 'admin'] }),
  });
});

afterAll(async () => {
  await store.stop();
});

it('reads an account that is older than a setting with what is usual', async () => {
  const old = { name: 'old', state: 'active', createdAt: CREATED_AT, limits: {}, onLimit: 'hold', watch: {} };
  await store.redis.hset('{ph:accounts}:accounts', 'old', JSON.stringify(old));
  const accounts = new Accounts(store.redis, clock);
  const usual = { suppressedRecipients: 'report', suppressAfter: 5 };
  expect(await accounts.get('old')).toEqual({ ...old, ...usual });
  expect(await accounts.list()).toEqual([{ ...old, ...usual }]);
  expect(await accounts.change('old', { suppressAfter: 0 })).toEqual({ ...old, ...usual, suppressAfter: 0 });
});

describe('what version 0.1 kept', () => {
  it('is an account with listed credentials afterwards, which open what they opened', async () => {
    await adoptOlderRecords(store.redis, clock.nowMs);
    expect(await new Accounts(store.redis, clock).list()).toEqual([
      expect.objectContaining({ name: 'default', state: 'active', createdAt: CREATED_AT, limits: {} }),
    ]);
    const credentials = new Credentials(store.redis, clock);
    const list = await credentials.list('default');
    const id = expect.stringMatching(/^cred_[0-9A-Za-z]{16}$/);
    expect(list).toHaveLength(2);
    expect(list).toContainEqual({
      id,
      kind: 'smtp',
      user: 'default@example.org',
      account: 'default',
      scopes: ['smtp', 'mailbox'],
      createdAt: CREATED_AT,
    });
    const smtp = await credentials.checkSmtp('default@example.org', SECRET);
    const api = await credentials.checkApiKey(SECRET);
    expect([smtp, api]).toEqual([
      { id, account: 'default', scopes: ['smtp', 'mailbox'] },
      { id, account: 'default', scopes: ['send', 'admin'] },
    ]);
    for (const credential of [smtp, api])
      expect(credential && (await credentials.recent(credential)) !== undefined).toBe(true);
    expect(await store.redis.exists('{ph:accounts}:account:default')).toBe(0);
  });

  it('is adopted once, whoever starts at the same time or dies on the way', async () => {
    await Promise.all([1, 2, 3].map(() => adoptOlderRecords(store.redis, clock.nowMs)));
    const adopted = await AccountsStore.dump(store.redis);
    expect(await new Credentials(store.redis, clock).list('default')).toHaveLength(2);
    await adoptOlderRecords(store.redis, clock.nowMs + 1);
    await store.redis.del('{ph:accounts}:form');
    await adoptOlderRecords(store.redis, clock.nowMs + 1);
    expect(await AccountsStore.dump(store.redis)).toEqual(adopted);
  });
});
