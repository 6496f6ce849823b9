/** Sending domains over time: their checks come round, are shared, and change what they must and nothing else. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DomainCheck } from '../../src/accounts/check-domain.js';
import { FAILING_GRACE_MS } from '../../src/accounts/domain-state.js';
import { DOMAINS_PER_ACCOUNT_MAX, domainsKey, verifiedDomain } from '../../src/accounts/sending-domains.js';
import { publishRecord } from './publish-record.js';
import { ACCOUNT, SmallRegistry } from './small-registry.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let small: SmallRegistry;

beforeEach(async () => {
  small = await SmallRegistry.start();
});

afterEach(() => small.stop());

async function addPending(name: string): Promise<void> {
  expect((await small.registry.add(ACCOUNT, name, false)).kind).toBe('added');
}

/** Moves the clock, and makes the checks that are due then. */
async function later(ms: number): Promise<number> {
  small.clock.time += ms;
  return small.keeper().runDue();
}

function statusesOf(check: DomainCheck | undefined, purpose: string): readonly string[] {
  return (check?.findings ?? []).filter(({ record }) => record.purpose === purpose).map(({ status }) => status);
}

async function withdraw(name: string): Promise<void> {
  for (const record of await small.recordsOf(name)) small.dns.delete(record.name);
}

describe('a domain that is added', () => {
  it('is verified by the first check that finds its key, and that is told', async () => {
    await addPending('shop.example');
    expect(await later(30_000)).toBe(0);
    expect(await later(30_000)).toBe(1);
    expect(await small.stateOf('shop.example')).toBe('pending');
    await small.publish('shop.example');
    expect(await later(30_000)).toBe(0);
    expect(await later(30_000)).toBe(1);
    expect(await small.domains.get(ACCOUNT, 'shop.example')).toMatchObject({
      state: 'verified',
      verifiedBy: 'dns',
      stateSince: small.clock.time,
      returnPath: 'verified',
    });
    expect(await small.accountLog.list(ACCOUNT, 10)).toEqual([
      {
        id: expect.any(String),
        type: 'domain.status_changed',
        at: small.clock.time,
        domain: 'shop.example',
        from: 'pending',
        to: 'verified',
        because: expect.stringMatching(/^DNS shows the key at ph\d{8}-[a-z2-7]{4}\._domainkey\.shop\.example$/),
      },
    ]);
    const { values } = await small.metrics.domainChecks.get();
    expect(values.map(({ labels, value }) => [labels.state, value])).toEqual([
      ['pending', 1],
      ['verified', 1],
    ]);
  });

  it('may go on sending for 72 hours after its key has gone, and is told from and to', async () => {
    await addPending('shop.example');
    await small.publish('shop.example');
    await later(MINUTE);
    await withdraw('shop.example');
    await later(12 * HOUR);
    expect(await small.stateOf('shop.example')).toBe('failing');
    const until = small.clock.time + FAILING_GRACE_MS;
    while (small.clock.time + HOUR < until) expect(await later(HOUR)).toBe(1);
    expect(await small.stateOf('shop.example')).toBe('failing');
    await later(HOUR);
    expect(await small.stateOf('shop.example')).toBe('unverified');
    await small.publish('shop.example');
    await later(HOUR);
    expect(await small.stateOf('shop.example')).toBe('verified');
    const told = (await small.accountLog.list(ACCOUNT, 10)).map((event) => ('to' in event ? event.to : event.type));
    expect(told).toEqual(['verified', 'failing', 'unverified', 'verified']);
  });

  it('is asked of DNS by itself only for what its state depends on, and for all where a person asks', async () => {
    await addPending('shop.example');
    await small.publish('shop.example');
    await later(MINUTE);
    expect(await small.stateOf('shop.example')).toBe('verified');
    // Long answers are asked for twice, the second time over TCP.
    const asked = () => [...new Set(small.dns.queries.map(({ name, type }) => `${name} ${type}`))];
    expect(asked().sort()).toEqual([
      'ph-bounces.shop.example CNAME',
      expect.stringMatching(/^ph\d+-.{4}\._domainkey\.shop\.example TXT$/),
      expect.stringMatching(/^ph\d+e-.{4}\._domainkey\.shop\.example TXT$/),
    ]);
    const check = await small.checkDomain().check(ACCOUNT, 'shop.example', 'all');
    expect(check?.findings.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 'ok'));
    expect(asked()).toContain('_imaps._tcp.shop.example SRV');
  });

  it('has no worse a state for want of what only mail programs look for', async () => {
    await addPending('shop.example');
    for (const record of await small.recordsOf('shop.example')) {
      if (record.purpose === 'dkim') publishRecord(small.dns, record);
      if (record.purpose === 'mail_program') small.dns.fail(record.name, 'SERVFAIL');
    }
    const check = await small.checkDomain().check(ACCOUNT, 'shop.example', 'all');
    expect(check?.domain.state).toBe('verified');
    expect(new Set(statusesOf(check, 'mail_program'))).toEqual(new Set(['unknown']));
    for (const { name } of await small.recordsOf('shop.example')) if (name.startsWith('_')) small.dns.delete(name);
    const again = await small.checkDomain().check(ACCOUNT, 'shop.example', 'all');
    expect(again?.domain.state).toBe('verified');
    expect(statusesOf(again, 'mail_program')).toContain('missing');
  });

  it('stays as it is while DNS does not answer', async () => {
    await addPending('shop.example');
    await small.publish('shop.example');
    await later(MINUTE);
    for (const { name } of await small.recordsOf('shop.example')) small.dns.fail(name, 'SERVFAIL');
    for (let days = 0; days < 5; days++) await later(DAY);
    expect(await small.domains.get(ACCOUNT, 'shop.example')).toMatchObject({
      state: 'verified',
      returnPath: 'verified',
      checkedAt: small.clock.time,
    });
  });

  it("stays the operator's where DNS shows nothing", async () => {
    await small.registry.add(ACCOUNT, 'shop.example', true);
    for (let days = 0; days < 5; days++) expect(await later(DAY)).toBe(1);
    expect(await small.domains.get(ACCOUNT, 'shop.example')).toMatchObject({
      state: 'verified',
      verifiedBy: 'operator',
    });
    expect(await small.accountLog.list(ACCOUNT, 10)).toEqual([]);
  });

  it('is checked no more when it is taken away, also during a check', async () => {
    await addPending('one.example');
    await addPending('two.example');
    await small.registry.remove(ACCOUNT, 'one.example');
    small.clock.time += MINUTE;
    const keeper = small.keeper(async (name, type) => {
      await small.registry.remove(ACCOUNT, 'two.example');
      return small.ask(name, type);
    });
    expect(await keeper.runDue()).toBe(1);
    expect(await small.domains.list(ACCOUNT)).toEqual([]);
    expect(await later(DAY)).toBe(0);
  });

  it('is not proven by the keys of a domain that was taken away and added anew during the check', async () => {
    await addPending('shop.example');
    await small.publish('shop.example');
    small.clock.time += MINUTE;
    let renewed: Promise<unknown> | undefined;
    const keeper = small.keeper(async (name, type) => {
      renewed ??= small.registry.remove(ACCOUNT, 'shop.example').then(() => {
        small.clock.time += 1;
        return addPending('shop.example');
      });
      await renewed;
      return small.ask(name, type);
    });
    await keeper.runDue();
    expect(await small.stateOf('shop.example')).toBe('pending');
  });
});

