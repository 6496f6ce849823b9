import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AccountsStore, MovableClock } from '../../test/accounts/accounts-store.js';
import { Accounts } from './accounts.js';
import { Credentials } from './credentials.js';
import { createFirstAccountOnce, FIRST_CREDENTIALS_FILE, type FirstCredentials } from './first-start.js';

let store: AccountsStore;
let file: string;
const clock = new MovableClock();

beforeAll(async () => {
  store = await AccountsStore.start();
  file = join(store.directory, FIRST_CREDENTIALS_FILE);
});

beforeEach(async () => {
  await store.empty();
  rmSync(file, { force: true });
});

afterAll(async () => {
  await store.stop();
});

function start(): Promise<FirstCredentials | undefined> {
  const options = { dataDir: store.directory, domain: 'example.org', hostname: 'relay.example', nowMs: clock.nowMs };
  return createFirstAccountOnce(store.redis, options);
}

describe('the first account', () => {
  it('is made once, with credentials that are listed and work', async () => {
    const first = await start();
    if (!first) throw new Error('not made');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(first);
    expect(await start()).toBeUndefined();
    const credentials = new Credentials(store.redis, clock);
    expect(await credentials.checkApiKey(first.apiKey)).toMatchObject({ account: 'default' });
    expect(await credentials.checkSmtp(first.smtp.user, first.smtp.password)).toMatchObject({ account: 'default' });
    expect((await credentials.list('default')).map(({ kind }) => kind).sort()).toEqual(['api', 'smtp']);
  });

  it('is not made again after it was removed', async () => {
    await start();
    expect(await new Accounts(store.redis, clock).remove('default')).toBe(true);
    expect(await start()).toBeUndefined();
    expect(await new Accounts(store.redis, clock).list()).toEqual([]);
  });

  it('is not made where there is an account already, such as one that was provisioned', async () => {
    await new Accounts(store.redis, clock).create('shop');
    const before = await AccountsStore.dump(store.redis);
    expect(await start()).toBeUndefined();
    expect(await AccountsStore.dump(store.redis)).toEqual(before);
  });
});
