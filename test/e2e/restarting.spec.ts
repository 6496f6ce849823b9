/** The service through its starts and its ends: what is made once, what is shown once, and what is never left behind. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts } from '../../src/accounts/accounts.js';
import { startMx } from '../../src/cli/demo/scripted-mx.js';
import { SystemClock } from '../../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { isInstalled } from '../programs/installed.js';
import { processesOf } from './failing-start.js';
import { RawSmtp } from './raw-smtp.js';
import { environment, freePort, freePorts, type PosthornPorts, RunningPosthorn } from './running-posthorn.js';
import { withPatience } from '../patience.js';

const FIRST_START = 'First start';
const READY_WITHIN_MS = withPatience(6_000);
const GONE_WITHIN_MS = withPatience(6_000);
const POLL_MS = 20;
const MESSAGE = Buffer.from('From: app@example.org\r\nTo: x@example.net\r\nSubject: once\r\n\r\nHello.\r\n');

let directory: string;
let dataDir: string;
const running: RunningPosthorn[] = [];
const clients: RawSmtp[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthorn-restarting-'));
  dataDir = join(directory, 'data');
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const posthorn of running.splice(0)) await posthorn.dispose();
  await rm(directory, { recursive: true, force: true });
});

async function start(settings: Readonly<Record<string, string>> = {}, ports?: PosthornPorts): Promise<RunningPosthorn> {
  const posthorn = await RunningPosthorn.start(settings, dataDir, ports);
  running.push(posthorn);
  return posthorn;
}

async function session(posthorn: RunningPosthorn): Promise<RawSmtp> {
  const ca = await readFile(posthorn.caFile, 'utf8');
  const client = await RawSmtp.session(posthorn.ports.submissions, ca, (await posthorn.credentials()).smtp);
  clients.push(client);
  return client;
}

async function untilGone(): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const left = await processesOf(dataDir);
    const waitedMs = performance.now() - startedAt;
    if (left.length === 0) return waitedMs;
    if (waitedMs > GONE_WITHIN_MS) throw new Error(`still there after ${Math.round(waitedMs)} ms: ${left.join('; ')}`);
    await sleep(POLL_MS);
  }
}

describe('the first start', () => {
  it('makes one account, whose credentials are in a private file and in no output', async () => {
    const first = await start({ POSTHORN_LOG_LEVEL: 'debug' });
    const { account, domain, smtp, apiKey } = await first.credentials();
    expect({ account, domain }).toEqual({ account: 'default', domain: 'example.org' });
    expect(smtp.user).toMatch(/^[^@]+@example\.org$/);
    expect((await stat(join(dataDir, 'first-credentials.json'))).mode & 0o777).toBe(0o600);

    const client = await session(first);
    expect(await client.logIn(smtp.user, 'a wrong one')).toMatchObject({ code: 503 }); // It has logged in already.
    expect(await client.send('app@example.org', ['x@example.net'], MESSAGE)).toMatchObject({ code: 250 });
    expect((await first.api('GET', '/v1/domains/example.org')).status).toBe(200);
    expect(await first.terminate()).toBe(0);
    expect(first.output).toContain(FIRST_START);
    const encoded = Buffer.from(`\0${smtp.user}\0${smtp.password}`).toString('base64');
    for (const secret of [smtp.password, apiKey, encoded]) expect(first.output).not.toContain(secret);
  });

  const test = isInstalled('script') ? it : it.skip;
  test(`shows them once to a terminal${isInstalled('script') ? '' : ' (missing: bsdutils)'}`, async () => {
    const shown: string[] = [];
    for (let run = 1; run <= 2; run++) {
      const { output, code } = await runOnTerminal();
      expect(code).toBe(0);
      shown.push(output);
    }
    const { smtp, apiKey } = JSON.parse(await readFile(join(dataDir, 'first-credentials.json'), 'utf8')) as {
      smtp: { user: string; password: string };
      apiKey: string;
    };
    for (const secret of [smtp.password, apiKey]) {
      expect(shown.map((output) => output.split(secret).length - 1)).toEqual([1, 0]);
    }
    expect(shown[0]).toContain(smtp.user);
    expect(shown[1]).not.toContain(FIRST_START);
  });

  /** One whole life on a terminal, from the start to SIGTERM after the banner. */
  async function runOnTerminal(): Promise<{ output: string; code: number | null }> {
    const program = join(import.meta.dirname, '../../dist/cli/main.js');
    const command = `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' up`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      env: environment(dataDir, await freePorts(), {}),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    terminal.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const closed = once(terminal, 'close');
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!output.includes('Posthorn is up') && terminal.exitCode === null && Date.now() < deadline)
      await sleep(POLL_MS);
    const supervisor = (await processesOf(dataDir)).find((line) => line.split(' ')[1] === process.execPath);
    process.kill(Number(supervisor?.split(' ')[0]), 'SIGTERM');
    const [code] = (await closed) as [number | null];
    return { output, code };
  }
});

