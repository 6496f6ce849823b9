/** What became of every message that was acknowledged: compares the clients' record, the sink's, and the relay's books. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { QueueLedger } from '../../src/queue/queue-ledger.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import type { RunningPosthorn } from './running-posthorn.js';
import type { Submission } from './submission-load.js';

/** A sink that judges by mailbox name: `later.` is deferred once, `no.` refused for good, anybody else taken. */
export interface LedgerSink {
  readonly mx: ScriptedMx;
  /** Recipients that were refused for good. */
  readonly refused: ReadonlySet<string>;
}

export interface Reckoning {
  readonly acknowledged: number;
  readonly delivered: number;
  readonly bounced: number;
  /** Acknowledged, and neither delivered nor refused by the sink. */
  readonly lost: readonly string[];
  /** Arrivals beyond the first of each message. */
  readonly duplicates: number;
  /** Submissions without a 2xx whose message the relay kept all the same. */
  readonly keptUnacknowledged: number;
  /** Messages that met no end at the sink, or of whose end the API tells otherwise. */
  readonly misreported: readonly string[];
  /** What the relay has in its ledger. */
  readonly books: Books;
}

export interface Books {
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly waiting: number;
}

const POLL_MS = 100;
const READY_WITHIN_MS = 60_000;
const QUESTIONS_AT_ONCE = 8;
/** As long as a near receiver takes to answer the final dot, so that a death meets messages on the wire. */
const DOT_DELAY_MS = 10;

export async function startLedgerSink(): Promise<LedgerSink> {
  const refused = new Set<string>();
  const mx = await startMx({
    script: {
      delaysMs: { dot: DOT_DELAY_MS },
      rcpt: (address, { attempt }) => {
        if (address.startsWith('later.') && attempt === 1) return '451 4.7.1 You are new here, come back';
        if (!address.startsWith('no.')) return '250 2.1.5 Ok';
        refused.add(address);
        return '550 5.1.1 No such user';
      },
    },
  });
  return { mx, refused };
}

/** Resolves when the relay has nothing left to do; rejects where it still has after `withinMs`. */
export async function untilNothingWaits(posthorn: RunningPosthorn, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const waiting = await posthorn.metric('posthorn_queue_recipients');
    if (waiting === 0) return;
    if (Date.now() > deadline) throw new Error(`${waiting} recipients still wait after ${withinMs} ms`);
    await sleep(POLL_MS);
  }
}

/** To be called when nothing waits. `redisUrl` is that of the relay's Redis. */
export async function reckon(
  posthorn: RunningPosthorn,
  redisUrl: string,
  submissions: readonly Submission[],
  sink: LedgerSink,
): Promise<Reckoning> {
  const arrivals = new Map<string, number>();
  for (const { data } of sink.mx.received) {
    const number = /^X-Ledger-Number: (\S+)/m.exec(data.toString('latin1'))?.[1] ?? '';
    arrivals.set(number, (arrivals.get(number) ?? 0) + 1);
  }
  const wasDelivered = ({ number }: Submission): boolean => arrivals.has(number);
  const wasRefused = ({ recipient }: Submission): boolean => sink.refused.has(recipient);
  const acknowledged = submissions.filter(({ messageId }) => messageId !== undefined);
  const unacknowledged = submissions.filter(({ messageId }) => messageId === undefined);
  const ended = acknowledged.filter((submission) => wasDelivered(submission) || wasRefused(submission));
  const states = await statesOf(posthorn, ended);
  return {
    acknowledged: acknowledged.length,
    delivered: acknowledged.filter(wasDelivered).length,
    bounced: acknowledged.filter(wasRefused).length,
    lost: acknowledged.filter((submission) => !ended.includes(submission)).map(({ number }) => number),
    duplicates: [...arrivals.values()].reduce((sum, count) => sum + count - 1, 0),
    keptUnacknowledged: unacknowledged.filter((submission) => wasDelivered(submission) || wasRefused(submission))
      .length,
    misreported: ended
      .filter((submission) => states.get(submission) !== (wasDelivered(submission) ? 'delivered' : 'bounced'))
      .map((submission) => `${submission.number}: ${states.get(submission) ?? 'unknown'}`),
    books: await readBooks(redisUrl),
  };
}

/** The ledger of all streams together. */
export async function readBooks(redisUrl: string): Promise<Books> {
  const redis = connectRedis(redisUrl, 'answering');
  try {
    await untilReady(redis, READY_WITHIN_MS);
    const lines = await new QueueLedger(redis).lines();
    const sum = (of: (line: (typeof lines)[number]) => number): number =>
      lines.reduce((all, line) => all + of(line), 0);
    return {
      accepted: sum(({ accepted }) => accepted),
      delivered: sum(({ settled }) => settled.delivered ?? 0),
      bounced: sum(({ settled }) => settled.bounced ?? 0),
      waiting: sum(({ waiting }) => waiting),
    };
  } finally {
    await disconnectRedis(redis);
  }
}

/** The state that the API tells of the recipient of each message, checked against its last event. */
async function statesOf(
  posthorn: RunningPosthorn,
  submissions: readonly Submission[],
): Promise<ReadonlyMap<Submission, string>> {
  const states = new Map<Submission, string>();
  const rest = submissions.values();
  const ask = async (): Promise<void> => {
    for (const submission of rest) {
      const { json } = await posthorn.api('GET', `/v1/messages/${submission.messageId ?? ''}`);
      const [recipient] = (json.recipients ?? []) as { state: string; events: { type: string }[] }[];
      const last = recipient?.events.at(-1)?.type;
      states.set(
        submission,
        recipient?.state === last ? (last ?? 'none') : `${recipient?.state ?? 'none'} after ${last ?? 'nothing'}`,
      );
    }
  };
  await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, ask));
  return states;
}
