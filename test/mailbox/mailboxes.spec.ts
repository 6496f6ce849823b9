/** What the sessions of a process see of a mailbox (`src/mailbox/state/`), with other processes at work on it. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AccountTraces } from '../../src/bounces/account-traces.js';
import type { AccountMailbox } from '../../src/mailbox/state/account-mailbox.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { REPORTS_CHANNEL, reportKeys } from '../../src/store/keyspace.js';
import { CuttableDoor } from './cuttable-door.js';
import { DAY_MS, MailboxRig, RETENTION_MS, uidsOf, untilSeen } from './mailbox-rig.js';

/** How soon a session that waits has to be told. */
const PUSHED_WITHIN_MS = 1_000;

let rig: MailboxRig;

beforeAll(async () => {
  rig = await MailboxRig.start();
});
afterEach(() => rig.clear());
afterAll(() => rig.stop());

/** In a process of its own. */
async function opened(): Promise<AccountMailbox> {
  return (await rig.process()).open('shop');
}

/** Until somebody hears on the channel: what is told before reaches nobody. */
async function heardBy(count: number): Promise<void> {
  while (((await rig.redis.pubsub('NUMSUB', REPORTS_CHANNEL)) as [string, number])[1] < count);
}

async function within(timeMs: number, event: Promise<void>): Promise<void> {
  const late = new AbortController();
  const tooLate = delay(timeMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`it took more than ${String(timeMs)} ms`);
  });
  await Promise.race([event, tooLate]);
  late.abort();
  await tooLate.catch(() => undefined);
}

function flagsOf(mailbox: AccountMailbox): string[] {
  return mailbox.folder('INBOX').reports.map(({ uid, flags }) => `${String(uid)} ${flags.join(' ')}`.trim());
}

