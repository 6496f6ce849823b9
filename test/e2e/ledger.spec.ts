/**
 * A 250 or 202 is a promise: whichever process is killed, no message that was acknowledged is lost, and the books add up.
 * A client sends what got no answer again, as a new message.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { reckon, startLedgerSink, untilNothingWaits, type LedgerSink } from './reckoning.js';
import { RunningPosthorn } from './running-posthorn.js';
import { SubmissionLoad } from './submission-load.js';

const MESSAGES = 3_000;
const SUBMITTED_WITHIN_MS = 60_000;
/** The work of a process that was killed comes back when its leases have lapsed, after 15 to 25 s. */
const SETTLED_WITHIN_MS = 60_000;
/** A worker that is killed has at most as many messages on the wire as it has sessions. */
const DUPLICATES_MAX = 100;

describe('under the load of 3,000 messages', () => {
  let sink: LedgerSink;
  let posthorn: RunningPosthorn;

  beforeEach(async () => {
    sink = await startLedgerSink();
    posthorn = await RunningPosthorn.start({
      POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.mx.port}?tls=none`,
      POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
      POSTHORN_RETRY: '1s',
      POSTHORN_LOG_LEVEL: 'warn',
    });
  });
  afterEach(async () => {
    await posthorn.dispose();
    await sink.mx.close();
  });

  async function killOne(name: 'doors' | 'worker' | 'redis-server'): Promise<void> {
    const [pid] = await posthorn.children(name);
    if (pid === undefined) throw new Error(`no ${name} is running`);
    process.kill(pid, 'SIGKILL');
  }

  it('nothing is lost by the deaths of a worker, of the doors and of Redis', async () => {
    const startedAt = performance.now();
    const load = new SubmissionLoad(posthorn, {
      messages: MESSAGES,
      clients: { submission: 3, trusted: 3, http: 2 },
      mailbox: (index) => (index % 10 === 0 ? 'no' : index % 5 === 1 ? 'later' : 'yes'),
    });
    const deaths = async (): Promise<void> => {
      await load.reached(MESSAGES * 0.2);
      await killOne('worker');
      await load.reached(MESSAGES * 0.45);
      await killOne('doors');
      await load.reached(MESSAGES * 0.7);
      await killOne('redis-server');
    };
    await Promise.all([load.run(SUBMITTED_WITHIN_MS), deaths()]);
    const submittedMs = performance.now() - startedAt;
    await untilNothingWaits(posthorn, SETTLED_WITHIN_MS);
    const settledMs = performance.now() - startedAt;

    const redisUrl = `unix://${join(posthorn.dataDir, 'redis/redis.sock')}`;
    const { books, lost, misreported, ...counts } = await reckon(posthorn, redisUrl, load.submissions, sink);
    console.log(
      `ledger: ${JSON.stringify({ submissions: load.submissions.length, ...counts, lost: lost.length })}, books: ${JSON.stringify(books)}, ` +
        `submitted in ${Math.round(submittedMs)} ms, settled in ${Math.round(settledMs)} ms`,
    );
    expect(lost).toEqual([]);
    expect(misreported).toEqual([]);
    expect(counts.acknowledged).toBe(MESSAGES);
    expect(counts.delivered + counts.bounced).toBe(MESSAGES);
    expect(counts.duplicates).toBeLessThan(DUPLICATES_MAX);
    // What was kept without a 250 is in the books, too: accepted = settled + waiting.
    expect(books.waiting).toBe(0);
    expect(books.accepted).toBe(counts.acknowledged + counts.keptUnacknowledged);
    expect(books.accepted).toBe(books.delivered + books.bounced);
    expect(books.bounced).toBe(sink.refused.size);
    expect(await posthorn.readiness()).toMatchObject({ status: 200 });
  });
});
