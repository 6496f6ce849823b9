/** What the sessions of a process see of a mailbox while Redis is away, and when the time of a report is over. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import type { AccountMailbox } from '../../src/mailbox/state/account-mailbox.js';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { reportKeys } from '../../src/store/keyspace.js';
import { CuttableDoor } from './cuttable-door.js';
import { DAY_MS, MailboxRig, RETENTION_MS, uidsOf, untilSeen } from './mailbox-rig.js';

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

function flagsOf(mailbox: AccountMailbox): string[] {
  return mailbox.folder('INBOX').reports.map(({ uid, flags }) => `${String(uid)} ${flags.join(' ')}`.trim());
}

describe('without Redis', () => {
  it('stays as it was, refuses what has to be written, and catches up', async () => {
    const door = new CuttableDoor(fileURLToPath(rig.own.url.replace('unix', 'file')), `${rig.own.directory}/door`);
    await door.open();
    const redis = connectRedis(door.url, 'answering');
    await untilReady(redis, 60_000);
    try {
      await rig.append(2);
      const mailboxes = await rig.process(rig.store(redis), door.url);
      const mailbox = await mailboxes.open('shop');
      await rig.heardBy(1);
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
      await untilReady(redis, 60_000);
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
