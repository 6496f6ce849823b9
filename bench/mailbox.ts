/**
 * What the mailbox costs: `node --run bench:mailbox`, by hand, after a build. Takes two minutes.
 *
 * Fills the mailbox of a relay on loopback with 10,000 reports, and measures SELECT in a new and in a running session; a
 * first sync by mbsync of the headers alone and of everything, beside a Dovecot of Debian's that holds the same messages
 * in a maildir, both over TLS, turn by turn; and the memory of the mailbox process with 2,000 sessions in IDLE, and with
 * 200 clients that never read.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { RedisReports, REPORT_BYTES_MAX, REPORTS_MAX, STRAYS_MAX } from '../src/bounces/reports/redis-reports.js';
import { SystemClock } from '../src/mail/clock.js';
import { connectRedis, disconnectRedis, untilReady } from '../src/store/connect-redis.js';
import { Log } from '../src/telemetry/logger.js';
import { Metrics } from '../src/telemetry/metrics.js';
import { RunningPosthorn } from '../test/e2e/running-posthorn.js';
import { RunningDovecot } from '../test/mailbox/running-dovecot.js';
import { bounceReport } from './bounce-report.js';

const REPORTS = 10_000;
const SESSIONS = 2_000;
const NEVER_READING = 200;
const ROUNDS = 3;
const GOALS = { selectMs: 50, timesDovecot: 2, sessionsMib: 400, unreadMib: 500 };

interface ImapServer {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A session that says a line and waits for the answer to it. */
class Session {
  private text = '';
  private wake: () => void = () => undefined;

