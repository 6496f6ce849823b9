import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatFaults } from './faults.js';
import { loadSettings } from './load-settings.js';
import { settingsFromJson } from './settings.js';
import type { Settings } from './settings.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MACHINE = { fqdn: 'relay.example.net', cores: 4, mayBindLowPorts: true, cwd: '/srv/mail' };

function load(env: Record<string, string>, machine = MACHINE) {
  return loadSettings(env, machine);
}

function settingsOf(env: Record<string, string>, machine = MACHINE): Settings {
  const loaded = load(env, machine);
  if (loaded.kind === 'faults') throw new Error(formatFaults(loaded.faults));
  return loaded.settings;
}

function faultLines(env: Record<string, string>, machine = MACHINE): string[] {
  const loaded = load(env, machine);
  return loaded.kind === 'ok'
    ? []
    : formatFaults(loaded.faults)
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
}

function warningsOf(env: Record<string, string>, machine = MACHINE): readonly string[] {
  const loaded = load(env, machine);
  return loaded.kind === 'ok' ? loaded.warnings : ['it has faults'];
}

function file(name: string, text: string | Buffer): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('settings', () => {
  it('have defaults for everything that has one', () => {
    const { sources, ...settings } = settingsOf({});
    expect(settings).toEqual({
      roles: ['submission', 'api', 'worker', 'bounces', 'mailbox'],
      redisUnchecked: false,
      dataDir: '/srv/mail/data',
      hostname: 'relay.example.net',
      firstDomain: 'relay.example.net',
      bounceDomain: 'bounces.relay.example.net',
      durability: 'fsync',
      routes: [{ pattern: '*', target: { kind: 'mx', tls: 'opportunistic' } }],
      dnsServers: [],
      mxPort: 25,
      allowPrivateMx: false,
      workers: 3,
      messageBytesMax: 26_214_400,
      recipientsMax: 1000,
      retryDelaysMs: [1, 5, 10, 20, 40, 60, 120, 240].map((minutes) => minutes * 60_000),
      expireAfterMs: 48 * 3_600_000,
      eventRetentionMs: 168 * 3_600_000,
      bodyRetentionMs: 0,
      historyMax: 1_000_000,
      reportRetentionMs: 30 * 24 * 3_600_000,
      portBase: 0,
      submissionPort: 587,
      submissionsPort: 465,
      trustedPort: 2525,
      bouncePort: 25,
      imapsPort: 993,
      imapPort: 143,
      pop3sPort: 995,
      pop3Port: 110,
      httpPort: 8080,
      opsPort: 9090,
      portBaseIsFallback: false,
      listen: '127.0.0.1',
      trustedNetworks: [],
      trustedAccount: 'default',
      proxyNetworks: [],
      connectionsPerNetwork: [500, 1500, 3000],
      mailboxSessionsPerAccount: 2500,
      logAddresses: 'full',
      logLevel: 'info',
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(warningsOf({})).toEqual([]);
  });

  it('are frozen, all the way down', () => {
    const settings = settingsOf({});
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.routes[0]?.target)).toBe(true);
  });

  it('survive the way through JSON to another process', () => {
    const settings = settingsOf({ POSTHORN_ROUTES: '*=smtps://u:p@relay', POSTHORN_REDIS_URL: 'redis://127.0.0.1' });
    const restored = settingsFromJson(JSON.stringify(settings));
    expect(restored).toEqual(settings);
    expect(Object.keys(restored)).toEqual(Object.keys(settings));
    expect(Object.isFrozen(restored.routes)).toBe(true);
  });

  it('take an empty or blank variable as unset, and leave the spaces round a value', () => {
    expect(settingsOf({ POSTHORN_MX_PORT: '', POSTHORN_LOG_LEVEL: ' ', POSTHORN_WORKERS: ' 2 ' })).toMatchObject({
      mxPort: 25,
      logLevel: 'info',
      workers: 2,
    });
  });

  it('make paths absolute from where the service was started', () => {
    const env = { POSTHORN_DATA_DIR: '../spool', POSTHORN_TLS_CERT: 'cert.pem', POSTHORN_TLS_KEY: '/etc/key.pem' };
    expect(settingsOf(env)).toMatchObject({
      dataDir: '/srv/spool',
      tlsCert: '/srv/mail/cert.pem',
      tlsKey: '/etc/key.pem',
    });
  });

  it('derive the first domain from the hostname, and the address to listen on from Redis', () => {
    const settings = settingsOf({ POSTHORN_HOSTNAME: 'MX.example.org', POSTHORN_REDIS_URL: 'redis://redis' });
    expect(settings).toMatchObject({ hostname: 'mx.example.org', firstDomain: 'mx.example.org', listen: '0.0.0.0' });
  });

  it('start a worker for each core but one, and at least one', () => {
    const workers = [1, 2, 1000].map((cores) => settingsOf({}, { ...MACHINE, cores }).workers);
    expect(workers).toEqual([1, 1, 256]);
  });

  it('say localhost where the name of the machine cannot stand in SMTP', () => {
    const machine = { ...MACHINE, fqdn: "Joe's laptop" };
    expect(settingsOf({}, machine)).toMatchObject({ hostname: 'localhost', firstDomain: 'localhost' });
    expect(warningsOf({}, machine)).toEqual([expect.stringMatching(/set POSTHORN_HOSTNAME$/)]);
  });
});

