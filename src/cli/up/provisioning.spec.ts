import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccountsStore, MovableClock } from '../../../test/accounts/accounts-store.js';
import { Accounts } from '../../accounts/accounts.js';
import { AccountTraces } from '../../bounces/account-traces.js';
import { Credentials } from '../../accounts/credentials.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { ProvisionKeys } from '../../accounts/provision-keys.js';
import { hashSecret } from '../../accounts/secrets.js';
import { SystemClock } from '../../mail/clock.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { Provisioning } from './provisioning.js';

const FOLLOWED_WITHIN_MS = 20_000;

let store: AccountsStore;
let file: string;
let metrics: Metrics;
let provisioning: Provisioning;

beforeAll(async () => {
  store = await AccountsStore.start();
  file = join(store.directory, 'accounts.yaml');
});

beforeEach(async () => {
  await store.empty();
  metrics = new Metrics();
  const log = Log.open({ level: 'error', addresses: 'full', process: 'test' });
  const keys = new ProvisionKeys(new DkimKeys(store.redis, new SystemClock()));
  provisioning = new Provisioning(file, store.redis, keys, new AccountTraces(store.redis, new SystemClock()), {
    metrics,
    log,
  });
});

afterAll(async () => {
  await store.stop();
});

function provide(text: string): void {
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
}

async function counted(outcome: string): Promise<number> {
  const { values } = await metrics.provisioning.get();
  return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
}

async function untilCounted(outcome: string, count: number): Promise<void> {
  const giveUpAt = Date.now() + FOLLOWED_WITHIN_MS;
  while ((await counted(outcome)) !== count && Date.now() < giveUpAt) await sleep(20);
  expect(await counted(outcome)).toBe(count);
}

describe('the provisioning of a running service', () => {
  it('follows the file, and what stood in its way until that is gone', async () => {
    const clock = new MovableClock();
    await new Accounts(store.redis, clock).create('hand');
    const credentials = new Credentials(store.redis, clock);
    const made = await credentials.create('hand', { kind: 'smtp', user: 'a@b.example', scopes: ['smtp'] });
    if (made.kind !== 'created') throw new Error(made.kind);
    provide('accounts: []');
    expect(await provisioning.apply()).toEqual({ kind: 'applied', changed: 0 });
    provisioning.watch();
    try {
      const smtp = `{ kind: smtp, user: a@b.example, hash: "sha256:${hashSecret('x')}" }`;
      provide(`accounts: [{ name: shop, credentials: [${smtp}] }]`);
      await untilCounted('failed', 1);
      await credentials.remove('hand', made.credential.id);
      await untilCounted('changed', 1);
      expect(await new Accounts(store.redis, clock).get('shop')).toBeDefined();
      // Told once, however often it was looked at.
      expect(await counted('failed')).toBe(1);
    } finally {
      await provisioning.stop();
    }
  });

  it('ends at once, watched or not', async () => {
    await provisioning.stop();
    provisioning.watch();
    await provisioning.stop();
  });
});
