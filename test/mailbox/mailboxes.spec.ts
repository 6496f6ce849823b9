/** What the sessions of a process see of a mailbox (`src/mailbox/state/`), with other processes at work on it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountTraces } from '../../src/bounces/account-traces.js';
import type { AccountMailbox } from '../../src/mailbox/state/account-mailbox.js';
import { reportKeys } from '../../src/store/keyspace.js';
import { MailboxRig, uidsOf, untilSeen } from './mailbox-rig.js';
import { withPatience } from '../patience.js';

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

async function within(timeMs: number, event: Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await event;
  expect(performance.now() - startedAt).toBeLessThan(withPatience(timeMs));
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
    await rig.heardBy(2);
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
    await rig.heardBy(1);
    await rig.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await rig.append(1);
    await within(
      PUSHED_WITHIN_MS,
      untilSeen(mailbox, () => uidsOf(mailbox).length === 1),
    );
    await rig.heardBy(1);
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
    await rig.heardBy(1);
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