describe('a mailbox', () => {
  it('shows its folders as views of the same reports', async () => {
    for (const kind of ['hard', 'soft', 'blocked', 'complaint', 'delayed', 'other'] as const)
      await rig.append(1, { kind });
    const mailbox = await opened();
    const folders = ['INBOX', 'Hard', 'Soft', 'Blocked', 'Complaints', 'Delayed', 'Archive'] as const;
    expect(folders.map((name) => uidsOf(mailbox, name))).toEqual([[1, 2, 3, 4, 5, 6], [1], [2], [3], [4], [5], []]);
    expect(mailbox.folder('Hard').reports[0]).toBe(mailbox.folder('INBOX').reports[0]);
    expect(await mailbox.archive([1, 6])).toEqual(
      new Map([
        [1, 7],
        [6, 8],
      ]),
    );
    expect(folders.map((name) => uidsOf(mailbox, name))).toEqual([[2, 3, 4, 5], [], [2], [3], [4], [5], [7, 8]]);
    expect(folders.map((name) => mailbox.folder(name).uidNext)).toEqual([7, 2, 3, 4, 5, 6, 9]);
  });

  it('leaves alone what did not change: the folders, their arrays, and each report', async () => {
    await rig.append(2);
    await rig.append(1, { kind: 'soft' });
    const mailbox = await opened();
    const [inbox, hard, soft] = (['INBOX', 'Hard', 'Soft'] as const).map((name) => mailbox.folder(name));
    await mailbox.changeFlags([3], 'add', ['\\Seen']);
    expect(mailbox.folder('Hard')).toBe(hard);
    expect(mailbox.folder('Soft')).not.toBe(soft);
    expect(mailbox.folder('INBOX').reports.map((report, index) => report === inbox?.reports[index])).toEqual([
      ...[true, true, false],
    ]);
    const marked = mailbox.folder('INBOX');
    await mailbox.changeFlags([3], 'add', ['\\Seen']);
    expect(mailbox.folder('INBOX')).toBe(marked);
    await mailbox.claimRecent('INBOX');
    expect(mailbox.folder('INBOX')).toMatchObject({ recentUid: 3 });
    expect(mailbox.folder('INBOX').reports).toBe(marked.reports);
  });

  it('also where it had to be read anew', async () => {
    await rig.append(2);
    const mailbox = await opened();
    const hard = mailbox.folder('Hard');
    await rig.append(1, { kind: 'soft' });
    await rig.redis.del(reportKeys('shop').changes);
    await mailbox.refresh();
    expect(mailbox.folder('Hard')).toBe(hard);
    expect(uidsOf(mailbox)).toEqual([1, 2, 3]);
  });

  it('is one for all sessions of a process, until the last has gone', async () => {
    await rig.append(1);
    const mailboxes = await rig.process();
    const [first, second] = await Promise.all([mailboxes.open('shop'), mailboxes.open('shop')]);
    expect(second).toBe(first);
    first.release();
    expect(await mailboxes.open('shop')).toBe(first);
    second.release();
    first.release();
    expect(await mailboxes.open('shop')).not.toBe(first);
    expect(() => first.release()).toThrow('too often');
  });

  it('shows who comes later what was written before', async () => {
    const mailboxes = await rig.process();
    const mailbox = await mailboxes.open('shop');
    await rig.append(1);
    await mailboxes.open('shop');
    expect(uidsOf(mailbox)).toEqual([1]);
  });

  it('shows what was written before a refresh, though another was on its way', async () => {
    const mailbox = await opened();
    for (let count = 1; count <= 20; count++) {
      const earlier = mailbox.refresh();
      await rig.append(1);
      await Promise.all([earlier, mailbox.refresh()]);
      expect(uidsOf(mailbox)).toHaveLength(count);
    }
  });

  it('tells its listeners of each change, and no more once they have gone', async () => {
    const mailbox = await opened();
    let told = 0;
    const end = mailbox.onChange(() => told++);
    await rig.append(1);
    await untilSeen(mailbox, () => uidsOf(mailbox).length === 1);
    await mailbox.changeFlags([1], 'add', ['\\Seen']);
    expect(told).toBe(2);
    await mailbox.changeFlags([1], 'add', ['\\Seen']);
    expect(told).toBe(2);
    end();
    await mailbox.remove([1]);
    expect([told, uidsOf(mailbox)]).toEqual([2, []]);
  });

  it('spells flags as they are known', async () => {
    await rig.append(2);
    const mailbox = await opened();
    await mailbox.changeFlags([1], 'add', ['\\SEEN', 'Work']);
    await mailbox.changeFlags([2], 'add', ['\\seen', 'WORK', '$Forwarded']);
    expect(flagsOf(mailbox)).toEqual(['1 \\Seen Work', '2 \\Seen Work $Forwarded']);
    expect(mailbox.keywords).toEqual(['Work', '$Forwarded']);
    await mailbox.changeFlags([2], 'replace', []);
    expect(mailbox.keywords).toEqual(['Work']);
    const [first] = mailbox.folder('INBOX').reports;
    if (first) expect(String((await mailbox.contents([first])).get(1))).toContain('Subject: report');
  });

  it('lets a folder be subscribed and not', async () => {
    const mailbox = await opened();
    await mailbox.setSubscribed('Soft', false);
    expect((await opened()).folder('Soft').subscribed).toBe(false);
    await mailbox.setSubscribed('Soft', true);
    expect(mailbox.folder('Soft').subscribed).toBe(true);
  });
});

