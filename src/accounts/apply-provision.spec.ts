import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { AccountsStore, MovableClock } from '../../test/accounts/accounts-store.js';
import { Accounts } from './accounts.js';
import { DkimKeys } from './dkim-keys.js';
import { ProvisionKeys } from './provision-keys.js';
import { applyProvision, type ProvisionOutcome } from './apply-provision.js';
import { Credentials } from './credentials.js';
import { hashSecret } from './secrets.js';
import { DomainChecks } from './domain-checks.js';
import { domainAfterCheck, FAILING_GRACE_MS } from './domain-state.js';
import { domainsKey, maySendAs, SendingDomains, verifiedDomain } from './sending-domains.js';

const SECRET = 's'.repeat(43);
const OTHER_SECRET = 'o'.repeat(43);

const smtp = { kind: 'smtp', user: 'web@shop.example', hash: `sha256:${hashSecret(SECRET)}` };
const api = { kind: 'api', hash: `sha256:${hashSecret(`ph_${SECRET}`)}`, scopes: ['send'] };
const verified = { name: 'shop.example', assumeVerified: true };
const shop = { name: 'shop', domains: [verified], credentials: [smtp, api] };

let store: AccountsStore;
let clock: MovableClock;
let accounts: Accounts;
let credentials: Credentials;
let domains: SendingDomains;
let dkimKeys: DkimKeys;

beforeAll(async () => {
  store = await AccountsStore.start();
});

beforeEach(async () => {
  await store.empty();
  forgotten = [];
  clock = new MovableClock();
  accounts = new Accounts(store.redis, clock);
  credentials = new Credentials(store.redis, clock);
  domains = new SendingDomains(store.redis, clock);
  dkimKeys = new DkimKeys(store.redis, clock);
});

afterAll(async () => {
  await store.stop();
});

async function apply(wanted: readonly object[]): Promise<ProvisionOutcome> {
  const file = join(store.directory, 'p.yaml');
  writeFileSync(file, stringify({ accounts: wanted }));
  // Later than before: what is written again would be seen by its time.
  clock.nowMs += 1_000;
  return applyProvision(store.redis, file, clock.nowMs, new ProvisionKeys(dkimKeys), forget);
}

let forgotten: string[] = [];
const forget = async (account: string): Promise<void> => {
  forgotten.push(`${account} ${(await accounts.get(account)) ? 'before' : 'after'}`);
};

const dump = (): Promise<Record<string, string>> => AccountsStore.dump(store.redis);
const applied = (changed: number): ProvisionOutcome => ({ kind: 'applied', changed });