describe('ports', () => {
  it('add the base to the defaults, and not to what is set', () => {
    const settings = settingsOf({ POSTHORN_PORT_BASE: '20000', POSTHORN_HTTP_PORT: '80', POSTHORN_OPS_PORT: '0' });
    expect(settings).toMatchObject({
      portBase: 20_000,
      submissionPort: 20_587,
      trustedPort: 22_525,
      imapsPort: 20_993,
      imapPort: 20_143,
      pop3sPort: 20_995,
      pop3Port: 20_110,
      httpPort: 80,
      opsPort: 0,
    });
  });

  it('are 10000 higher where low ones are not ours to bind, unless the base is set', () => {
    const machine = { ...MACHINE, mayBindLowPorts: false };
    expect(settingsOf({}, machine)).toMatchObject({
      portBaseIsFallback: true,
      portBase: 10_000,
      submissionPort: 10_587,
    });
    const chosen = settingsOf({ POSTHORN_PORT_BASE: '0' }, machine);
    expect(chosen).toMatchObject({ portBaseIsFallback: false, portBase: 0, submissionPort: 587 });
  });

  it('stay ports with the highest base', () => {
    expect(settingsOf({ POSTHORN_PORT_BASE: '56445' }).opsPort).toBe(65_535);
    expect(faultLines({ POSTHORN_PORT_BASE: '56446' })).toEqual([
      'POSTHORN_PORT_BASE=56446: must be a whole number from 0 to 56445',
    ]);
  });

  it('are each for one listener', () => {
    expect(faultLines({ POSTHORN_HTTP_PORT: '587' })).toEqual([
      'POSTHORN_HTTP_PORT=587: must be another port: 587 is that of POSTHORN_SUBMISSION_PORT',
    ]);
    expect(faultLines({ POSTHORN_HTTP_PORT: '0', POSTHORN_OPS_PORT: '0' })).toEqual([]);
    expect(faultLines({ POSTHORN_IMAP_PORT: '993', POSTHORN_POP3S_PORT: '25', POSTHORN_POP3_PORT: '8080' })).toEqual([
      'POSTHORN_IMAP_PORT=993: must be another port: 993 is that of POSTHORN_IMAPS_PORT',
      'POSTHORN_POP3S_PORT=25: must be another port: 25 is that of POSTHORN_BOUNCE_PORT',
      'POSTHORN_HTTP_PORT: must be another port: 8080 is that of POSTHORN_POP3_PORT',
    ]);
    expect(faultLines({ POSTHORN_HTTP_PORT: '2525' })).toEqual([]);
    expect(faultLines({ POSTHORN_HTTP_PORT: '2525', POSTHORN_TRUSTED_NETWORKS: '10.0.0.0/8' })).toHaveLength(1);
  });
});

describe('mailbox sessions of an account', () => {
  it('are at least one, and bounded', () => {
    expect(settingsOf({ POSTHORN_MAILBOX_SESSIONS_PER_ACCOUNT: '1' }).mailboxSessionsPerAccount).toBe(1);
    for (const text of ['0', '100001', 'many']) {
      expect(faultLines({ POSTHORN_MAILBOX_SESSIONS_PER_ACCOUNT: text })).toEqual([
        `POSTHORN_MAILBOX_SESSIONS_PER_ACCOUNT=${text}: must be a whole number from 1 to 100000`,
      ]);
    }
  });
});

