/** POSTHORN_PROVISION: a file that the running service follows, and that is refused whole where anything is wrong with it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccountsStore } from '../accounts/accounts-store.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startInVain } from './failing-start.js';
import { OwnedRedis } from './owned-redis.js';
import { RawSmtp } from './raw-smtp.js';
import { runPosthorn, RunningPosthorn } from './running-posthorn.js';

const SENDER = 'web@shop.example';
const MESSAGE = Buffer.from(`From: ${SENDER}\r\nTo: ann@example.net\r\nSubject: hi\r\n\r\nHello.\r\n`);
const FOLLOWED_WITHIN_MS = 60_000;
const POLL_MS = 50;

let directory: string;
let redis: OwnedRedis;
let relay: RunningPosthorn | undefined;
let clients: RawSmtp[];
let versions: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthorn-provisioning-'));
  redis = await OwnedRedis.start();
  clients = [];
  versions = 0;
});

afterEach(async () => {
  for (const client of clients) client.close();
  await relay?.dispose();
  relay = undefined;
  await redis.dispose();
  await rm(directory, { recursive: true, force: true });
});

/** Puts the file in place as Kubernetes does: a link to a directory is swapped, far from the file's own name. */
async function provide(text: string): Promise<void> {
  const version = join(directory, `v${++versions}`);
  await mkdir(version);
  await writeFile(join(version, 'accounts.yaml'), text);
  await symlink(version, join(directory, 'next'));
  await rename(join(directory, 'next'), join(directory, 'data'));
}

const settings = (): Record<string, string> => ({
  POSTHORN_REDIS_URL: redis.url,
  POSTHORN_LISTEN: '127.0.0.1',
  POSTHORN_PROVISION: join(directory, 'data/accounts.yaml'),
});

async function start(): Promise<RunningPosthorn> {
  relay = await RunningPosthorn.start(settings());
  return relay;
}

async function applied(outcome: string, count: number): Promise<void> {
  const giveUpAt = Date.now() + FOLLOWED_WITHIN_MS;
  while ((await relay?.metric('posthorn_provisioning_total', `outcome="${outcome}"`)) !== count) {
    if (Date.now() > giveUpAt) throw new Error(`not ${outcome}:\n${relay?.output.slice(-4_000)}`);
    await sleep(POLL_MS);
  }
}

/** Of all that is in Redis, what the file could have to do with: the queue has a pulse of its own. */
async function accountsDump(): Promise<Record<string, string>> {
  const connection = connectRedis(redis.url, 'answering');
  await untilReady(connection, FOLLOWED_WITHIN_MS);
  const keys = Object.entries(await AccountsStore.dump(connection));
  await disconnectRedis(connection);
  return Object.fromEntries(keys.filter(([key]) => key.startsWith('{ph:accounts}')));
}

async function newSecret(): Promise<{ secret: string; hash: string }> {
  const { stdout } = await runPosthorn(['credential', 'hash', '--json']);
  return JSON.parse(stdout) as { secret: string; hash: string };
}

async function logIn(password: string): Promise<{ client: RawSmtp; said: string }> {
  if (!relay) throw new Error('no relay');
  const client = await RawSmtp.session(relay.ports.submissions, await readFile(relay.caFile, 'utf8'));
  clients.push(client);
  return { client, said: (await client.logIn(SENDER, password)).text };
}

const shop = (...credentials: readonly string[]): string =>
  [
    'accounts:',
    '  - name: shop',
    '    domains: [{ name: shop.example, assumeVerified: true }]',
    ...(credentials.length > 0 ? ['    credentials:', ...credentials.map((text) => `      - ${text}`)] : []),
    '',
  ].join('\n');