  constructor(private readonly socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.wake();
    });
  }

  static async open({ port, user, password }: ImapServer): Promise<Session> {
    const session = new Session(connect({ host: '127.0.0.1', port, rejectUnauthorized: false }));
    await session.until(/^\* OK/);
    await session.command(`LOGIN ${user} ${password}`);
    return session;
  }

  /** Milliseconds until it was answered. */
  async command(line: string, answer = /^a OK/m): Promise<number> {
    const startedAt = performance.now();
    this.text = '';
    this.socket.write(`a ${line}\r\n`);
    await this.until(answer);
    return performance.now() - startedAt;
  }

  askAndNotRead(): void {
    this.socket.pause();
    const asked = 'b UID FETCH 1:* (BODY.PEEK[HEADER] ENVELOPE BODYSTRUCTURE FLAGS)\r\n'.repeat(50);
    this.socket.write(`a SELECT INBOX\r\n${asked}`);
  }

  close(): void {
    this.socket.destroy();
  }

  private async until(answer: RegExp): Promise<void> {
    while (!answer.test(this.text)) {
      if (/^a (?:NO|BAD)/m.test(this.text) || this.socket.destroyed) throw new Error(this.text);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

async function fill(posthorn: RunningPosthorn, reports: readonly Buffer[]): Promise<void> {
  const redis = connectRedis(`unix://${join(posthorn.dataDir, 'redis/redis.sock')}`, 'answering');
  await untilReady(redis, 10_000);
  const quota = { retentionMs: 86_400_000, countMax: REPORTS_MAX, bytesMax: REPORT_BYTES_MAX, strays: STRAYS_MAX };
  const log = Log.open({ level: 'error', addresses: 'full', process: 'bench' });
  const store = new RedisReports(redis, quota, new SystemClock(), new Metrics(), log);
  for (let at = 0; at < reports.length; at += 50) {
    const writing = reports
      .slice(at, at + 50)
      .map((content, index) =>
        store.append('default', { key: String(at + index), kind: 'hard', messageId: 'm', at: Date.now(), content }),
      );
    await Promise.all(writing);
  }
  await disconnectRedis(redis);
}

/** Seconds that a first sync takes. */
async function firstSync({ port, user, password }: ImapServer, caFile: string, headersOnly: boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'posthorn-mbsync-'));
  const config = `
FSync no

IMAPAccount a
Host localhost
Port ${port}
User ${user}
Pass ${password}
SSLType IMAPS
CertificateFile ${caFile}

IMAPStore far
Account a

MaildirStore near
Path ${directory}/mail/
Inbox ${directory}/mail/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState *
${headersOnly ? 'MaxSize 1' : ''}
`;
  await mkdir(join(directory, 'mail'));
  await writeFile(join(directory, 'rc'), config);
  const startedAt = performance.now();
  const child = spawn('mbsync', ['-q', '-c', join(directory, 'rc'), '-a'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await new Promise((resolve) => child.once('exit', resolve));
  const seconds = (performance.now() - startedAt) / 1_000;
  await rm(directory, { recursive: true });
  if (status !== 0) throw new Error(`mbsync ended with ${String(status)}`);
  return seconds;
}

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function say(what: string, figure: string, isMet?: boolean): void {
  const mark = isMet === undefined ? ' ' : isMet ? '✔' : '✘';
  console.log(`  ${mark} ${what.padEnd(58)} ${figure}`);
  if (isMet === false) process.exitCode = 1;
}

async function measureSelect(server: ImapServer): Promise<void> {
  const startedAt = performance.now();
  const session = await Session.open(server);
  await session.command('SELECT INBOX');
  // The login reads the list of the reports, which the process then keeps.
  const firstMs = performance.now() - startedAt;
  const others: number[] = [];
  for (let i = 0; i < 5; i++) {
    const other = await Session.open(server);
    others.push(await other.command('SELECT INBOX'));
    other.close();
  }
  const warm: number[] = [];
  for (let i = 0; i < 20; i++) warm.push(await session.command(i % 2 === 0 ? 'SELECT INBOX' : 'SELECT Hard'));
  const fetchMs = await session.command('FETCH 1:* (UID FLAGS)');
  const envelopeMs = await session.command('FETCH 1:* (UID FLAGS ENVELOPE)');
  const searchMs = await session.command('SEARCH BODY nowhere-to-be-found');
  session.close();
  say('connection, login and SELECT of the first session, ms', firstMs.toFixed(0));
  say('SELECT in a new session, ms', others.map((ms) => ms.toFixed(1)).join(' '), Math.max(...others) < GOALS.selectMs);
  say('SELECT in a running session, median ms', median(warm).toFixed(1), median(warm) < GOALS.selectMs);
  say('FETCH 1:* (UID FLAGS), and with ENVELOPE, ms', `${fetchMs.toFixed(0)}, ${envelopeMs.toFixed(0)}`);
  say('SEARCH BODY, ms', searchMs.toFixed(0));
}

async function compareSyncs(posthorn: ImapServer, dovecot: ImapServer, caFile: string): Promise<void> {
  for (const headersOnly of [true, false]) {
    const [ours, theirs]: number[][] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours?.push(await firstSync(posthorn, caFile, headersOnly));
      theirs?.push(await firstSync(dovecot, caFile, headersOnly));
    }
    const times = median(ours ?? []) / median(theirs ?? []);
    const figure = `${median(ours ?? []).toFixed(2)} and ${median(theirs ?? []).toFixed(2)} s: ${times.toFixed(2)} x`;
    const what = `first sync by mbsync, ${headersOnly ? 'headers' : 'everything'}, Posthorn and Dovecot`;
    say(what, figure, times <= GOALS.timesDovecot);
  }
}

async function measureIdle(posthorn: RunningPosthorn, server: ImapServer): Promise<void> {
  const [pid = 0] = await posthorn.children('mailbox');
  const before = await residentMib(pid);
  const sessions: Session[] = [];
  for (let i = 0; i < SESSIONS; i += 20) {
    sessions.push(...(await Promise.all(Array.from({ length: 20 }, () => Session.open(server)))));
  }
  for (const session of sessions) {
    await session.command('SELECT INBOX');
    await session.command('IDLE', /^\+ /m);
  }
  const after = await residentMib(pid);
  say(
    `${SESSIONS} sessions in IDLE, MiB (without them ${before.toFixed(0)})`,
    after.toFixed(0),
    after < GOALS.sessionsMib,
  );
  for (const session of sessions) session.close();
}

/** Clients that ask for everything many times and read nothing of it. */
async function measureUnread(posthorn: RunningPosthorn, server: ImapServer): Promise<void> {
  const [pid = 0] = await posthorn.children('mailbox');
  const sessions = await Promise.all(Array.from({ length: NEVER_READING }, () => Session.open(server)));
  for (const session of sessions) session.askAndNotRead();
  let most = 0;
  for (let seconds = 0; seconds < 15; seconds++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    most = Math.max(most, await residentMib(pid));
  }
  say(`${NEVER_READING} clients that ask for all and read nothing, MiB`, most.toFixed(0), most < GOALS.unreadMib);
  for (const session of sessions) session.close();
}

const posthorn = await RunningPosthorn.start();
const reports = Array.from({ length: REPORTS }, (_, index) => bounceReport(index));
const tls = { cert: posthorn.caFile, key: join(posthorn.dataDir, 'tls.key') };
const dovecot = await RunningDovecot.start(reports, tls);
try {
  await fill(posthorn, reports);
  const { smtp } = await posthorn.credentials();
  const server = { port: posthorn.ports.imaps, ...smtp };
  console.log(`${REPORTS} reports of ${Math.round(Buffer.concat(reports).length / REPORTS)} octets`);
  await measureSelect(server);
  await compareSyncs(server, dovecot, posthorn.caFile);
  await measureIdle(posthorn, server);
  await measureUnread(posthorn, server);
} finally {
  await dovecot.stop();
  await posthorn.dispose();
}
