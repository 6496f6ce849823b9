/**
 * Without a Redis that takes writes nothing is promised: every door says "later" within two seconds, the operators' port
 * says why, nothing that was accepted is lost, and all is well again by itself.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnedRedis } from './owned-redis.js';
import { RawSmtp } from './raw-smtp.js';
import { readBooks, startLedgerSink, untilNothingWaits, type LedgerSink } from './reckoning.js';
import { RunningPosthorn } from './running-posthorn.js';
import { withPatience } from '../patience.js';

/** What the doors and the operators' port must answer within, whatever Redis does. */
const ANSWER_WITHIN_MS = 2_000;
const WELL_AGAIN_WITHIN_MS = 5_000;
/** Work that a worker had in hand may have to wait for its lease to lapse. */
const SETTLED_WITHIN_MS = 60_000;
const POLL_MS = 50;
const FREE_BYTES = 20 * 1024 * 1024;
const ATTACHMENT_BYTES = 100 * 1024;
const SENDER = 'shop@example.org';

let sink: LedgerSink;
let redis: OwnedRedis;
let posthorn: RunningPosthorn;
let sent: number;
const sessions: RawSmtp[] = [];

beforeEach(async () => {
  sent = 0;
  sink = await startLedgerSink();
  redis = await OwnedRedis.start();
  posthorn = await RunningPosthorn.start({
    POSTHORN_REDIS_URL: redis.url,
    POSTHORN_LISTEN: '127.0.0.1',
    POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.mx.port}?tls=none`,
    POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
    POSTHORN_RETRY: '1s',
    POSTHORN_LOG_LEVEL: 'warn',
  });
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.close();
  redis.thaw();
  await posthorn.dispose().finally(() => redis.dispose());
  await sink.mx.close();
});

/** A connection to a door; logged in where the door asks for it, unless `asNobody`. */
async function connect(door: 'submission' | 'submissions' | 'trusted', asNobody = false): Promise<RawSmtp> {
  const { ports } = posthorn;
  const ca = await readFile(posthorn.caFile, 'utf8');
  const session = await RawSmtp.session(ports[door], door === 'submissions' ? ca : undefined);
  sessions.push(session);
  if (door === 'submission') await session.startTls(ca);
  if (door !== 'trusted' && !asNobody) expect(await logIn(session)).toBe(235);
  return session;
}

async function logIn(session: RawSmtp): Promise<number> {
  const { smtp } = await posthorn.credentials();
  return (await session.logIn(smtp.user, smtp.password)).code;
}

/** A message of its own to `mailbox`; the code of the reply that ended it. */
async function send(session: RawSmtp, mailbox = 'yes', text = 'Thank you.'): Promise<number> {
  const recipient = `${mailbox}.${++sent}@customers.example`;
  const header = `From: ${SENDER}\r\nSubject: Your receipt\r\nX-Ledger-Number: ${recipient}\r\n`;
  return (await session.send(SENDER, [recipient], Buffer.from(`${header}\r\n${text}\r\n`))).code;
}

async function post(): Promise<number> {
  const to = `yes.${++sent}@customers.example`;
  const body = { from: SENDER, to, subject: 'Your receipt', text: 'Thank you.', headers: { 'X-Ledger-Number': to } };
  return (await posthorn.api('POST', '/v1/messages', body)).status;
}

async function live(): Promise<number> {
  return (await fetch(`http://127.0.0.1:${posthorn.ports.ops}/livez`)).status;
}

interface Doors {
  readonly submission: RawSmtp;
  readonly submissions: RawSmtp;
  readonly trusted: RawSmtp;
  /** Connected, not logged in. */
  readonly strangers: readonly RawSmtp[];
}

async function openDoors(): Promise<Doors> {
  return {
    submission: await connect('submission'),
    submissions: await connect('submissions'),
    trusted: await connect('trusted'),
    strangers: [await connect('submission', true), await connect('submissions', true)],
  };
}

/** What every door and the operators' port say now, asked all at once; each within the time. */
async function askAll({
  submission,
  submissions,
  trusted,
  strangers,
}: Doors): Promise<{ mail: number[]; auth: number[]; http: number; live: number; ready: number; reason: string }> {
  const inTime = async <Answer>(question: Promise<Answer>): Promise<Answer> => {
    const askedAt = performance.now();
    const answer = await question;
    expect(performance.now() - askedAt).toBeLessThan(withPatience(ANSWER_WITHIN_MS));
    return answer;
  };
  const [mail, auth, http, alive, ready] = await Promise.all([
    Promise.all([submission, submissions, trusted].map((session) => inTime(send(session)))),
    Promise.all(strangers.map((session) => inTime(logIn(session)))),
    inTime(post()),
    inTime(live()),
    inTime(posthorn.readiness()),
  ]);
  return { mail, auth, http, live: alive, ready: ready.status, reason: ready.body };
}

/** Resolves with the time it took until every door took mail and the operators' port said so. */
async function untilWell(): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const { status } = await posthorn.readiness();
    const answers = status === 200 ? [await post(), await send(await connect('trusted'))] : [];
    if (answers.every((answer) => answer < 300) && answers.length > 0) break;
    await sleep(POLL_MS);
  }
  const doors = await openDoors();
  expect(await askAll(doors)).toMatchObject({ mail: [250, 250, 250], auth: [235, 235], http: 202, ready: 200 });
  return performance.now() - startedAt;
}

