/**
 * A 250 or 202 means: it is on the disk. The power is cut under load, and what the disk had not got is gone; nothing that
 * was acknowledged may be. That the cut can take something is shown on a Redis that syncs once a second.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnedRedis } from './owned-redis.js';
import { cutPower, loseWhatWasNotSynced, missingForPowerCut, PowerSupply, syncMark } from './power-supply.js';
import { reckon, startLedgerSink, untilNothingWaits, type LedgerSink, type Reckoning } from './reckoning.js';
import { RunningPosthorn } from './running-posthorn.js';
import { SubmissionLoad } from './submission-load.js';

const MESSAGES = 3_000;
const SUBMITTED_WITHIN_MS = 60_000;
/** The work that was under way comes back when its leases have lapsed, after 15 to 25 s. */
const SETTLED_WITHIN_MS = 60_000;
/** All that is on the wire when the power goes: the sessions with the sink. */
const DUPLICATES_MAX = 100;
const CONTROL_MESSAGES = 1_000;
/** Acknowledged in the fraction of a second before the cut. */
const UNSYNCED = 30;
const POLL_MS = 5;

const describeCut = missingForPowerCut.length === 0 ? describe : describe.skip;
const missing = missingForPowerCut.length === 0 ? '' : ` (missing: ${missingForPowerCut.join(', ')})`;

describeCut(`a power cut under load${missing}`, () => {
  let power: PowerSupply;
  let sink: LedgerSink;
  let posthorn: RunningPosthorn | undefined;
  let firstRun: RunningPosthorn | undefined;
  let redis: OwnedRedis | undefined;

  beforeAll(async () => {
    power = await PowerSupply.install();
  });
  beforeEach(async () => {
    sink = await startLedgerSink();
  });
  afterEach(async () => {
    await posthorn?.dispose();
    await firstRun?.dispose();
    await redis?.dispose();
    await sink.mx.close();
    [posthorn, firstRun, redis] = [undefined, undefined, undefined];
  });
  afterAll(() => power.remove());

  function settings(more: Readonly<Record<string, string>>): Record<string, string> {
    return {
      POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.mx.port}?tls=none`,
      POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
      POSTHORN_RETRY: '1s',
      POSTHORN_LOG_LEVEL: 'warn',
      ...more,
    };
  }

  it('takes nothing that was acknowledged', async () => {
    const given = settings({ PATH: power.path });
    firstRun = await RunningPosthorn.start(given);
    const redisDirectory = join(firstRun.dataDir, 'redis');
    const load = new SubmissionLoad(firstRun, {
      messages: MESSAGES,
      clients: { submission: 3, trusted: 3, http: 2 },
      mailbox: (index) => (index % 10 === 0 ? 'no' : index % 5 === 1 ? 'later' : 'yes'),
    });
    const submitted = submit(load);
    await load.reached(MESSAGES / 2);
    await cutPower(firstRun);
    const lostBytes = await loseWhatWasNotSynced(redisDirectory, true);
    posthorn = await RunningPosthorn.start(given, firstRun.dataDir, firstRun.ports);
    await submitted;
    await untilNothingWaits(posthorn, SETTLED_WITHIN_MS);

    const reckoning = await reckon(posthorn, `unix://${join(redisDirectory, 'redis.sock')}`, load.submissions, sink);
    report('power cut', reckoning, lostBytes);
    const { lost, misreported, acknowledged, delivered, bounced, duplicates, keptUnacknowledged, books } = reckoning;
    expect(lost).toEqual([]);
    expect(misreported).toEqual([]);
    expect(acknowledged).toBe(MESSAGES);
    expect(delivered + bounced).toBe(MESSAGES);
    expect(duplicates).toBeLessThan(DUPLICATES_MAX);
    expect(books).toMatchObject({ accepted: acknowledged + keptUnacknowledged, waiting: 0 });
    expect(books.accepted).toBe(books.delivered + books.bounced);
    expect(posthorn.output).toContain('cut a torn end');
  });

  it('takes what was acknowledged from a Redis that syncs once a second: the cut has teeth', async () => {
    redis = await OwnedRedis.start({ program: power.program, settings: { appendfsync: 'everysec' } });
    const given = settings({ POSTHORN_REDIS_URL: redis.url, POSTHORN_DURABILITY: 'memory' });
    firstRun = await RunningPosthorn.start(given);
    const load = new SubmissionLoad(firstRun, {
      messages: CONTROL_MESSAGES,
      clients: { submission: 0, trusted: 4, http: 0 },
      // None leaves before it could be lost.
      mailbox: () => 'later',
    });
    const submitted = submit(load);
    await load.reached(CONTROL_MESSAGES / 4);
    await untilDiskIsBehind(load, redis);
    await redis.kill();
    await cutPower(firstRun);
    const lostBytes = await loseWhatWasNotSynced(redis.directory, false);
    await redis.launch();
    posthorn = await RunningPosthorn.start(given, firstRun.dataDir, firstRun.ports);
    await submitted;
    await untilNothingWaits(posthorn, SETTLED_WITHIN_MS);

    const reckoning = await reckon(posthorn, redis.url, load.submissions, sink);
    report('power cut without fsync', reckoning, lostBytes);
    expect(reckoning.lost.length).toBeGreaterThan(UNSYNCED / 2);
    expect(reckoning.delivered + reckoning.lost.length).toBe(CONTROL_MESSAGES);
  });
});

/** Runs the load; that it fails is for whoever awaits it to say. */
function submit(load: SubmissionLoad): Promise<void> {
  const submitted = load.run(SUBMITTED_WITHIN_MS);
  submitted.catch(() => undefined);
  return submitted;
}

/** Resolves, with Redis frozen, when `UNSYNCED` messages were acknowledged since the disk was last brought up to date. */
async function untilDiskIsBehind(load: SubmissionLoad, redis: OwnedRedis): Promise<void> {
  const deadline = Date.now() + SUBMITTED_WITHIN_MS;
  let mark = '';
  let acknowledgedAtMark = 0;
  while (Date.now() < deadline) {
    const now = await syncMark(redis.directory);
    if (now !== mark) [mark, acknowledgedAtMark] = [now, load.acknowledged];
    if (load.acknowledged - acknowledgedAtMark >= UNSYNCED) {
      redis.freeze();
      // It may have synced since it was looked at.
      if ((await syncMark(redis.directory)) === mark) return;
      redis.thaw();
    }
    await sleep(POLL_MS);
  }
  throw new Error('the disk was never behind');
}

function report(title: string, { lost, misreported: _, books, ...counts }: Reckoning, lostBytes: number): void {
  console.log(
    `${title}: ${JSON.stringify({ lostBytes, ...counts, lost: lost.length })}, books: ${JSON.stringify(books)}`,
  );
}