describe('a provisioning file', () => {
  it('is applied at the start, and by a second start without a change; there is no first account', async () => {
    const { secret, hash } = await newSecret();
    await provide(shop(`{ kind: smtp, user: ${SENDER}, hash: "${hash}" }`));
    const first = await start();
    const made = await accountsDump();
    expect(Object.keys(made)).toContain(`{ph:accounts}:smtp:${SENDER}`);
    const { client } = await logIn(secret);
    expect((await client.send(SENDER, ['ann@example.net'], MESSAGE)).text).toMatch(/^250 2\.0\.0 Ok: queued as /);
    expect(existsSync(join(first.dataDir, 'first-credentials.json'))).toBe(false);
    await first.dispose();

    await start();
    await applied('unchanged', 1);
    const { '{ph:accounts}:uses:shop': uses, '{ph:accounts}:traffic:shop': _, ...again } = await accountsDump();
    expect(again).toEqual(made);
    expect(uses).toContain('cred_');
  });

  it('is followed while the service runs: what is taken out of it is refused, in open sessions too', async () => {
    const { secret, hash } = await newSecret();
    const text = shop(`{ kind: smtp, user: ${SENDER}, hash: "${hash}" }`);
    await provide(text);
    await start();
    const { client } = await logIn(secret);
    await provide(text);
    await applied('unchanged', 1);
    expect((await client.send(SENDER, ['ann@example.net'], MESSAGE)).code).toBe(250);

    await provide(shop());
    await applied('changed', 2);
    expect((await logIn(secret)).said).toBe('535 5.7.8 Wrong user or password');
    const giveUpAt = Date.now() + FOLLOWED_WITHIN_MS;
    let reply = await client.command(`MAIL FROM:<${SENDER}>`);
    while (reply.code === 250 && Date.now() < giveUpAt) {
      await client.command('RSET');
      reply = await client.command(`MAIL FROM:<${SENDER}>`);
    }
    expect(reply.text).toMatch(/^530 5\.7\.0 This credential was revoked/);
  });

  it('that is broken meanwhile changes nothing, and each of its faults is logged with its line', async () => {
    const { secret, hash } = await newSecret();
    await provide(shop(`{ kind: smtp, user: ${SENDER}, hash: "${hash}" }`));
    const running = await start();
    const before = await accountsDump();
    await provide(shop('{ kind: smtp, hash: secret }', '{ kind: token }'));
    await applied('failed', 1);
    expect(await accountsDump()).toEqual(before);
    const giveUpAt = Date.now() + FOLLOWED_WITHIN_MS;
    while (!running.output.includes('provision.failed') && Date.now() < giveUpAt) await sleep(POLL_MS);
    const line = running.output.split('\n').find((text) => text.includes('provision.failed')) ?? '{}';
    const file = join(directory, 'data/accounts.yaml');
    expect((JSON.parse(line) as { faults: string[] }).faults).toEqual([
      expect.stringContaining(`${file}:5: accounts.0.credentials.0.user: `),
      expect.stringContaining(`${file}:5: accounts.0.credentials.0.hash: must be sha256:`),
      expect.stringContaining(`${file}:6: accounts.0.credentials.1.kind: must be smtp`),
    ]);
    expect((await logIn(secret)).said).toMatch(/^235 /);
  });

  it('that is broken at the start is a fault of the start, and nothing is made', async () => {
    await provide('accounts:\n  - name: shop\n    colour: red\n  - name: "no name"\nwebhooks: []\n');
    const file = join(directory, 'data/accounts.yaml');
    const failed = await startInVain(join(directory, 'state'), settings());
    expect(failed.complaint.split('\n')).toEqual([
      'posthorn: the file POSTHORN_PROVISION has 3 faults, nothing was started',
      `  ${file}:3: accounts.0.colour: is no field that is taken here`,
      expect.stringContaining(`  ${file}:4: accounts.1.name: must be an account name`),
      `  ${file}:5: webhooks: is not supported by this version`,
    ]);
    expect([failed.code, failed.left]).toEqual([2, []]);
    expect(await redis.command('EXISTS', '{ph:accounts}:accounts', '{ph:accounts}:first')).toBe(0);
  });

  it('that is not there is named', async () => {
    const failed = await startInVain(join(directory, 'state'), settings());
    expect(failed.complaint).toMatch(
      /^posthorn: the file POSTHORN_PROVISION has a fault.*\n.*accounts\.yaml: does not exist$/,
    );
    expect(failed.code).toBe(2);
  });
});
