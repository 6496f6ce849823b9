/**
 * How a well-behaved client fares while the front door is attacked: `node --run bench:front-door`, by hand, after a build.
 *
 * Starts a relay on loopback with a sink behind it, and sends messages one after another, a session each, over implicit
 * TLS with AUTH: first with nobody else there, then beside 200 slow senders and 2,000 wrong passwords from 50 addresses.
 * Prints the time from MAIL FROM to the 250 of the message, and of a whole session, of both. Takes about 30 seconds.
 */
import { spawn, fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

const SLOW_SENDERS = 200;
const ADDRESSES = 50;
const GUESSES_PER_ADDRESS = 40;
/** All of them: a burst is worse than any stream. */
const GUESSES_AT_ONCE = ADDRESSES * GUESSES_PER_ADDRESS;
const QUIET_MS = 8_000;
const ATTACKED_MS = 12_000;
const PAUSE_MS = 10;
const START_WITHIN_MS = 30_000;
const REPLY_WITHIN_MS = 20_000;
const MAIN = join(import.meta.dirname, '../dist/cli/main.js');
const GOAL_P99_MS = 100;

interface Login {
  readonly user: string;
  readonly password: string;
}

/** A line-by-line SMTP client, no more than is needed here. */
class Client {
  private text = '';
  private wake: () => void = () => undefined;
  private ended = false;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  /** The code of the next reply; 0 where the connection ended first. */
  async reply(): Promise<number> {
    const deadline = setTimeout(() => this.socket.destroy(), REPLY_WITHIN_MS);
    try {
      for (;;) {
        const last = /^(\d{3}) .*\r\n/m.exec(this.text);
        if (last) {
          this.text = this.text.slice(last.index + last[0].length);
          return Number(last[1]);
        }
        if (this.ended) return 0;
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  async command(line: string): Promise<number> {
    this.socket.write(`${line}\r\n`);
    return this.reply();
  }
}

function openTls(port: number, localAddress: string): Client {
  const from = { host: '127.0.0.1', port, localAddress };
  return new Client(connectTls({ ...from, rejectUnauthorized: false }));
}

const plainAuth = ({ user, password }: Login): string =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`;

interface Times {
  readonly message: number[];
  readonly session: number[];
  refused: number;
}

/** Sessions one after another until the time is over. */
async function sendFor(ms: number, port: number, login: Login): Promise<Times> {
  const times: Times = { message: [], session: [], refused: 0 };
  const until = performance.now() + ms;
  while (performance.now() < until) {
    const begun = performance.now();
    const client = openTls(port, '127.0.0.1');
    const opened = [
      await client.reply(),
      await client.command('EHLO client.test'),
      await client.command(plainAuth(login)),
    ];
    const from = performance.now();
    const sent = [
      await client.command('MAIL FROM:<app@example.org>'),
      await client.command('RCPT TO:<somebody@example.net>'),
      await client.command('DATA'),
      await client.command(`From: app@example.org\r\nSubject: hello\r\n\r\n${'x'.repeat(70)}\r\n.`),
    ];
    const accepted = performance.now();
    await client.command('QUIT');
    client.socket.destroy();
    if ([...opened, ...sent].join() === '220,250,235,250,250,354,250') {
      times.message.push(accepted - from);
      times.session.push(performance.now() - begun);
    } else times.refused += 1;
    await sleep(PAUSE_MS);
  }
  return times;
}

/** 200 clients that never come to an end: half of them within TLS, each with an octet a second. */
function sendSlowly(submission: number, submissions: number): void {
  for (let index = 0; index < SLOW_SENDERS; index++) {
    const localAddress = `127.0.1.${(index % 100) + 1}`;
    const client =
      index % 2 === 0
        ? new Client(connectTcp({ host: '127.0.0.1', port: submission, localAddress }))
        : openTls(submissions, localAddress);
    setInterval(() => client.socket.write('x'), 1_000).unref();
  }
}

/** 2,000 wrong passwords, a connection each, as fast as they go; how they were answered. */
async function guess(port: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < ADDRESSES * GUESSES_PER_ADDRESS; index = next++) {
      const client = openTls(port, `127.0.2.${(index % ADDRESSES) + 1}`);
      let code = await client.reply();
      if (code === 220) code = await client.command('EHLO attacker.test');
      if (code === 250)
        code = await client.command(plainAuth({ user: `user${index}@example.org`, password: `${index}` }));
      client.socket.destroy();
      answers[code] = (answers[code] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: GUESSES_AT_ONCE }, worker));
  return answers;
}

interface Relay {
  readonly login: Login;
  readonly submission: number;
  readonly submissions: number;
  readonly stop: () => Promise<void>;
}

async function startRelay(): Promise<Relay> {
  const dataDir = await mkdtemp(join(tmpdir(), 'posthorn-front-door-'));
  const sink = await startSink();
  const [submission = 0, submissions = 0, http = 0, ops = 0] = await freePorts(4);
  const relay = spawn(process.execPath, [MAIN, 'up'], {
    env: {
      PATH: process.env.PATH,
      POSTHORN_DATA_DIR: dataDir,
      POSTHORN_HOSTNAME: 'relay.example',
      POSTHORN_FIRST_DOMAIN: 'example.org',
      POSTHORN_WORKERS: '1',
      POSTHORN_LOG_LEVEL: 'warn',
      POSTHORN_ROUTES: `*=smtp://127.0.0.1:${portOf(sink)}?tls=none`,
      POSTHORN_SUBMISSION_PORT: String(submission),
      POSTHORN_SUBMISSIONS_PORT: String(submissions),
      POSTHORN_TRUSTED_PORT: '0',
      POSTHORN_ROLES: 'submission,api,worker',
      POSTHORN_HTTP_PORT: String(http),
      POSTHORN_OPS_PORT: String(ops),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    await ended(relay, 'SIGTERM');
    sink.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_WITHIN_MS;
  while (!(await isReady(ops))) {
    if (performance.now() < deadline && relay.exitCode === null) await sleep(50);
    else {
      await stop();
      throw new Error('the relay did not start; is it built?');
    }
  }
  const first = JSON.parse(await readFile(join(dataDir, 'first-credentials.json'), 'utf8')) as { smtp: Login };
  return { login: first.smtp, submission, submissions, stop };
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exit;
}

/** An MX that takes everything. */
async function startSink(): Promise<Server> {
  const sink = createServer((socket) => {
    let isData = false;
    let text = '';
    socket.on('error', () => undefined);
    socket.write('220 sink\r\n');
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (isData && line !== '.') continue;
        isData = line === 'DATA';
        socket.write(isData ? '354 go on\r\n' : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  return sink;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map(portOf);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? NaN).toFixed(1).padStart(8);
}

function row(name: string, times: Times): string {
  const figures = [times.message, times.session].flatMap((values) => [quantile(values, 0.5), quantile(values, 0.99)]);
  return `${name.padEnd(10)}${figures.join('')}${String(times.session.length).padStart(10)}${String(times.refused).padStart(9)}`;
}

/** In a process of their own, so that their work does not slow the client that is measured. */
async function attack(submission: number, submissions: number): Promise<void> {
  sendSlowly(submission, submissions);
  process.send?.({ answers: await guess(submissions) });
}

async function main(): Promise<void> {
  const relay = await startRelay();
  try {
    await sendFor(1_000, relay.submissions, relay.login);
    const quiet = await sendFor(QUIET_MS, relay.submissions, relay.login);
    const attackers = fork(import.meta.filename, ['attack', String(relay.submission), String(relay.submissions)]);
    let answers = 'still under way';
    attackers.on('message', (message: { answers: Record<string, number> }) => {
      answers = Object.entries(message.answers)
        .map(([code, count]) => `${count} x ${code}`)
        .join(', ');
    });
    const attacked = await sendFor(ATTACKED_MS, relay.submissions, relay.login);
    await ended(attackers, 'SIGKILL');
    console.log('ms         MAIL to 250: p50, p99   session: p50, p99   sessions  refused');
    console.log(row('quiet', quiet));
    console.log(row('attacked', attacked));
    console.log(`guesses: ${answers}`);
    const isGood = Number(quantile(attacked.message, 0.99)) < GOAL_P99_MS && attacked.refused === 0;
    console.log(
      isGood ? `p99 under ${GOAL_P99_MS} ms, nobody refused` : `missed: p99 under ${GOAL_P99_MS} ms, nobody refused`,
    );
    process.exitCode = isGood ? 0 : 1;
  } finally {
    await relay.stop();
  }
}

const [mode, submission, submissions] = process.argv.slice(2);
await (mode === 'attack' ? attack(Number(submission), Number(submissions)) : main());
