/** The records by which mail programs find the relay: which there are, and what is said of them before a scripted DNS. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { domainRecords, type DomainRecord } from '../../src/accounts/domain-records.js';
import { judgeServices } from '../../src/accounts/judge-target.js';
import { verifyDomain, type Finding } from '../../src/accounts/verify-domain.js';
import { startDns, type ScriptedDns } from '../../src/cli/demo/scripted-dns.js';
import { askThrough, type AskDns } from '../../src/network/ask-dns.js';
import { DnsResolver } from '../../src/network/dns-resolver.js';
import { RELAY } from './relay-names.js';

const DOMAIN = 'example.org';
const IMAPS = `_imaps._tcp.${DOMAIN}`;
const AUTOCONFIG = `autoconfig.${DOMAIN}`;

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

function records(domain = DOMAIN, relay = RELAY): readonly DomainRecord[] {
  return domainRecords(domain, [], relay).filter(({ purpose }) => purpose === 'mail_program');
}

function publishServices(name: string, ...texts: readonly string[]): void {
  names.add(name);
  const services = texts.map((text) => {
    const [priority = '', weight = '', port = '', target = ''] = text.split(' ');
    return { priority: Number(priority), weight: Number(weight), port: Number(port), name: target };
  });
  dns.set(name, 'SRV', services);
}

function publish(name: string, type: 'A' | 'AAAA' | 'CNAME', value: string): void {
  names.add(name);
  dns.set(name, type, [value]);
}

async function finding(name: string): Promise<Finding> {
  const [found] = await verifyDomain(
    DOMAIN,
    records().filter((record) => record.name === name),
    RELAY,
    ask,
  );
  if (!found) throw new Error(`there is no record ${name}`);
  return found;
}

describe('the records for mail programs', () => {
  const lines = (of: readonly DomainRecord[]) => of.map(({ name, type, value }) => `${name} ${type} ${value}`);

  it('name each service that is on, IMAP before POP3 and TLS before STARTTLS', () => {
    expect(lines(records())).toEqual([
      'autoconfig.example.org CNAME relay.example',
      '_imaps._tcp.example.org SRV 0 1 993 relay.example',
      '_imap._tcp.example.org SRV 10 1 143 relay.example',
      '_pop3s._tcp.example.org SRV 20 1 995 relay.example',
      '_pop3._tcp.example.org SRV 30 1 110 relay.example',
      '_submissions._tcp.example.org SRV 0 1 465 relay.example',
      '_submission._tcp.example.org SRV 10 1 587 relay.example',
    ]);
    expect(records().some(({ required }) => required)).toBe(false);
  });

  it('name nothing that is off', () => {
    const few = { ...RELAY, imapPort: 0, pop3sPort: 0, pop3Port: 0, submissionsPort: 0, imapsPort: 10_993 };
    expect(lines(records(DOMAIN, few))).toEqual([
      'autoconfig.example.org CNAME relay.example',
      '_imaps._tcp.example.org SRV 0 1 10993 relay.example',
      '_submission._tcp.example.org SRV 10 1 587 relay.example',
    ]);
    const none = { ...few, imapsPort: 0 };
    expect(lines(records(DOMAIN, none))).toEqual(['_submission._tcp.example.org SRV 10 1 587 relay.example']);
  });

  it('are none for any domain, and no name that points to itself', () => {
    expect(records('*')).toEqual([]);
    const relay = { ...RELAY, hostname: AUTOCONFIG };
    expect(records(DOMAIN, relay).map(({ name }) => name)).not.toContain(AUTOCONFIG);
  });
});

describe('an SRV record', () => {
  it.each(['0 1 993 relay.example', '7 0 993 Relay.EXAMPLE'])('is fine as %s', async (text) => {
    publishServices(IMAPS, text);
    expect(await finding(IMAPS)).toMatchObject({ status: 'ok', found: [text] });
    expect((await finding(IMAPS)).todo).toBeUndefined();
  });

  it('is fine beside others, with a word on them', async () => {
    publishServices(IMAPS, '5 1 993 imap.other.example', '0 1 993 relay.example');
    expect(await finding(IMAPS)).toMatchObject({ status: 'ok', todo: expect.stringContaining('lowest priority') });
  });

  it.each([
    ['0 1 993 imap.other.example', 'leave it where mail programs of this domain are to go there'],
    ['0 1 10993 relay.example', 'it names the port 10993: let it name 993'],
    [`0 1 993 relay.example.${DOMAIN}`, 'with a dot at its end'],
    ['0 0 0 .', 'no such service'],
  ])('is another as %s', async (text, todo) => {
    publishServices(IMAPS, text);
    expect(await finding(IMAPS)).toMatchObject({ status: 'wrong', found: [text], todo: expect.stringContaining(todo) });
  });

  it('is missing, unless it is found under its name and the zone once more', async () => {
    expect(await finding(IMAPS)).toMatchObject({ status: 'missing', found: [] });
    publishServices(`${IMAPS}.${DOMAIN}`, '0 1 993 relay.example');
    expect(await finding(IMAPS)).toMatchObject({
      status: 'wrong',
      todo: expect.stringContaining(`adds ${DOMAIN} by itself`),
      found: ['SRV 0 1 993 relay.example'],
    });
  });

  it('is unknown where DNS fails', async () => {
    names.add(IMAPS);
    dns.fail(IMAPS, 'SERVFAIL');
    expect(await finding(IMAPS)).toMatchObject({ status: 'unknown', todo: expect.stringContaining('ESERVFAIL') });
  });

  it('is fine only with our port and name, whatever else stands there', () => {
    const service = fc
      .tuple(fc.nat(65_535), fc.nat(65_535), fc.nat(65_535), fc.domain())
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.array(service, { minLength: 1, maxLength: 4 }), (found) => {
        expect(judgeServices(found, '0 1 993 relay.example', DOMAIN).status).toBe('wrong');
        expect(judgeServices([...found, '9 9 993 relay.example'], '0 1 993 relay.example', DOMAIN).status).toBe('ok');
      }),
    );
  });
});

describe('the name that settings are fetched from', () => {
  it('is fine as a CNAME, and as the address of a proxy with a word on it', async () => {
    publish(AUTOCONFIG, 'CNAME', 'Relay.example');
    expect(await finding(AUTOCONFIG)).toMatchObject({ status: 'ok', found: ['Relay.example'] });
    expect((await finding(AUTOCONFIG)).todo).toBeUndefined();
    dns.delete(AUTOCONFIG);
    publish(AUTOCONFIG, 'AAAA', '2001:db8::1');
    expect(await finding(AUTOCONFIG)).toMatchObject({
      status: 'ok',
      found: ['2001:db8::1'],
      todo: expect.stringContaining('leads to the HTTP API'),
    });
  });

  it('is another where it leads to others, whose business it may be', async () => {
    publish(AUTOCONFIG, 'CNAME', 'autoconfig.other.example');
    publish('autoconfig.other.example', 'A', '192.0.2.1');
    expect(await finding(AUTOCONFIG)).toMatchObject({ status: 'wrong', todo: expect.stringContaining('leave it') });
  });

  it('is missing where there is nothing', async () => {
    expect(await finding(AUTOCONFIG)).toMatchObject({ status: 'missing', found: [] });
  });
});