describe('faults', () => {
  it('come all at once, with the name, the value and what would be right', () => {
    const loaded = load({ POSTHORN_SUBMISSION_PORT: '70000', POSTHORN_EXPIRE_AFTER: '2 days' });
    expect(loaded.kind === 'faults' && formatFaults(loaded.faults).split('\n')).toEqual([
      'posthorn: 2 settings are wrong, nothing was started',
      '  POSTHORN_EXPIRE_AFTER=2 days: must be a duration such as 30s, 10m, 48h or 7d',
      '  POSTHORN_SUBMISSION_PORT=70000: must be a port number from 0 to 65535 (0 turns the listener off)',
    ]);
  });

  it('leave out what follows from another, and keep what does not', () => {
    const env = { POSTHORN_HOSTNAME: 'a b', POSTHORN_PORT_BASE: 'x', POSTHORN_TLS_CERT: 'cert.pem' };
    expect(faultLines(env)).toEqual([
      'POSTHORN_HOSTNAME=a b: must be a domain name such as mail.example.net',
      'POSTHORN_PORT_BASE=x: must be a whole number from 0 to 56445',
      'POSTHORN_TLS_KEY: must be set too, because POSTHORN_TLS_CERT is',
    ]);
  });

  it('refuse what comes with the cluster work, and say so', () => {
    const lines = faultLines({ POSTHORN_REDIS_URL: 'redis+cluster://u:p@a,b', POSTHORN_DURABILITY: 'replicated:2' });
    expect(lines).toEqual([
      expect.stringMatching(/^POSTHORN_REDIS_URL=redis\+cluster:\/\/\*\*\*@a,b: .*comes with the cluster work/),
      'POSTHORN_DURABILITY=replicated:2: must be memory or fsync (replicated:N comes with the cluster work)',
    ]);
  });

  it('show no secret', () => {
    const env = {
      POSTHORN_API_KEY: 'SECRET SECRET',
      POSTHORN_REDIS_URL: 'redis://:SECRET/@h',
      POSTHORN_ROUTES: 'a=smtp://u:SECRET@,*=mx',
      POSTHORN_API_URL: 'http://u:SECRET@h',
    };
    const text = faultLines(env).join('\n');
    expect(text.split('\n')).toHaveLength(4);
    expect(text).not.toContain('SECRET');
  });

  it('are none of a variable that is not ours', () => {
    expect(faultLines({ PATH: '/bin', posthorn_roles: 'x', POSTHORN: 'x' })).toEqual([]);
  });
});

describe('warnings', () => {
  it('are told together with faults, so that a misspelt name does not cost a second start', () => {
    const loaded = loadSettings({ POSTHORN_WORKERS: 'zero', POSTHORN_HOSTNMAE: 'relay' }, MACHINE);
    expect(loaded.kind === 'faults' && formatFaults(loaded.faults, loaded.warnings).split('\n')).toEqual([
      'posthorn: 1 setting is wrong, nothing was started',
      expect.stringMatching(/^ {2}POSTHORN_WORKERS=zero: must be /),
      '  warning: POSTHORN_HOSTNMAE is no setting and is not read; did you mean POSTHORN_HOSTNAME?',
    ]);
  });

  it('name an unknown variable, and the known one that was meant', () => {
    expect(warningsOf({ POSTHORN_SUBMISION_PORT: '587', POSTHORN_SHARDS: '1', POSTHORN_SIEVE_PORT: '25' })).toEqual([
      'POSTHORN_SUBMISION_PORT is no setting and is not read; did you mean POSTHORN_SUBMISSION_PORT?',
      'POSTHORN_SHARDS is no setting and is not read',
      'POSTHORN_SIEVE_PORT is no setting and is not read',
    ]);
  });

  it('gather what Kubernetes sets for services, and do not take it for a setting', () => {
    const env = {
      POSTHORN_SERVICE_HOST: '10.0.0.1',
      POSTHORN_SERVICE_PORT_SMTP: '587',
      POSTHORN_PORT: 'tcp://10.0.0.1:587',
      POSTHORN_PORT_587_TCP_ADDR: '10.0.0.1',
      POSTHORN_HTTP_PORT: 'tcp://10.0.0.2:80',
    };
    expect(warningsOf(env)).toEqual([
      expect.stringMatching(/^POSTHORN_SERVICE_HOST and 4 more are not read: Kubernetes/),
    ]);
    expect(settingsOf(env).httpPort).toBe(8080);
  });

  it('tell of a trusted port that nobody may use', () => {
    expect(warningsOf({ POSTHORN_TRUSTED_PORT: '2526' })).toEqual([expect.stringMatching('POSTHORN_TRUSTED_NETWORKS')]);
    expect(warningsOf({ POSTHORN_TRUSTED_PORT: '2526', POSTHORN_TRUSTED_NETWORKS: '::1' })).toEqual([]);
  });

  it('tell of a password that may be sent unencrypted', () => {
    expect(warningsOf({ POSTHORN_ROUTES: '*=smtp://u:SECRET@relay' })).toEqual([
      'the route * sends its password unencrypted where relay offers no TLS: add ?tls=require',
    ]);
    expect(warningsOf({ POSTHORN_ROUTES: '*=smtp://u:p@relay?tls=require' })).toEqual([]);
    expect(warningsOf({ POSTHORN_ROUTES: '*=smtps://u:p@relay' })).toEqual([]);
  });
});

