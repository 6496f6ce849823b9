/** A start that cannot be says why, in one message that names the setting, with exit status 2, and leaves nothing behind. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { startInVain, type FailedStart } from './failing-start.js';
import { LauncherCheckout } from './launcher-checkout.js';
import { OwnedRedis } from './owned-redis.js';
import { freePort, RunningPosthorn } from './running-posthorn.js';

let directory: string;
let dataDir: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthorn-starting-'));
  dataDir = join(directory, 'data');
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** One message to people that matches, exit status 2, no process left, no stack trace anywhere. */
function expectRefused({ code, complaint, output, left }: FailedStart, message: RegExp): void {
  expect(complaint).toMatch(message);
  expect(complaint.match(/^posthorn: /gm)).toHaveLength(1);
  expect(complaint.startsWith('posthorn: ')).toBe(true);
  expect(output).not.toMatch(/^\s+at |"stack":|node:internal/m);
  expect(output).not.toContain('Posthorn is up');
  expect(left).toEqual([]);
  expect(code).toBe(2);
}

describe('settings', () => {
  it('are refused all at once, each with its name, its value and what would be right, before anything is made', async () => {
    const wrong = {
      POSTHORN_WORKERS: 'many',
      POSTHORN_DURABILITY: 'maybe',
      POSTHORN_TRUSTED_NETWORKS: '0.0.0.0/0',
      POSTHORN_REDIS_URL: 'http://:secret@localhost',
    };
    const failed = await startInVain(dataDir, wrong);
    expectRefused(failed, /^posthorn: 4 settings are wrong, nothing was started\n/);
    expect(failed.complaint.split('\n').slice(1).sort()).toEqual([
      expect.stringMatching(/^ {2}POSTHORN_DURABILITY=maybe: .*fsync/),
      expect.stringMatching(/^ {2}POSTHORN_REDIS_URL=http:.*: .*redis:/),
      expect.stringMatching(/^ {2}POSTHORN_TRUSTED_NETWORKS=0\.0\.0\.0\/0: .*\/8/),
      expect.stringMatching(/^ {2}POSTHORN_WORKERS=many: .*number/),
    ]);
    expect(failed.output).not.toContain('secret');
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('a port that is taken', () => {
  let taken: Server;
  let port: number;

  beforeEach(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    ({ port } = taken.address() as AddressInfo);
  });
  afterEach(() => {
    taken.close();
  });

  it.each(['SUBMISSION', 'SUBMISSIONS', 'TRUSTED', 'BOUNCE', 'HTTP', 'OPS'])(
    'is named with POSTHORN_%s_PORT',
    async (listener) => {
      const setting = `POSTHORN_${listener}_PORT`;
      const settings = { POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8', [setting]: String(port) };
      const said = `^posthorn: port ${port} on 127\\.0\\.0\\.1 is taken: .*${setting}.*POSTHORN_PORT_BASE$`;
      expectRefused(await startInVain(dataDir, settings), new RegExp(said));
    },
  );
});

describe('a certificate', () => {
  const use = (cert: string, key: string): Record<string, string> => ({
    POSTHORN_TLS_CERT: join(directory, cert),
    POSTHORN_TLS_KEY: join(directory, key),
  });

  beforeEach(async () => {
    const made = await createSelfSignedCertificate('relay.example');
    const other = await createSelfSignedCertificate('relay.example');
    await writeFile(join(directory, 'good.crt'), made.cert);
    await writeFile(join(directory, 'good.key'), made.key);
    await writeFile(join(directory, 'other.key'), other.key);
    await writeFile(join(directory, 'corrupt.crt'), made.cert.slice(0, 300) + made.cert.slice(340));
    await writeFile(join(directory, 'garbage'), 'garbage\n');
  });

  it.each([
    ['that is corrupt', 'corrupt.crt', 'good.key', /corrupt\.crt holds no PEM certificate.*POSTHORN_TLS_CERT/],
    ['that is none', 'garbage', 'good.key', /garbage holds no PEM certificate.*POSTHORN_TLS_CERT/],
    ['whose key is none', 'good.crt', 'garbage', /garbage holds no PEM private key.*POSTHORN_TLS_KEY/],
    ['whose key is of another', 'good.crt', 'other.key', /other\.key is not the key of .*good\.crt.*POSTHORN_TLS_KEY/],
    ['that is not there', 'absent.crt', 'good.key', /absent\.crt.*POSTHORN_TLS_CERT/],
  ])('%s is refused', async (_case, cert, key, message) => {
    expectRefused(await startInVain(dataDir, use(cert, key)), message);
  });
});

describe('a data directory', () => {
  it('that another relay uses is left to it', async () => {
    const first = await RunningPosthorn.start({}, dataDir);
    try {
      const processes = async (): Promise<number[][]> =>
        Promise.all((['doors', 'bounces', 'worker', 'redis-server'] as const).map((name) => first.children(name)));
      const before = await processes();
      const second = await startInVain(dataDir);
      const inUse = new RegExp(`^posthorn: .* is in use by process ${first.pid} .*POSTHORN_DATA_DIR$`);
      expectRefused({ ...second, left: [] }, inUse);
      expect((await first.readiness()).status).toBe(200);
      expect(await processes()).toEqual(before);
    } finally {
      await first.dispose();
    }
  });

  it.each([
    ['cannot be made', '/sys/posthorn'],
    ['cannot be written', '/sys/kernel'],
    ['is a file', join(import.meta.dirname, 'starting.spec.ts')],
  ])('that %s is refused', async (_case, path) => {
    expectRefused(await startInVain(path), /cannot be the data directory \(.*POSTHORN_DATA_DIR$/);
  });
});

describe('POSTHORN_SECRET_KEY', () => {
  const secret = { POSTHORN_SECRET_KEY: 'correct horse battery staple, 32 characters' };

  it('that is not the one of the keys in Redis is refused, and nothing is lost', async () => {
    const posthorn = await RunningPosthorn.start(secret, dataDir);
    const before = (await posthorn.api('GET', '/v1/domains/example.org')).json.records;
    await posthorn.terminate();
    for (const [settings, found] of [
      [{}, 'is missing'],
      [{ POSTHORN_SECRET_KEY: 'incorrect horse battery staple, 34 characters' }, 'is another one'],
    ] as const) {
      const failed = await startInVain(dataDir, settings);
      expectRefused(failed, new RegExp(`^posthorn: POSTHORN_SECRET_KEY ${found}: .* set that one again$`));
      expect(failed.output).not.toContain('battery');
    }
    // The ports stand in the records of mail programs.
    const again = await RunningPosthorn.start(secret, dataDir, posthorn.ports);
    try {
      expect((await again.api('GET', '/v1/domains/example.org')).json.records).toEqual(before);
    } finally {
      await again.dispose();
    }
  });
});

describe('Redis', () => {
  let redis: OwnedRedis | undefined;

  afterEach(async () => {
    await redis?.dispose();
    redis = undefined;
  });

  it('that is not installed is named with the command that installs it', async () => {
    const failed = await startInVain(dataDir, { PATH: directory });
    expectRefused(failed, /no redis-server or valkey-server on PATH.* run `.*install.*POSTHORN_REDIS_URL$/);
  });

  it('that is not installed, and cannot be by apt, is named by the launcher too', async () => {
    const checkout = LauncherCheckout.create();
    try {
      const { status, stdout, said } = await checkout.run(['up'], { PATH: checkout.barePath() });
      expect(said).toEqual([expect.stringMatching(/^posthorn: redis-server .*is needed: run '.*POSTHORN_REDIS_URL$/)]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    } finally {
      checkout.remove();
    }
  });

  it.each([
    ['without an append-only file', { appendonly: 'no' }, /appendonly is no, must be yes: CONFIG SET appendonly yes/],
    ['that syncs every second', { appendfsync: 'everysec' }, /appendfsync is everysec, must be always/],
    ['that evicts', { 'maxmemory-policy': 'allkeys-lru' }, /maxmemory-policy is allkeys-lru, must be noeviction/],
  ])('%s is refused', async (_case, settings, message) => {
    redis = await OwnedRedis.start({ settings });
    const failed = await startInVain(dataDir, { POSTHORN_REDIS_URL: redis.url });
    expectRefused(failed, message);
    expect(failed.complaint).toMatch(/^posthorn: Redis does not keep what POSTHORN_DURABILITY=fsync promises\n/);
    expect(await redis.command('DBSIZE')).toBe(0);
  });

  it('that wants a password is refused without showing one', async () => {
    redis = await OwnedRedis.start();
    await redis.command('CONFIG', 'SET', 'requirepass', 'sesame');
    for (const url of [redis.url, redis.url.replace('//', '//:wrong@')]) {
      const failed = await startInVain(dataDir, { POSTHORN_REDIS_URL: url });
      expectRefused(failed, /^posthorn: .*POSTHORN_REDIS_URL.*(NOAUTH|WRONGPASS)/);
      expect(failed.output).not.toContain(':wrong@');
    }
  });

  it('that is a replica is refused', async () => {
    redis = await OwnedRedis.start({ settings: { replicaof: '127.0.0.1 1' } });
    expectRefused(await startInVain(dataDir, { POSTHORN_REDIS_URL: redis.url }), /POSTHORN_REDIS_URL.*READONLY/);
  });

  it('that does not answer is named', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    expectRefused(
      await startInVain(dataDir, { POSTHORN_REDIS_URL: url }),
      /no Redis answers at POSTHORN_REDIS_URL.*REFUSED/,
    );
  });
});