describe('a second start', () => {
  it('finds the account, the credentials and the certificate of the first', async () => {
    const first = await start();
    const before = [await first.credentials(), await readFile(first.caFile, 'utf8')];
    await first.terminate();

    const startedAt = performance.now();
    const second = await start();
    console.info(`second start: ${Math.round(performance.now() - startedAt)} ms from spawn to ready`);
    expect([await second.credentials(), await readFile(second.caFile, 'utf8')]).toEqual(before);
    expect(second.output).not.toContain(FIRST_START);
    const client = await session(second);
    expect(await client.command('AUTH LOGIN')).toMatchObject({ code: 503 }); // It has logged in already.
    expect(await accounts()).toEqual(['default']);
  });

  async function accounts(): Promise<string[]> {
    const redis = connectRedis(`unix://${dataDir}/redis/redis.sock`, 'answering');
    try {
      await untilReady(redis, 60_000);
      return (await new Accounts(redis, new SystemClock()).list()).map(({ name }) => name);
    } finally {
      await disconnectRedis(redis);
    }
  }
});

describe('SIGTERM', () => {
  it('ends it with status 0 and leaves no process, though a client keeps its connection', async () => {
    const posthorn = await start();
    const client = await session(posthorn);
    const startedAt = performance.now();
    expect(await posthorn.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(GONE_WITHIN_MS);
    expect((await client.reply()).text).toMatch(/^421 4\.3\.2 .* try again/);
    await client.untilClosed();
    expect(await processesOf(dataDir)).toEqual([]);
  });

  it('lets a message that is being sent come in, and answers for it', async () => {
    const posthorn = await start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${await freePort()}` });
    const client = await session(posthorn);
    await client.commands('MAIL FROM:<app@example.org>', 'RCPT TO:<x@example.net>', 'DATA');
    client.write(MESSAGE.subarray(0, 20));
    const ended = posthorn.terminate();
    await sleep(500);
    expect((await client.data(MESSAGE.subarray(20))).text).toMatch(/^250 2\.0\.0 Ok: queued as /);
    client.close();
    expect(await ended).toBe(0);
    const again = await start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${await freePort()}` });
    expect(await again.metric('posthorn_queue_recipients', 'state="waiting"')).toBe(1);
  });
});

describe('SIGKILL of the supervisor', () => {
  it('ends all its children in seconds, and the next start goes on with what was accepted', async () => {
    const routes = `*=smtp://127.0.0.1:${await freePort()}`;
    const first = await start({ POSTHORN_ROUTES: routes });
    const client = await session(first);
    expect(await client.send('app@example.org', ['x@example.net'], MESSAGE)).toMatchObject({ code: 250 });
    await first.kill();
    console.info(`after SIGKILL of the supervisor its children were gone in ${Math.round(await untilGone())} ms`);

    const second = await start({ POSTHORN_ROUTES: routes });
    expect(await second.metric('posthorn_queue_recipients', 'state="waiting"')).toBe(1);
    expect(await session(second).then((next) => next.command('NOOP'))).toMatchObject({ code: 250 });
  });

  it('is made good by a start right after it, on the same ports, while clients hold connections to the dead', async () => {
    const first = await start();
    const client = await session(first);
    await first.kill();
    const second = await start({}, first.ports);
    expect(await session(second).then((next) => next.command('NOOP'))).toMatchObject({ code: 250 });
    await client.untilClosed();
  });

  it('ends a worker too that waits for a mail server', async () => {
    const sink = await startMx({ script: { data: 'stall' } });
    try {
      const first = await start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none` });
      const client = await session(first);
      await client.send('app@example.org', ['x@example.net'], MESSAGE);
      while (sink.transactions === 0) await sleep(POLL_MS);
      await first.kill();
      await untilGone();
      const second = await start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none` });
      expect(await second.metric('posthorn_queue_recipients', 'state="waiting"')).toBe(1);
      await second.kill();
      await untilGone();
    } finally {
      await sink.close();
    }
  });
});
