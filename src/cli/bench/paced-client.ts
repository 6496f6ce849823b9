/**
 * Sends messages at the times they are due, whether or not earlier ones were answered: an open loop, as real clients are.
 *
 * What a closed loop hides (coordinated omission) is counted: a message that is due while every session waits for an
 * answer has its waiting time added to its latency.
 */
import { SmtpClientSession } from './smtp-client-session.js';
import { testMessageOnTheWire } from './test-message.js';

export interface PacedOptions {
  readonly port: number;
  readonly recipient: string;
  readonly sessions: number;
  /** When each message is due, in milliseconds after the start, ascending. */
  readonly dueMs: Float64Array;
  /** What is not answered by then is given up. */
  readonly withinMs: number;
}

export interface PacedResult {
  /** Of each message that was answered with 250: from its final dot to the reply, and the time it waited for a session. */
  readonly latenciesMs: readonly number[];
  /** What went wrong first; undefined where all were accepted. */
  readonly fault: string | undefined;
}

/** Never rejects. */
export async function sendPaced(options: PacedOptions): Promise<PacedResult> {
  const { port, recipient, dueMs } = options;
  const stuffed = Buffer.concat([testMessageOnTheWire(), Buffer.from('.\r\n')]);
  const opened = await Promise.allSettled(Array.from({ length: options.sessions }, () => SmtpClientSession.open(port)));
  const sessions = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const latenciesMs: number[] = [];
  let fault = opened.map((result) => (result.status === 'rejected' ? String(result.reason) : undefined)).find(Boolean);
  let next = 0;
  const startedAt = performance.now();
  const giveUp = setTimeout(() => {
    fault ??= `only ${latenciesMs.length} of ${dueMs.length} messages were accepted in ${options.withinMs / 1_000} s`;
    for (const session of sessions) session.close();
  }, options.withinMs);

  // Each session takes the next message that is due; who finds none due waits for it.
  const work = async (session: SmtpClientSession): Promise<void> => {
    while (fault === undefined && next < dueMs.length) {
      const dueAt = startedAt + (dueMs[next++] ?? 0);
      const waitedMs = Math.max(performance.now() - dueAt, 0);
      await until(dueAt);
      const { dotAt, repliedAt } = await session.send(recipient, stuffed);
      latenciesMs.push(waitedMs + repliedAt - dotAt);
    }
  };
  await Promise.all(
    sessions.map((session) =>
      work(session).catch((error: unknown) => {
        fault ??= (error as Error).message;
      }),
    ),
  );
  clearTimeout(giveUp);
  for (const session of sessions) session.close();
  return { latenciesMs, fault };
}

/** Poisson arrivals: independent clients, whose messages come in bunches as well as one by one. */
export function poissonArrivals(messages: number, perSecond: number, random: () => number): Float64Array {
  let atMs = 0;
  return Float64Array.from({ length: messages }, () => (atMs += (-Math.log(1 - random()) / perSecond) * 1_000));
}

function until(at: number): Promise<void> | undefined {
  const waitMs = at - performance.now();
  if (waitMs <= 0) return undefined;
  return new Promise((resolve) => setTimeout(resolve, Math.ceil(waitMs)));
}