describe('the YAML file', () => {
  it('holds settings in lower case without the prefix, and the environment wins over it', () => {
    const path = file(
      'a.yaml',
      'expire_after: 24h\nmx_port: 2500\nroutes:\n  - a.example=mx\n  - "*=mx"\nlog_level:\n',
    );
    const settings = settingsOf({ POSTHORN_CONFIG: path, POSTHORN_MX_PORT: '2600' });
    expect(settings).toMatchObject({ configFile: path, expireAfterMs: 86_400_000, mxPort: 2600, logLevel: 'info' });
    expect(settings.routes.map((route) => route.pattern)).toEqual(['a.example', '*']);
    expect(settings.sources).toMatchObject({
      expireAfterMs: 'file',
      mxPort: 'environment',
      logLevel: 'default',
      portBase: 'default',
    });
  });

  it('is found from where the service was started', () => {
    file('b.yaml', 'workers: 7');
    expect(settingsOf({ POSTHORN_CONFIG: 'b.yaml' }, { ...MACHINE, cwd: folder }).workers).toBe(7);
  });

  it('has no unknown keys, and the known one that was meant is said', () => {
    const path = file(
      'c.yaml',
      'expire_aftr: 24h\nPOSTHORN_ROLES: all\nsieve_port: 25\nconfig: x\nredis: { url: x }\nmx_port: 0\n',
    );
    expect(
      faultLines({ POSTHORN_CONFIG: path, POSTHORN_WORKERS: '0' }).map((line) => line.replace(` (in ${path})`, '')),
    ).toEqual([
      'expire_aftr: is no setting; did you mean expire_after?',
      'POSTHORN_ROLES: is no setting; did you mean roles?',
      'sieve_port: is no setting; ./posthorn up --print-config lists them',
      'config: is no setting; ./posthorn up --print-config lists them',
      'redis: is no setting; ./posthorn up --print-config lists them',
      'redis: must be one value or a list of values, not nested deeper',
      'POSTHORN_MX_PORT=0: must be a port number from 1 to 65535',
      'POSTHORN_WORKERS=0: must be a whole number from 1 to 256',
    ]);
  });

  it('must be there, of bounded size, a file, text, and YAML', () => {
    const lines = (path: string) => faultLines({ POSTHORN_CONFIG: path }).map((line) => line.replace(path, 'FILE'));
    const said = (why: string) => [`POSTHORN_CONFIG=FILE: must name a YAML file, but it ${why}`];
    expect(lines(join(folder, 'none.yaml'))).toEqual(said('does not exist'));
    expect(lines(file('large.yaml', `# ${'x'.repeat(1_048_576)}`))).toEqual(said('is larger than 1024 KiB'));
    expect(lines(folder)).toEqual(said('is not a regular file'));
    expect(lines(file('bytes.yaml', Buffer.from([0x61, 0x3a, 0x20, 0xff])))).toEqual(said('is not UTF-8 text'));
    expect(lines(file('list.yaml', '- roles'))).toEqual(said('is no mapping of settings, such as "expire_after: 48h"'));
  });

  it('does not hide what else is wrong when it cannot be read', () => {
    expect(faultLines({ POSTHORN_CONFIG: join(folder, 'none.yaml'), POSTHORN_WORKERS: '0' })).toHaveLength(2);
  });
});

describe('a secret', () => {
  it('may stand in a file of its own', () => {
    const path = file('key', 'ph_secret\n');
    expect(settingsOf({ POSTHORN_API_KEY_FILE: path })).toMatchObject({
      apiKey: 'ph_secret',
      sources: { apiKey: 'environment' },
    });
    const config = file('d.yaml', `api_key_file: ${path}`);
    expect(settingsOf({ POSTHORN_CONFIG: config })).toMatchObject({ apiKey: 'ph_secret', sources: { apiKey: 'file' } });
  });

  it('is in one place only', () => {
    const env = { POSTHORN_API_KEY: 'a', POSTHORN_API_KEY_FILE: file('key', 'b') };
    expect(faultLines(env)).toEqual([
      expect.stringMatching(/^POSTHORN_API_KEY_FILE=.*must not be set beside POSTHORN_API_KEY$/),
    ]);
  });

  it('is missed when its file is missing or empty', () => {
    const lines = (path: string) => faultLines({ POSTHORN_API_KEY_FILE: path });
    expect(lines(join(folder, 'none'))).toEqual([expect.stringMatching(/must name a file, but it does not exist$/)]);
    expect(lines(file('empty', '\n'))).toEqual([expect.stringMatching(/must name a file, but it is empty$/)]);
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? it.skip : it)('is missed when its file may not be read', () => {
    const path = file('locked', 'x');
    chmodSync(path, 0);
    expect(faultLines({ POSTHORN_API_KEY_FILE: path })).toEqual([
      expect.stringMatching(/may not be read by this user$/),
    ]);
  });
});
