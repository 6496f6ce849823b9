/** A mailbox that many sessions of a process have open: what one of them does or suffers, and what the others see. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import type { MailboxChanges, MailboxId } from '../../src/bounces/reports/report-mailbox.js';
import { removeDeleted } from '../../src/mailbox/imap/deleted-reports.js';
import { SelectedFolder } from '../../src/mailbox/imap/selected-folder.js';
import { MailboxRig, RETENTION_MS, uidsOf, untilSeen } from './mailbox-rig.js';

/** The changes that it has read come when the test lets them. */
class LateStore extends RedisReportMailbox {
  private late: { readonly read: () => void; readonly answered: Promise<void> } | undefined;

  answerLate(): { readonly read: Promise<void>; readonly answer: () => void } {
    const [read, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.late = { read: read.resolve, answered: answered.promise };
    return { read: read.promise, answer: answered.resolve };
  }

  override async changesSince(id: MailboxId, version: number): Promise<MailboxChanges> {
    const late = this.late;
    this.late = undefined;
    const changes = await super.changesSince(id, version);
    late?.read();
    await late?.answered;
    return changes;
  }
}

/** As without Redis, for as long as the test says. */
class AwayStore extends RedisReportMailbox {
  isAway = false;

  override async changesSince(id: MailboxId, version: number): Promise<MailboxChanges> {
    if (this.isAway) throw new Error('Redis is away');
    return super.changesSince(id, version);
  }
}

class CountingStore extends RedisReportMailbox {
  claims = 0;

  override claimRecent(...given: Parameters<RedisReportMailbox['claimRecent']>): Promise<number> {
    this.claims++;
    return super.claimRecent(...given);
  }
}

let rig: MailboxRig;

beforeAll(async () => {
  rig = await MailboxRig.start();
});
afterEach(() => rig.clear());
afterAll(() => rig.stop());

describe('the mailbox of many sessions', () => {
  it('is one for all sessions of a process', async () => {
    await rig.append(1);
    const mailboxes = await rig.process();
    const [first, second] = await Promise.all([mailboxes.open('shop'), mailboxes.open('shop')]);
    expect(second).toBe(first);
    first.release();
    expect(await mailboxes.open('shop')).toBe(first);
    second.release();
    first.release();
    expect(() => first.release()).toThrow('too often');
  });

  it('that nobody has open is kept for who comes next, until there are too many', async () => {
    const mailboxes = await rig.process();
    const first = await mailboxes.open('shop');
    first.release();
    await rig.append(1);
    const again = await mailboxes.open('shop');
    expect(again).toBe(first);
    expect(uidsOf(again)).toEqual([1]);
    for (let i = 0; i <= 100; i++) (await mailboxes.open(`other-${i}`)).release();
    again.release();
    expect(await mailboxes.open('shop')).toBe(first);
    first.release();
    for (let i = 0; i < 100; i++) (await mailboxes.open(`other-${i}`)).release();
    expect(await mailboxes.open('shop')).not.toBe(first);
  });

  it('shows who comes later what was written before', async () => {
    const mailboxes = await rig.process();
    const mailbox = await mailboxes.open('shop');
    await rig.append(1);
    await mailboxes.open('shop');
    expect(uidsOf(mailbox)).toEqual([1]);
  });

  it('goes on to hear of changes where another session could not open it', async () => {
    const store = new AwayStore(rig.redis, RETENTION_MS, rig.clock, rig.log);
    const mailboxes = await rig.process(store);
    const mailbox = await mailboxes.open('shop');
    await rig.heardBy(1);
    await mailbox.refresh();
    store.isAway = true;
    await expect(mailboxes.open('shop')).rejects.toThrow('away');
    store.isAway = false;
    await rig.append(1);
    await untilSeen(mailbox, () => uidsOf(mailbox).length === 1);
    expect(await mailboxes.open('shop')).toBe(mailbox);
  });

  it('shows what was written before a refresh, though another was on its way', async () => {
    const store = new LateStore(rig.redis, RETENTION_MS, rig.clock, rig.log);
    const mailbox = await (await rig.process(store)).open('shop');
    await rig.heardBy(1);
    await mailbox.refresh();
    const late = store.answerLate();
    const earlier = mailbox.refresh();
    await late.read;
    await rig.append(1);
    const later = mailbox.refresh();
    late.answer();
    await earlier;
    expect(uidsOf(mailbox)).toEqual([]);
    await later;
    expect(uidsOf(mailbox)).toEqual([1]);
  });

  it('gives what is recent to one of many sessions, which asks for it once', async () => {
    const store = new CountingStore(rig.redis, RETENTION_MS, rig.clock, rig.log);
    const mailbox = await (await rig.process(store)).open('shop');
    await rig.append(2);
    const claim = (): Promise<number[]> => Promise.all(Array.from({ length: 5 }, () => mailbox.claimRecent('INBOX')));
    expect([await claim(), store.claims]).toEqual([[0, 2, 2, 2, 2], 1]);
    await rig.append(1);
    await mailbox.refresh();
    expect([await claim(), store.claims]).toEqual([[2, 3, 3, 3, 3], 2]);
  });

  it('is expunged only of what is marked as deleted now, heard of or not', async () => {
    await rig.append(3);
    const deaf = await rig.process(undefined, 'unix:///nowhere/redis.sock');
    const [mailbox, other] = [await deaf.open('shop'), await (await rig.process()).open('shop')];
    await mailbox.changeFlags([1, 2], 'add', ['\\Deleted']);
    await other.changeFlags([1], 'remove', ['\\Deleted']);
    await other.changeFlags([3], 'add', ['\\Deleted']);
    const folder = new SelectedFolder('INBOX', false, mailbox.folder('INBOX'), Infinity);
    await removeDeleted({ mailbox, folder, mayWrite: true });
    expect(uidsOf(mailbox)).toEqual([1]);
  });
});
