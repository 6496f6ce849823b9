/** What is said of each record of a sending domain, with a real resolver before a scripted DNS. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DkimKeyInfo } from '../../src/accounts/dkim-keys.js';
import { domainRecords, returnPathDomain, type DomainRecord } from '../../src/accounts/domain-records.js';
import { judgeDkim } from '../../src/accounts/judge-dkim.js';
import { verifyDomain, type Finding } from '../../src/accounts/verify-domain.js';
import { startDns, type ScriptedDns } from '../../src/cli/demo/scripted-dns.js';
import { askThrough, type AskDns } from '../../src/network/ask-dns.js';
import { DnsResolver } from '../../src/network/dns-resolver.js';
import { RELAY } from './relay-names.js';

const DOMAIN = 'example.org';
const P = 'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A'.repeat(12);
const VALUE = `v=DKIM1; k=rsa; p=${P}`;
const SELECTOR = `s1._domainkey.${DOMAIN}`;
const RETURN_PATH = `ph-bounces.${DOMAIN}`;

const key: DkimKeyInfo = {
  selector: 's1',
  algorithm: 'rsa-sha256',
  state: 'active',
  createdAt: 0,
  changedAt: 0,
  record: { name: SELECTOR, value: VALUE },
};

let dns: ScriptedDns;
let ask: AskDns;
const names = new Set<string>();

beforeAll(async () => {
  dns = await startDns();
  ask = askThrough(new DnsResolver([dns.server]));
});

afterEach(() => {
  for (const name of names) dns.delete(name);
  names.clear();
});

afterAll(() => dns.close());

function publish(name: string, type: 'TXT' | 'CNAME' | 'A', ...values: string[]): void {
  names.add(name);
  dns.set(name, type, values);
}

async function finding(purpose: DomainRecord['purpose']): Promise<Finding> {
  const findings = await verifyDomain(DOMAIN, domainRecords(DOMAIN, [key], RELAY), RELAY, ask);
  const found = findings.find(({ record }) => record.purpose === purpose);
  if (!found) throw new Error(`there is no record for ${purpose}`);
  return found;
}

describe('the DKIM record', () => {
  it.each([
    ['as it is to be', VALUE],
    ['with other white space', ` v = DKIM1 ;k=rsa;  p = ${P.slice(0, 99)} ${P.slice(99)} ; `],
    ['with tags that we do not set', `v=DKIM1; h=sha1:sha256; k=rsa; s=email; t=s; n=hello; p=${P}`],
    ['without k=', `v=DKIM1; p=${P}`],
  ])('is fine %s', async (_, value) => {
    publish(SELECTOR, 'TXT', value);
    expect(await finding('dkim')).toMatchObject({ status: 'ok', found: [value] });
    expect((await finding('dkim')).todo).toBeUndefined();
  });

  it.each([
    ['without v=', `k=rsa; p=${P}`, 'v=DKIM1'],
    ['for tests', `v=DKIM1; t=y:s; p=${P}`, 't=y'],
  ])('works, with a word of advice, %s', async (_, value, advice) => {
    publish(SELECTOR, 'TXT', value);
    expect(await finding('dkim')).toMatchObject({ status: 'ok', todo: expect.stringContaining(advice) });
  });

  it.each([
    ['a quote inside', `v=DKIM1; k=rsa; p="${P}"`, 'quotation mark'],
    ['a backslash inside', `v=DKIM1\\; k=rsa\\; p=${P}`, 'backslash'],
    ['a key that is cut off', `v=DKIM1; k=rsa; p=${P.slice(0, 230)}`, 'cut off'],
    ['another key', `v=DKIM1; k=rsa; p=AAAA${P.slice(4)}`, 'another key'],
    ['a revoked key', 'v=DKIM1; k=rsa; p=', 'revoked'],
    ['no key', 'v=DKIM1; k=rsa', 'no p='],
    ['v= in another place', `k=rsa; v=DKIM1; p=${P}`, 'must begin with v=DKIM1'],
    ['another version', `v=DKIM2; p=${P}`, 'must begin with v=DKIM1'],
    ['another type', `v=DKIM1; k=ed25519; p=${P}`, 'must have k=rsa'],
    ['another hash', `v=DKIM1; h=sha1; p=${P}`, 'h= must allow sha256'],
    ['another service', `v=DKIM1; s=tlsrpt; p=${P}`, 's= must allow email'],
    ['something else', 'hello there', 'tag=value'],
    ['a tag twice', `v=DKIM1; p=${P}; p=${P}`, 'tag=value'],
  ])('is wrong with %s', async (_, value, todo) => {
    publish(SELECTOR, 'TXT', value);
    expect(await finding('dkim')).toMatchObject({ status: 'wrong', todo: expect.stringContaining(todo) });
  });

  it('is wrong beside another, and where it was cut into several records', async () => {
    publish(SELECTOR, 'TXT', VALUE, 'v=spf1 -all');
    expect(await finding('dkim')).toMatchObject({ status: 'wrong', todo: expect.stringContaining('2 TXT records') });
    publish(SELECTOR, 'TXT', VALUE.slice(0, 200), VALUE.slice(200));
    expect(await finding('dkim')).toMatchObject({ status: 'wrong', todo: expect.stringContaining('cut into several') });
  });

  it('is missing, unless it is found under its name and the zone once more, or as another type', async () => {
    expect(await finding('dkim')).toMatchObject({ status: 'missing', found: [] });
    publish(`${SELECTOR}.${DOMAIN}`, 'TXT', VALUE);
    expect(await finding('dkim')).toMatchObject({
      status: 'wrong',
      todo: expect.stringContaining(`adds ${DOMAIN} by itself`),
      found: [`TXT ${VALUE}`],
    });
    dns.delete(`${SELECTOR}.${DOMAIN}`);
    publish(SELECTOR, 'CNAME', 'nowhere.example');
    expect(await finding('dkim')).toMatchObject({ status: 'wrong', todo: expect.stringContaining('type CNAME') });
  });

  it('is read through a CNAME', async () => {
    publish(SELECTOR, 'CNAME', 'keys.example.net');
    publish('keys.example.net', 'TXT', VALUE);
    expect((await finding('dkim')).status).toBe('ok');
  });

  it('is unknown where DNS fails', async () => {
    names.add(SELECTOR);
    dns.fail(SELECTOR, 'SERVFAIL');
    expect(await finding('dkim')).toMatchObject({ status: 'unknown', todo: expect.stringContaining('ESERVFAIL') });
  });

  it('is fine only with the whole key, whatever else stands there', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { maxLength: 3 }), (texts) => {
        expect(judgeDkim(VALUE, texts).status).toBe('wrong');
      }),
    );
  });
});

describe('the return path', () => {
  it.each(['bounces.relay.example', 'Bounces.Relay.EXAMPLE'])('is fine as %s', async (target) => {
    publish(RETURN_PATH, 'CNAME', target);
    expect((await finding('return_path')).status).toBe('ok');
  });

  it.each([
    ['CNAME', 'other.example', 'let it point to bounces.relay.example'],
    ['CNAME', `bounces.relay.example.${DOMAIN}`, 'with a dot at its end'],
    ['A', '192.0.2.1', 'a record of type A stands there'],
    ['TXT', 'bounces.relay.example', 'a record of type TXT stands there'],
  ] as const)('is wrong as %s %s', async (type, value, todo) => {
    publish(RETURN_PATH, type, value);
    expect(await finding('return_path')).toMatchObject({ status: 'wrong', todo: expect.stringContaining(todo) });
  });

  it('needs no record where the bounce domain lies below the domain', () => {
    const purposes = (domain: string) => domainRecords(domain, [key], RELAY).map(({ purpose }) => purpose);
    expect(purposes('relay.example')).not.toContain('return_path');
    expect(purposes('lay.example')).toContain('return_path');
    expect(domainRecords('*', [key], RELAY)).toEqual([]);
  });

  it('is the own one as soon as DNS shows it', () => {
    const own = (returnPath: 'verified' | 'pending') =>
      returnPathDomain([{ name: DOMAIN, state: 'verified', addedAt: 0, returnPath }], DOMAIN, RELAY.bounceDomain);
    expect([own('pending'), own('verified')]).toEqual(['bounces.relay.example', RETURN_PATH]);
    expect(returnPathDomain([], 'relay.example', RELAY.bounceDomain)).toBe('bounces.relay.example');
  });
});

describe('SPF at the return path', () => {
  it.each([
    'v=spf1 a:relay.example ~all',
    'V=SPF1  +a:Relay.Example. -all',
    'v=spf1 ip4:192.0.2.0/24 -all',
    'v=spf1 ip6:2001:db8::/32 ip4:192.0.2.1 -all',
  ])('is fine as %j', async (value) => {
    publish('relay.example', 'A', '192.0.2.1');
    publish('bounces.relay.example', 'TXT', 'something else', value);
    expect(await finding('spf')).toMatchObject({ status: 'ok', found: [value] });
    expect((await finding('spf')).todo).toBeUndefined();
  });

  it.each([
    ['v=spf1 include:_spf.example.net -all', 'include:_spf.example.net'],
    ['v=spf1 redirect=_spf.example.net', 'redirect=_spf.example.net'],
    ['v=spf1 mx -all', '"mx"'],
  ])('cannot be told of %j, and says so', async (value, advice) => {
    publish('bounces.relay.example', 'TXT', value);
    expect(await finding('spf')).toMatchObject({ status: 'ok', todo: expect.stringContaining(advice) });
  });

  it.each([
    [['v=spf1 -all'], 'add a:relay.example'],
    [['v=spf1 -a:relay.example ~all'], 'add a:relay.example'],
    [['v=spf1 ip4:198.51.100.0/24 ip4:nonsense/99 -all'], 'add a:relay.example'],
    [['v=spf1 a:relay.example +all'], '+all lets everybody send'],
    [['v=spf1 a:relay.example ~all', 'v=spf1 mx -all'], 'join them into one'],
  ])('is wrong as %j', async (values, todo) => {
    publish('relay.example', 'A', '192.0.2.1');
    publish('bounces.relay.example', 'TXT', ...values);
    expect(await finding('spf')).toMatchObject({ status: 'wrong', todo: expect.stringContaining(todo) });
  });
});

describe('DMARC', () => {
  it("is fine as anybody's record, also the parent's", async () => {
    publish(`_dmarc.${DOMAIN}`, 'TXT', 'v=DMARC1;p=reject; sp=none');
    expect((await finding('dmarc')).status).toBe('ok');
    const records = domainRecords(`mail.${DOMAIN}`, [], RELAY);
    const findings = await verifyDomain(`mail.${DOMAIN}`, records, RELAY, ask);
    expect(findings.find(({ record }) => record.purpose === 'dmarc')?.status).toBe('ok');
  });

  it.each([
    [['v=DMARC1; rua=mailto:a@b.example'], 'wrong', 'p=none'],
    [['v=DMARC1; p=none', 'v=DMARC1; p=reject'], 'wrong', 'leave one'],
    [['p=none; v=DMARC1'], 'missing', 'publish it'],
  ])('%j is %s', async (values, status, todo) => {
    publish(`_dmarc.${DOMAIN}`, 'TXT', ...values);
    expect(await finding('dmarc')).toMatchObject({ status, todo: expect.stringContaining(todo) });
  });
});

it('shows what others publish in bounds, and printable', async () => {
  publish(SELECTOR, 'TXT', ...Array.from({ length: 9 }, (_, index) => `${index}\x1b[31m${'x'.repeat(2_000)}`));
  const { found } = await finding('dkim');
  expect(found).toHaveLength(5);
  for (const text of found) expect(text).toMatch(/^[\x20-\x7e]{1,610}$/);
});
