/** What a session that was let in may still do once its account or its credential has changed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { AccountsStore, MovableClock } from '../../test/accounts/accounts-store.js';
import { Accounts } from '../accounts/accounts.js';
import { applyProvision } from '../accounts/apply-provision.js';
import { Credentials, type Credential } from '../accounts/credentials.js';
import { DkimKeys } from '../accounts/dkim-keys.js';
import { ProvisionKeys } from '../accounts/provision-keys.js';
import { hashSecret } from '../accounts/secrets.js';
import { SenderStanding } from './sender-standing.js';

const SECRET = 's'.repeat(43);

let store: AccountsStore;
let clock: MovableClock;
let credentials: Credentials;
let standing: SenderStanding;

beforeAll(async () => {
  store = await AccountsStore.start();
});

beforeEach(async () => {
  await store.empty();
  clock = new MovableClock();
  credentials = new Credentials(store.redis, clock);
  standing = new SenderStanding(new Accounts(store.redis, clock), credentials);
});

afterAll(async () => {
  await store.stop();
});

async function provision(given: object): Promise<void> {
  const smtp = { kind: 'smtp', user: 'web@shop.example', hash: `sha256:${hashSecret(SECRET)}`, ...given };
  const file = join(store.directory, 'p.yaml');
  writeFileSync(file, stringify({ accounts: [{ name: 'shop', credentials: [smtp] }] }));
  clock.nowMs += 1_000;
  await applyProvision(store.redis, file, clock.nowMs, new ProvisionKeys(new DkimKeys(store.redis, clock)), () =>
    Promise.resolve(),
  );
}

async function loggedIn(): Promise<Credential> {
  const credential = await credentials.checkSmtp('web@shop.example', SECRET);
  if (!credential) throw new Error('it opens nothing');
  return credential;
}

describe('an open session', () => {
  it('is held to the limits of its credential as they are now', async () => {
    await provision({ limits: { perHour: 5 } });
    const shown = await loggedIn();
    expect(await standing.of('shop', shown)).toMatchObject({ kind: 'good', credential: { limits: { perHour: 5 } } });
    await provision({ limits: { perHour: 2 } });
    expect(await standing.of('shop', shown)).toMatchObject({
      kind: 'good',
      credential: { id: shown.id, limits: { perHour: 2 } },
    });
    await provision({});
    expect(await standing.of('shop', shown)).toMatchObject({
      kind: 'good',
      credential: expect.not.objectContaining({ limits: expect.anything() }),
    });
  });

  it('ends with the scope smtp', async () => {
    await provision({});
    const shown = await loggedIn();
    expect((await standing.of('shop', shown)).kind).toBe('good');
    await provision({ scopes: ['mailbox'] });
    expect(await standing.of('shop', shown)).toMatchObject({ refusal: { cause: 'credential_revoked' } });
  });
});