describe('checks of several processes', () => {
  it('are made once each', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `d${index}.example`);
    for (const name of names) await addPending(name);
    small.clock.time += MINUTE;
    const keepers = [small.keeper(), small.keeper(), small.keeper()];
    let made = 0;
    for (let round = 0; round < 5; round++) {
      const counts = await Promise.all(keepers.map((keeper) => keeper.runDue()));
      made += counts.reduce((sum, count) => sum + count, 0);
    }
    expect(made).toBe(names.length);
  });

  it('come back when the process that had claimed them is gone', async () => {
    await addPending('shop.example');
    small.clock.time += MINUTE;
    expect(await small.checks.claim(small.clock.time, 3 * MINUTE, 10)).toHaveLength(1);
    expect(await later(2 * MINUTE)).toBe(0);
    expect(await later(2 * MINUTE)).toBe(1);
  });

  it('end only the claim that is theirs', async () => {
    await addPending('shop.example');
    small.clock.time += MINUTE;
    const [claim] = await small.checks.claim(small.clock.time, MINUTE, 10);
    if (!claim) throw new Error('nothing was due');
    const domain = { account: ACCOUNT, name: 'shop.example' };
    await small.checks.plan(domain, small.clock.time);
    await small.checks.finish(claim, small.clock.time + DAY);
    expect(await small.checks.dueAt(domain)).toBe(small.clock.time);
  });

  it('are planned for domains that were there before', async () => {
    await small.accounts.create(ACCOUNT);
    const old = verifiedDomain('shop.example', 0);
    await small.redis.hset(
      domainsKey(ACCOUNT),
      'shop.example',
      JSON.stringify(old),
      '*',
      JSON.stringify(verifiedDomain('*', 0)),
    );
    await small.keeper().adopt();
    const due = await small.checks.dueAt({ account: ACCOUNT, name: 'shop.example' });
    expect(due).toBeGreaterThan(small.clock.time);
    small.clock.time += MINUTE;
    await small.keeper().adopt();
    expect(await small.checks.dueAt({ account: ACCOUNT, name: 'shop.example' })).toBe(due);
    expect(await small.checks.dueAt({ account: ACCOUNT, name: '*' })).toBeUndefined();
    expect(await later(10 * MINUTE)).toBe(1);
  });

  it('that stop leave what they had begun to others', async () => {
    await addPending('shop.example');
    small.clock.time += MINUTE;
    const keeper = small.keeper(async () => {
      void keeper.stop();
      return Promise.resolve({ kind: 'unknown', why: 'ECANCELLED' });
    });
    await keeper.runDue();
    expect(await later(3 * MINUTE)).toBe(1);
  });
});

describe('changes of a domain', () => {
  it('are none of them lost where several processes make them', async () => {
    await addPending('shop.example');
    const added = await small.domains.get(ACCOUNT, 'shop.example');
    const count = (domain: { readonly addedAt: number }) => domain.addedAt - (added?.addedAt ?? 0);
    await Promise.all(
      Array.from({ length: 10 }, () =>
        small.domains.change(ACCOUNT, 'shop.example', (domain) => ({ ...domain, addedAt: domain.addedAt + 1 })),
      ),
    );
    const after = await small.domains.get(ACCOUNT, 'shop.example');
    expect(after && count(after)).toBe(10);
  });

  it('do not bring back what is gone', async () => {
    expect(await small.domains.change(ACCOUNT, 'shop.example', (domain) => domain)).toBeUndefined();
    expect(await small.domains.list(ACCOUNT)).toEqual([]);
  });
});

it('takes no more domains than an account may have', async () => {
  const full = Array.from({ length: DOMAINS_PER_ACCOUNT_MAX }, (_, index) => [`d${index}.example`, '{}']).flat();
  await small.redis.hset(domainsKey(ACCOUNT), ...full);
  expect(await small.registry.add(ACCOUNT, 'shop.example', true)).toEqual({ kind: 'refused', why: 'too_many' });
  expect(await small.domains.get(ACCOUNT, 'shop.example')).toBeUndefined();
});