describe('what another process does', () => {
  it('is seen at once, without being asked for', async () => {
    await rig.append(2);
    const [one, two] = [await opened(), await opened()];
    await heardBy(2);
    await one.changeFlags([1], 'add', ['\\Flagged']);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(two, () => flagsOf(two)[0] === '1 \\Flagged'),
    );
    await two.remove([2]);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(one, () => uidsOf(one).length === 1),
    );
    await rig.append(1);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(one, () => uidsOf(one).length === 2),
    );
    await two.archive([1]);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(one, () => uidsOf(one, 'Archive').length === 1),
    );
  });

  it('is seen as well when the connection that hears was killed meanwhile', async () => {
    const mailbox = await opened();
    await heardBy(1);
    await rig.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await rig.append(1);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(mailbox, () => uidsOf(mailbox).length === 1),
    );
    await heardBy(1);
    await rig.append(1);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(mailbox, () => uidsOf(mailbox).length === 2),
    );
  });

  it('takes away what a quota has no room for', async () => {
    await rig.append(3);
    const mailbox = await opened();
    await rig.reports({ countMax: 2 }).append('shop', rig.report());
    await untilSeen(mailbox, () => uidsOf(mailbox).join() === '3,4');
  });

  it('ends the mailbox of an account that it removes; one with its name is another', async () => {
    await rig.append(1);
    const mailboxes = await rig.process();
    const mailbox = await mailboxes.open('shop');
    await heardBy(1);
    await new AccountTraces(rig.redis, rig.clock).forget('shop');
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(mailbox, () => mailbox.gone),
    );
    const other = await mailboxes.open('shop');
    expect([other.gone, other.uidValidity, uidsOf(other)]).toEqual([false, mailbox.uidValidity + 1, []]);
    await rig.append(1);
    expect(await mailbox.remove([1])).toEqual([]);
    await other.refresh();
    expect(uidsOf(other)).toEqual([1]);
    mailbox.release();
    expect(await mailboxes.open('shop')).toBe(other);
  });
});

describe('without Redis', () => {
  it('stays as it was, refuses what has to be written, and catches up', async () => {
    const door = new CuttableDoor(fileURLToPath(rig.own.url.replace('unix', 'file')), `${rig.own.directory}/door`);
    await door.open();
    const redis = connectRedis(door.url, 'answering');
    await untilReady(redis, 10_000);
    try {
      await rig.append(2);
      const mailboxes = await rig.process(rig.store(redis), door.url);
      const mailbox = await mailboxes.open('shop');
      await heardBy(1);
      const lost = new Promise<void>((resolve) => redis.once('close', () => resolve()));
      await door.cut();
      await lost;
      await rig.append(1);
      await expect(mailbox.refresh()).rejects.toThrow();
      await expect(mailbox.changeFlags([1], 'add', ['\\Seen'])).rejects.toThrow();
      await expect(mailboxes.open('other')).rejects.toThrow();
      expect(flagsOf(mailbox)).toEqual(['1', '2']);
      await door.open();
      await untilSeen(mailbox, () => uidsOf(mailbox).length === 3);
      await untilReady(redis, 10_000);
      expect((await mailboxes.open('other')).gone).toBe(false);
    } finally {
      await rig.closeProcesses();
      await disconnectRedis(redis);
      await door.cut();
    }
  });
});

describe('a report whose time is over', () => {
  const untilAlone = async (uid: string): Promise<void> => {
    while ((await rig.redis.hkeys(reportKeys('shop').contents)).join() !== uid);
  };

  it('goes, from the archive too, and is taken out of the store', async () => {
    await rig.append(1, { at: rig.clock.now() - 20 * DAY_MS });
    await rig.append(2);
    const mailbox = await opened();
    await mailbox.archive([1]);
    rig.clock.nowMs += 10 * DAY_MS;
    await mailbox.claimRecent('INBOX');
    expect([uidsOf(mailbox), uidsOf(mailbox, 'Archive')]).toEqual([[2, 3], []]);
    await mailbox.remove([2]);
    await untilAlone('3');
  });

  it('goes by the clock within a minute', async () => {
    await rig.append(1);
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'performance', 'Date'],
    });
    try {
      const mailbox = await opened();
      rig.clock.nowMs += RETENTION_MS;
      expect(uidsOf(mailbox)).toEqual([1]);
      jest.advanceTimersByTime(60_000);
      await untilSeen(mailbox, () => uidsOf(mailbox).length === 0);
      await untilAlone('');
      await rig.closeProcesses();
    } finally {
      jest.useRealTimers();
    }
  });

  it('is not shown to who comes after it', async () => {
    await rig.append(1);
    await rig.append(1, { at: rig.clock.now() + 5 });
    rig.clock.nowMs += RETENTION_MS;
    expect(uidsOf(await opened())).toEqual([2]);
    await untilAlone('2');
  });
});
