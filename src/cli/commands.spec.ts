/** The commands that talk to a relay, against a real one. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { environmentOf, runCommand } from '../../test/cli/run-command.js';
import { publishRecord } from '../../test/domains/publish-record.js';
import { RunningApi } from '../../test/http-api/running-api.js';
import { findingOf } from '../mail/categories.js';
import type { Command } from './command.js';
import { startDns, type ScriptedDns } from './demo/scripted-dns.js';
import type { DomainRecordView } from './domain-text.js';
import { domainCommand } from './domain.js';
import { messageCommand } from './message.js';
import { sendCommand } from './send.js';

let api: RunningApi;
let dns: ScriptedDns;

beforeAll(async () => {
  dns = await startDns();
  api = await RunningApi.start({ POSTHORN_DNS_SERVERS: dns.server });
});

afterAll(async () => {
  await api.stop();
  await dns.close();
});

const run = (command: Command, argv: readonly string[], input = '') =>
  runCommand(command, argv, environmentOf(api), input);

const mail = [
  '--from',
  'Shop <shop@example.org>',
  '--to',
  'ann@example.net',
  '--to',
  'Bob <bob@example.net>',
  '--subject',
  'Hi',
];

describe('./posthorn send', () => {
  it('sends what its options say, and prints the id', async () => {
    const { code, out, err } = await run(sendCommand, [...mail, '--text', 'Hello', '--tag', 'welcome']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^[0-9a-z]{26}\n$/);
    const claim = await api.claim(out.trim());
    expect(claim?.message).toMatchObject({
      reversePath: 'shop@example.org',
      recipients: ['ann@example.net', 'bob@example.net'],
      tags: ['welcome'],
    });
    expect(claim?.body.toString()).toMatch(/Hello\s*$/);
  });

  it('takes the text from standard input when there is a subject', async () => {
    const { out } = await run(sendCommand, mail, 'From a pipe\n');
    expect((await api.claim(out.trim()))?.body.toString()).toMatch(/From a pipe\s*$/);
  });

  it('sends a finished message to whom its header names', async () => {
    const message =
      'From: Shop <shop@example.org>\nTo: "Ann, A." <ann@example.net>\nCc: b@example.net,\n c@example.net\n\nHello\n';
    const { code, out } = await run(sendCommand, ['--json'], message);
    expect(code).toBe(0);
    const answer = JSON.parse(out) as { id: string; recipients: { address: string }[] };
    expect(answer.recipients.map(({ address }) => address)).toEqual([
      'ann@example.net',
      'b@example.net',
      'c@example.net',
    ]);
    const claim = await api.claim(answer.id);
    expect(claim?.message.reversePath).toBe('shop@example.org');
    expect(claim?.body.toString().endsWith(message.replaceAll('\n', '\r\n'))).toBe(true);
  });

  it('believes --from and --to before the header', async () => {
    const message = 'From: shop@example.org\r\nTo: team: ann@example.net;\r\n\r\nHello\r\n';
    const { code, out } = await run(sendCommand, ['--from', '<>', '--to', 'bob@example.net'], message);
    expect(code).toBe(0);
    expect((await api.claim(out.trim()))?.message).toMatchObject({ reversePath: '', recipients: ['bob@example.net'] });
    const unread = await run(sendCommand, [], message);
    expect([unread.code, unread.err]).toEqual([2, expect.stringContaining('give each as --to a@b')]);
  });

  it.each([
    [[], '', 2, '--subject and --text are missing, and there is no message on standard input'],
    [['--subject', 'Hi', '--text', 'x'], '', 2, '--from is missing'],
    [['--subject', 'Hi', '--text', 'x', '--from', 'a@b'], '', 2, '--to is missing'],
    [['--colour'], '', 2, "Unknown option '--colour'"],
    [['extra'], '', 2, '"extra" is one argument too many'],
    [[], 'Subject: x\n\nx', 2, 'the sender cannot be read: give --from a@b'],
    [[...mail, '--text', 'x', '--stream', 'fast'], '', 1, '422: stream: must be one of critical'],
    [
      [...mail, '--text', 'x', '--from', 'a@other.example'],
      '',
      1,
      '403: other.example is not a verified sending domain',
    ],
  ])('says in one line why %j cannot be', async (argv, input, code, why) => {
    const outcome = await run(sendCommand, argv, input);
    expect([outcome.code, outcome.out]).toEqual([code, '']);
    expect(outcome.err).toMatch(/^posthorn send: [^\n]+\n$/);
    expect(outcome.err).toContain(why);
  });
});

describe('./posthorn domain', () => {
  const dkimLine =
    /\n {2}ph\d{8}-[a-z2-7]{4}\._domainkey\.shop\.example\. TXT "v=DKIM1; k=rsa; p=[^"]{200,255}" "[^"]+"\n/;

  it('adds, lists, shows and removes', async () => {
    const added = await run(domainCommand, ['add', 'shop.example', '--assume-verified']);
    expect(added.code).toBe(0);
    expect(added.out).toMatch(/^shop\.example {2}verified \(by the operator\)\n\nPublish in DNS:\n\n {2}; dkim: /);
    expect(added.out).toMatch(dkimLine);
    expect(added.out).toContain('\n  ph-bounces.shop.example. CNAME bounces.relay.example.\n');
    const list = await run(domainCommand, ['list']);
    expect(list.out).toContain('shop.example  verified');
    expect(added.out).toMatch(
      /\n\nOptional, so that mail programs need only address and password\. [^\n]+:\n\n {2}autoconfig\.shop\.example\. CNAME relay\.example\.\n {2}_imaps\._tcp\.shop\.example\. SRV 0 1 10993 relay\.example\.\n/,
    );
    const shown = await run(domainCommand, ['show', 'shop.example', '--json']);
    expect(JSON.parse(shown.out)).toMatchObject({
      name: 'shop.example',
      records: expect.arrayContaining([expect.objectContaining({ purpose: 'dkim', type: 'TXT' })]),
    });
    expect(await run(domainCommand, ['remove', 'shop.example'])).toEqual({ code: 0, out: '', err: '' });
    const gone = await run(domainCommand, ['show', 'shop.example']);
    expect(gone).toEqual({ code: 1, out: '', err: 'posthorn domain: 404: This account has no such domain\n' });
  });

  it('adds what DNS is to prove, says what is missing there, and is content when nothing is', async () => {
    const added = await run(domainCommand, ['add', 'shop.example']);
    expect([added.code, added.out]).toEqual([0, expect.stringMatching(/^shop\.example {2}pending\n/)]);
    expect(added.out).toContain('./posthorn domain verify shop.example\n');
    const missing = await run(domainCommand, ['verify', 'shop.example']);
    expect([missing.code, missing.err]).toEqual([1, '']);
    expect(missing.out).toMatch(/\n {4}MISSING\n {4}to do: publish the TXT record/);
    expect(missing.out).toContain('SRV 0 1 10993 relay.example.\n    not published\n');

    const { records } = JSON.parse((await run(domainCommand, ['show', 'shop.example', '--json'])).out) as {
      records: readonly DomainRecordView[];
    };
    for (const record of records) if (record.required) publishRecord(dns, record);
    await api.redisClient.del('{ph:accounts}:domain-turn:default:shop.example');
    const enough = await run(domainCommand, ['verify', 'shop.example']);
    expect([enough.code, enough.out.match(/\n {4}not published\n/g)?.length]).toEqual([0, 7]);

    for (const record of records) publishRecord(dns, record);
    await api.redisClient.del('{ph:accounts}:domain-turn:default:shop.example');
    const verified = await run(domainCommand, ['verify', 'shop.example']);
    expect([verified.code, verified.err]).toEqual([0, '']);
    expect(verified.out).toMatch(/^shop\.example {2}verified \(by the DNS\)\n/);
    expect(verified.out.match(/\n {4}ok\n/g)).toHaveLength(records.length);
    expect((await run(domainCommand, ['remove', 'shop.example'])).code).toBe(0);
  });

  it('makes new keys, and takes one from a file', async () => {
    await run(domainCommand, ['add', 'shop.example', '--assume-verified']);
    expect((await run(domainCommand, ['rotate', 'shop.example'])).out).toMatch(dkimLine);
    const file = join(api.dataDir, 'key.pem');
    writeFileSync(file, 'no key');
    const imported = await run(domainCommand, ['import-key', 'shop.example', '--selector', 's1', '--key', file]);
    expect([imported.code, imported.err]).toEqual([1, expect.stringContaining('422: privateKey: ')]);
    expect((await run(domainCommand, ['remove', 'shop.example'])).code).toBe(0);
  });

  it("acts on another account's domains", async () => {
    await api.addAccount('other');
    expect((await run(domainCommand, ['add', 'other.example', '--assume-verified', '--account', 'other'])).code).toBe(
      0,
    );
    expect((await run(domainCommand, ['list', '--account', 'other'])).out).toBe(
      'other.example  verified (by the operator)\n',
    );
    expect((await run(domainCommand, ['list'])).out).not.toContain('other.example');
  });

  it('takes the name *', async () => {
    expect((await run(domainCommand, ['add', '*', '--assume-verified'])).out).toBe('*  verified (by the operator)\n');
    expect((await run(domainCommand, ['remove', '*'])).code).toBe(0);
  });

  it.each([
    [[], 'say add, list, show, verify'],
    [['constructor'], 'say add, list, show, verify'],
    [['show'], 'NAME is missing'],
    [['list', 'x'], 'too many'],
    [['list', '--assume-verified'], "Unknown option '--assume-verified'"],
    [['import-key', 'shop.example', '--selector', 's1'], '--key is missing'],
    [['import-key', 'shop.example', '--selector', 's1', '--key', '/nowhere'], 'the file /nowhere cannot be read'],
  ])('refuses %j', async (argv, why) => {
    const { code, err } = await run(domainCommand, argv);
    expect([code, err]).toEqual([2, expect.stringContaining(why)]);
  });
});

describe('./posthorn message', () => {
  it('shows what became of each recipient', async () => {
    const id = (await run(sendCommand, [...mail, '--text', 'Hello'])).out.trim();
    const claim = await api.claim(id);
    if (!claim) throw new Error('nothing to claim');
    const reply = { code: 550, enhanced: '5.1.1', text: 'no such user' };
    const bounced = {
      type: 'bounced',
      at: 0,
      recipients: [1],
      reply,
      mx: 'mx.example.net[192.0.2.1]:25',
      attempt: 1,
      source: 'reply',
      classification: findingOf('unknown_recipient', 'standard.5.1.1'),
    } as const;
    await api.spool.settle(claim, [{ recipients: [1], state: 'bounced', event: bounced }]);
    const { code, out } = await run(messageCommand, ['show', id]);
    expect(code).toBe(0);
    expect(out).toMatch(
      / {2}subject {3}Hi\n\nann@example\.net {2}queued\n {2}\S+Z {2}accepted {2}by http\n\nbob@example\.net {2}bounced\n/,
    );
    expect(out).toMatch(
      / {2}bounced {3}550 5\.1\.1 no such user, from mx\.example\.net\[192\.0\.2\.1\]:25\n {38}unknown_recipient: The mailbox does not exist\.\n {38}Look for a typo/,
    );
    const asJson = await run(messageCommand, ['show', id, '--json']);
    expect(JSON.parse(asJson.out)).toMatchObject({ id, recipients: [{ state: 'queued' }, { state: 'bounced' }] });
  });

  it('says that there is no such message', async () => {
    const { code, err } = await run(messageCommand, ['show', '../domains']);
    expect([code, err]).toEqual([1, 'posthorn message: 404: There is no such message, or its history is over\n']);
  });
});

describe('a command', () => {
  it.each([sendCommand, domainCommand, messageCommand])('documents itself: %#', async (command) => {
    const { code, out } = await run(command, ['--help']);
    expect([code, out]).toEqual([0, command.help]);
  });

  it("uses the first start's key where it is given none", async () => {
    const environment = { POSTHORN_API_URL: api.url, POSTHORN_DATA_DIR: api.dataDir };
    expect((await runCommand(domainCommand, ['list'], environment)).code).toBe(0);
  });

  it('says where a key could come from', async () => {
    const environment = { POSTHORN_API_URL: api.url, POSTHORN_DATA_DIR: '/nowhere' };
    const { code, err } = await runCommand(domainCommand, ['list'], environment);
    expect([code, err]).toEqual([2, expect.stringContaining('set POSTHORN_API_KEY (/nowhere/first-credentials.json')]);
  });

  it('says that no relay answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const environment = { ...environmentOf(api), POSTHORN_API_URL: `http://127.0.0.1:${port}` };
    const { code, err } = await runCommand(domainCommand, ['list'], environment);
    const advice = 'start it with ./posthorn up, or name another in POSTHORN_API_URL';
    expect([code, err]).toEqual([
      1,
      `posthorn domain: no relay answers at http://127.0.0.1:${port} (ECONNREFUSED): ${advice}\n`,
    ]);
  });

  it('shows faults of the settings as they are', async () => {
    const environment = { ...environmentOf(api), POSTHORN_HTTP_PORT: 'many' };
    const { code, err } = await runCommand(domainCommand, ['list'], environment);
    expect([code, err]).toEqual([2, expect.stringMatching(/^posthorn: 1 setting is wrong[^]*POSTHORN_HTTP_PORT=many/)]);
  });

  it('is not led elsewhere with its key', async () => {
    const server = createServer((_, response) => response.writeHead(302, { Location: api.url }).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const environment = { ...environmentOf(api), POSTHORN_API_URL: elsewhere };
    const { code } = await runCommand(domainCommand, ['list'], environment);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(code).toBe(1);
  });
});