/** Mail of which some waits for its second attempt when the outage begins. */
async function acceptSome(): Promise<string[]> {
  const session = await connect('submission');
  const numbers: string[] = [];
  for (let i = 0; i < 20; i++) {
    const mailbox = i % 2 === 0 ? 'later' : 'yes';
    expect(await send(session, mailbox)).toBe(250);
    numbers.push(`${mailbox}.${sent}@customers.example`);
  }
  return numbers;
}

/** Expects that each of `numbers` came exactly once, and that the books are closed. */
async function expectAllDelivered(numbers: readonly string[]): Promise<void> {
  await untilNothingWaits(posthorn, SETTLED_WITHIN_MS);
  const arrived = sink.mx.received.map(({ data }) => /^X-Ledger-Number: (\S+)/m.exec(data.toString('latin1'))?.[1]);
  expect(numbers.map((number) => arrived.filter((each) => each === number).length)).toEqual(numbers.map(() => 1));
  const books = await readBooks(redis.url);
  expect(books).toMatchObject({ accepted: books.delivered, delivered: new Set(arrived).size, waiting: 0 });
}

const LATER = { mail: [451, 451, 451], auth: [454, 454], http: 503, live: 200, ready: 503 };

describe('a Redis that stands still', () => {
  it('makes every door say "later" in time, and costs nothing but the time', async () => {
    const numbers = await acceptSome();
    const doors = await openDoors();
    redis.freeze();
    const first = await askAll(doors);
    expect(first).toMatchObject(LATER);
    expect(first.reason).toContain('Redis does not answer');
    // Again, when the connection has been given up: no slower.
    expect(await askAll(await reopened(doors))).toMatchObject(LATER);
    redis.thaw();
    expect(await untilWell()).toBeLessThan(withPatience(WELL_AGAIN_WITHIN_MS));
    await expectAllDelivered(numbers);
  });
});

describe('a Redis that is gone and comes back on the same files', () => {
  it('makes every door say "later" in time, and costs nothing but the time', async () => {
    const numbers = await acceptSome();
    const doors = await openDoors();
    await redis.kill();
    const first = await askAll(doors);
    expect(first).toMatchObject(LATER);
    expect(first.reason).toContain('Redis does not answer');
    expect(await askAll(await reopened(doors))).toMatchObject(LATER);
    await redis.launch();
    expect(await untilWell()).toBeLessThan(withPatience(WELL_AGAIN_WITHIN_MS));
    await expectAllDelivered(numbers);
  });
});

/** A session whose AUTH was refused may be at its end; those that sent mail go on. */
async function reopened(doors: Doors): Promise<Doors> {
  return { ...doors, strangers: [await connect('submission', true), await connect('submissions', true)] };
}

describe('a Redis that is full', () => {
  it('makes the doors say "later" and keeps nothing of what they refused', async () => {
    const numbers = await acceptSome();
    const doors = await openDoors();
    const before = await readBooks(redis.url);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1mb');
    const answers = await askAll(doors);
    // Reading still works, so AUTH does.
    expect(answers).toMatchObject({ ...LATER, auth: [235, 235] });
    expect(answers.reason).toContain('Redis is full');
    expect((await readBooks(redis.url)).accepted).toBe(before.accepted);
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await untilWell()).toBeLessThan(withPatience(WELL_AGAIN_WITHIN_MS));
    await expectAllDelivered(numbers);
  });
});

describe('a Redis that fills up with mail', () => {
  it('is never filled to the brim, so that it drains again by itself', async () => {
    const [worker = -1] = await posthorn.children('worker');
    const limitBytes = (await usedMemoryBytes()) + FREE_BYTES;
    await redis.command('CONFIG', 'SET', 'maxmemory', String(limitBytes));
    const session = await connect('trusted');
    const text = randomBytes(ATTACHMENT_BYTES).toString('base64').replace(/.{76}/g, '$&\r\n');
    let accepted = 0;
    process.kill(worker, 'SIGSTOP');
    try {
      while ((await send(session, 'yes', text)) === 250) accepted++;
      expect(await send(session, 'yes', text)).toBe(451);
      expect(await usedMemoryBytes()).toBeLessThan(limitBytes);
    } finally {
      process.kill(worker, 'SIGCONT');
    }
    expect(accepted).toBeGreaterThan(FREE_BYTES / ATTACHMENT_BYTES / 2);
    await untilNothingWaits(posthorn, SETTLED_WITHIN_MS);
    expect(sink.mx.received).toHaveLength(accepted);
    expect(await untilWell()).toBeLessThan(withPatience(WELL_AGAIN_WITHIN_MS));
  });
});

async function usedMemoryBytes(): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(String(await redis.command('INFO', 'memory')))?.[1]);
}

describe('a Redis that has forgotten its scripts', () => {
  it('is not noticed: the next message is accepted and delivered once', async () => {
    const session = await connect('submission');
    expect(await send(session)).toBe(250);
    await sink.mx.waitFor(1);
    await redis.command('SCRIPT', 'FLUSH');
    expect(await send(session)).toBe(250);
    expect(await send(session, 'later')).toBe(250);
    expect(await post()).toBe(202);
    await expectAllDelivered(['yes.1', 'yes.2', 'later.3', 'yes.4'].map((mailbox) => `${mailbox}@customers.example`));
  });
});