describe('a provisioning file', () => {
  it('makes accounts, domains and credentials that work', async () => {
    expect(await apply([{ ...shop, onLimit: 'hold' }, { name: 'empty' }])).toEqual(applied(5));
    expect(await accounts.get('shop')).toMatchObject({ onLimit: 'hold', provisioned: true, state: 'active' });
    expect(await domains.list('shop')).toEqual([
      expect.objectContaining({ name: 'shop.example', state: 'verified', verifiedBy: 'operator', provisioned: true }),
    ]);
    expect(await credentials.checkSmtp('Web@shop.example', SECRET)).toMatchObject({ account: 'shop' });
    const caller = await credentials.checkApiKey(`ph_${SECRET}`);
    expect(caller).toMatchObject({ account: 'shop', scopes: ['send'] });
    expect(caller && (await credentials.recent(caller)) !== undefined).toBe(true);
    expect(await credentials.list('shop')).toHaveLength(2);
  });

  it('changes nothing when it is applied a second time, nor by several at once', async () => {
    const wanted = [
      { ...shop, watch: { action: 'suspend' }, domains: [verified, { name: 'other.example' }] },
      { name: 'two', limits: { messages: { perHour: 5 } } },
    ];
    await Promise.all([apply(wanted), apply(wanted), apply(wanted)]);
    const before = await dump();
    expect(await apply(wanted)).toEqual(applied(0));
    expect(await dump()).toEqual(before);
  });

  it('changes what differs, and that alone', async () => {
    await apply([shop, { name: 'two' }]);
    const [first] = await credentials.list('shop');
    const two = await accounts.get('two');
    const changed = { ...shop, limits: { messageBytes: 5 }, credentials: [{ ...smtp, name: 'web' }, api] };
    expect(await apply([changed, { name: 'two' }])).toEqual(applied(2));
    expect((await accounts.get('shop'))?.limits).toEqual({ messageBytes: 5 });
    expect(await credentials.list('shop')).toContainEqual(expect.objectContaining({ id: first?.id }));
    expect(await accounts.get('two')).toEqual(two);
  });

  it('takes away what it made before and no longer names', async () => {
    const before = await dump();
    await apply([shop, { name: 'two', domains: [verified] }]);
    expect(await apply([{ ...shop, domains: [], credentials: [api] }, { name: 'two' }])).toEqual(applied(3));
    expect(await credentials.checkSmtp('web@shop.example', SECRET)).toBeUndefined();
    expect(await domains.list('two')).toEqual([]);
    expect(await apply([])).toEqual(applied(3));
    expect(await dump()).toEqual(before);
  });

  it('makes another credential of one with another secret, so that old sessions end', async () => {
    await apply([shop]);
    const old = await credentials.checkSmtp('web@shop.example', SECRET);
    const rotated = { ...smtp, hash: `sha256:${hashSecret(OTHER_SECRET)}` };
    expect(await apply([{ ...shop, credentials: [rotated, api] }])).toEqual(applied(1));
    expect(await credentials.checkSmtp('web@shop.example', SECRET)).toBeUndefined();
    expect(await credentials.checkSmtp('web@shop.example', OTHER_SECRET)).toMatchObject({ account: 'shop' });
    expect(old && (await credentials.recent(old)) !== undefined).toBe(false);
  });

  it('moves a credential from one account to another', async () => {
    await apply([shop, { name: 'two' }]);
    await apply([
      { ...shop, credentials: [api] },
      { name: 'two', credentials: [smtp] },
    ]);
    expect(await credentials.checkSmtp('web@shop.example', SECRET)).toMatchObject({ account: 'two' });
    expect(await credentials.list('shop')).toHaveLength(1);
    expect(await credentials.list('two')).toHaveLength(1);
  });

  it('leaves alone what was made by hand, and the account that holds it', async () => {
    await accounts.create('hand');
    await apply([shop]);
    await credentials.create('shop', { kind: 'smtp', user: 'hand@shop.example', scopes: ['smtp'] });
    await domains.add('shop', verifiedDomain('hand.example', clock.now()), undefined);
    const byHand = (await credentials.list('shop')).filter(({ user }) => user?.startsWith('hand'));
    await apply([]);
    const kept = await accounts.get('shop');
    expect(kept).toMatchObject({ name: 'shop' });
    expect(kept).not.toHaveProperty('provisioned');
    expect(await credentials.list('shop')).toEqual(byHand);
    expect((await domains.list('shop')).map(({ name }) => name)).toEqual(['hand.example']);
    expect(await accounts.get('hand')).toBeDefined();
    expect(await apply([])).toEqual(applied(0));
  });

  it('sets an account and a domain that were made by hand, and leaves them when it no longer names them', async () => {
    await accounts.create('shop', { onLimit: 'hold' });
    await accounts.suspend('shop', 'unpaid');
    await domains.add('shop', { name: 'shop.example', state: 'pending', addedAt: clock.now() }, undefined);
    const settled = { name: 'shop', domains: [verified, { name: 'file.example' }] };
    expect(await apply([settled])).toEqual(applied(3));
    expect(await accounts.get('shop')).toMatchObject({ onLimit: 'refuse', state: 'suspended' });
    expect(await domains.get('shop', 'shop.example')).toMatchObject({ state: 'verified', verifiedBy: 'operator' });
    expect(await apply([settled])).toEqual(applied(0));
    expect(await apply([])).toEqual(applied(2));
    expect((await domains.list('shop')).map(({ name }) => name)).toEqual(['shop.example']);
    expect(await accounts.get('shop')).not.toHaveProperty('namedInProvision');
    expect(await apply([])).toEqual(applied(0));
  });

  it('has what others keep of an account forgotten with it, and of none that stays', async () => {
    await apply([shop, { name: 'bakery' }]);
    await accounts.create('hand');
    await apply([{ name: 'bakery' }]);
    expect(forgotten).toEqual(['shop before', 'shop after']);
  });

  it('has what it makes checked within a minute, and no more what it takes away', async () => {
    const wanted = { name: 'shop', domains: [verified, { name: 'new.example' }, { name: '*', assumeVerified: true }] };
    await apply([wanted]);
    const checks = new DomainChecks(store.redis);
    for (const { name } of wanted.domains.slice(0, 2)) {
      expect(await checks.dueAt({ account: 'shop', name })).toBe(clock.nowMs + 60_000);
    }
    expect(await checks.dueAt({ account: 'shop', name: '*' })).toBeUndefined();
    await apply([{ name: 'shop', domains: [verified] }]);
    expect(await checks.dueAt({ account: 'shop', name: 'new.example' })).toBeUndefined();
  });

  it('lets a domain that loses its word send until DNS has had its time', async () => {
    await apply([shop]);
    const unvouched = { ...shop, domains: [{ name: 'shop.example' }] };
    expect(await apply([unvouched])).toEqual(applied(1));
    const since = clock.nowMs;
    const lost = await domains.get('shop', 'shop.example');
    expect(lost).toMatchObject({ state: 'failing', verifiedBy: 'dns', stateSince: since });
    expect(maySendAs(await domains.list('shop'), 'shop.example')).toBe(true);
    expect(await new DomainChecks(store.redis).dueAt({ account: 'shop', name: 'shop.example' })).toBe(since + 60_000);
    expect(await apply([unvouched])).toEqual(applied(0));
    const gone = { dkim: 'gone', returnPath: 'gone' } as const;
    const later = lost && domainAfterCheck(lost, gone, since + FAILING_GRACE_MS);
    expect(later?.state).toBe('unverified');
  });

  it('has the keys of a domain sign that waited for DNS when it gives its word', async () => {
    await apply([{ name: 'shop', domains: [{ name: 'shop.example' }] }]);
    await dkimKeys.ensure('shop', 'shop.example', 'pending');
    expect(await dkimKeys.signingKeys('shop', 'shop.example')).toEqual([]);
    expect(await apply([{ name: 'shop', domains: [verified] }])).toEqual(applied(1));
    expect(await dkimKeys.signingKeys('shop', 'shop.example')).toHaveLength(2);
  });

  it('does not undo what DNS said of a domain since', async () => {
    const pending = { ...shop, domains: [{ name: 'shop.example' }] };
    await apply([pending]);
    const known = await domains.get('shop', 'shop.example');
    const byDns = { ...known, state: 'verified', verifiedBy: 'dns' };
    await store.redis.hset(domainsKey('shop'), 'shop.example', JSON.stringify(byDns));
    expect(await apply([pending])).toEqual(applied(0));
    expect(await domains.get('shop', 'shop.example')).toEqual(byDns);
  });

  it('is refused with the lines where it meets what was made by hand, and changes nothing', async () => {
    await accounts.create('hand');
    const made = await credentials.create('hand', { kind: 'smtp', user: 'WEB@shop.example', scopes: ['smtp'] });
    if (made.kind !== 'created') throw new Error(made.kind);
    await apply([{ name: 'before' }]);
    const before = await dump();
    const outcome = await apply([shop]);
    expect(outcome).toEqual({
      kind: 'faults',
      faults: [
        expect.stringMatching(
          new RegExp(
            `/p\\.yaml:8: accounts\\.0\\.credentials\\.0\\.user: must be another user: the account hand has this one, ` +
              `made by hand \\(\\./posthorn credential remove ${made.credential.id} --account hand`,
          ),
        ),
      ],
    });
    expect(await dump()).toEqual(before);
  });

  it('is refused whole where any of it is wrong, and changes nothing', async () => {
    await apply([shop]);
    const before = await dump();
    expect(await apply([{ name: 'new' }, { name: 'not a name' }])).toMatchObject({ kind: 'faults' });
    expect(await dump()).toEqual(before);
  });

  it('meets changes by hand in the middle of it without losing any', async () => {
    for (let i = 0; i < 10; i++) {
      await apply([shop]);
      const [outcome, made] = await Promise.all([
        apply([]),
        credentials.create('shop', { kind: 'api', scopes: ['send'] }),
      ]);
      expect(outcome.kind).toBe('applied');
      const isThere = (await accounts.get('shop')) !== undefined;
      expect(isThere).toBe(made.kind === 'created');
      if (made.kind === 'created') expect(await credentials.checkApiKey(made.secret)).toBeDefined();
      await accounts.remove('shop');
    }
  });

  it('makes the keys that it names sign, once', async () => {
    const writeKey = (): void => {
      const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
      writeFileSync(join(store.directory, 'key.pem'), pem);
    };
    writeKey();
    const signed = { name: 'shop.example', dkim: { selector: 's1', privateKeyFile: 'key.pem' } };
    const wanted = [{ name: 'shop', domains: [signed] }];
    expect(await apply(wanted)).toEqual(applied(3));
    expect(await dkimKeys.list('shop', 'shop.example')).toContainEqual(
      expect.objectContaining({ selector: 's1', state: 'active', imported: true }),
    );
    expect(await apply(wanted)).toEqual(applied(0));
    writeKey();
    const before = await dump();
    expect(await apply([...wanted, { name: 'other' }])).toMatchObject({
      kind: 'faults',
      faults: [expect.stringMatching(/privateKeyFile: must name the key that signs under s1 already/)],
    });
    expect(await dump()).toEqual(before);
  });

  it('leaves a key that it names rotated away, also once that is retired', async () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(store.directory, 'key.pem'), pem);
    const signed = { ...verified, dkim: { selector: 's1', privateKeyFile: 'key.pem' } };
    const wanted = [{ name: 'shop', domains: [signed] }];
    await apply(wanted);
    const next = await dkimKeys.rotate('shop', 'shop.example');
    await dkimKeys.published('shop', 'shop.example', new Set(next.map(({ selector }) => selector)));
    clock.nowMs += 7 * 24 * 3_600_000;
    await dkimKeys.retireDue('shop', 'shop.example');
    expect(await dkimKeys.find('shop', 'shop.example', 's1')).toMatchObject({ state: 'retired' });
    expect(await apply(wanted)).toEqual(applied(0));
    const states = (await dkimKeys.list('shop', 'shop.example')).map(({ state }) => state);
    expect(states).toEqual(['active', 'active']);
  });
});
