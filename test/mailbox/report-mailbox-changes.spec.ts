/** How a mailbox over stored reports tells of changes, and what becomes of one that is another by now. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountTraces } from '../../src/bounces/account-traces.js';
import type { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import type { MailboxChanges, MailboxId } from '../../src/bounces/reports/report-mailbox.js';
import { REPORTS_CHANNEL, reportKeys } from '../../src/store/keyspace.js';
import { MailboxRig } from './mailbox-rig.js';

let rig: MailboxRig;
let store: RedisReportMailbox;

beforeAll(async () => {
  rig = await MailboxRig.start();
  store = rig.store();
});
afterEach(() => rig.clear());
afterAll(() => rig.stop());

async function flags(): Promise<Record<number, string>> {
  const { reports } = await store.load('shop');
  return Object.fromEntries(reports.map(({ uid, flags: set }) => [uid, set.join(' ')]));
}

async function uids(folder?: 'Archive'): Promise<number[]> {
  const { reports } = await store.load('shop');
  return reports.filter(({ archived }) => archived === (folder === 'Archive')).map(({ uid }) => uid);
}

async function changes(id: MailboxId & { version: number }): Promise<Extract<MailboxChanges, { kind: 'changes' }>> {
  const since = await store.changesSince(id, id.version);
  if (since.kind !== 'changes') throw new Error(`expected changes, got ${since.kind}`);
  return since;
}

describe('changes', () => {
  it('are what is new, what has other flags and what went, since a version', async () => {
    await rig.append(3);
    const id = await rig.now();
    expect(await changes(id)).toMatchObject({ version: id.version, changed: [], gone: [] });
    await store.changeFlags(id, [2], 'add', ['\\Seen']);
    await store.remove(id, [1]);
    await rig.append(1);
    await store.setSubscribed(id, 'Hard', false);
    const { changed, gone, version, folders } = await changes(id);
    expect(changed.map(({ uid, flags: set }) => [uid, ...set])).toEqual([[2, '\\Seen'], [4]]);
    expect([gone, version]).toEqual([[1], id.version + 4]);
    expect([folders.Hard, folders.Soft.subscribed]).toEqual([{ uidNext: 5, recentUid: 0, subscribed: false }, true]);
    await store.setSubscribed(id, 'Hard', true);
    expect((await changes(id)).folders.Hard.subscribed).toBe(true);
    expect((await rig.now()).version).toBe(id.version + 5);
    await store.setSubscribed(id, 'Hard', true);
    expect((await rig.now()).version).toBe(id.version + 5);
  });

  it('name what a quota sheds as gone', async () => {
    await rig.append(3);
    const id = await rig.now();
    await rig.reports({ countMax: 2 }).append('shop', rig.report());
    const { changed, gone } = await changes(id);
    expect([changed.map(({ uid }) => uid), gone]).toEqual([[4], [1, 2]]);
  });

  it('are heard on the channel, with their version, by every process', async () => {
    const ear = await rig.own.connect();
    const heard: string[] = [];
    await ear.subscribe(REPORTS_CHANNEL);
    const twice = new Promise<void>((resolve) => {
      ear.on('message', (_channel: string, text: string) => {
        if (heard.push(text) === 3) resolve();
      });
    });
    await rig.append(1);
    await store.changeFlags(await rig.now(), [1], 'add', ['\\Seen']);
    await new AccountTraces(rig.redis, rig.clock).forget('shop');
    await twice;
    expect(heard).toEqual(['1 shop', '2 shop', '0 shop']);
  });

  it('are not listed where there are too many, or the log is gone', async () => {
    await rig.append(1);
    const id = await rig.now();
    const steps = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? 'add' : 'remove'));
    for (let times = 0; times < 10; times++) {
      await Promise.all(steps.map((how) => store.changeFlags(id, [1], how, ['\\Seen'])));
    }
    expect((await changes(id)).changed).toHaveLength(1);
    await store.changeFlags(id, [1], 'add', ['\\Seen']);
    expect(await store.changesSince(id, id.version)).toEqual({ kind: 'reload' });
    expect((await changes({ ...id, version: id.version + 1 })).changed).toHaveLength(1);
    expect(await rig.redis.xlen(reportKeys('shop').changes)).toBe(500);
    await rig.redis.del(reportKeys('shop').changes);
    expect(await store.changesSince(id, id.version + 1)).toEqual({ kind: 'reload' });
    // A Redis that lost its last writes.
    expect(await store.changesSince(id, id.version + 1_000)).toEqual({ kind: 'reload' });
  });

  it('of more reports than are worth naming are a reason to read all', async () => {
    await rig.append(2_100, { content: Buffer.from('x') });
    const id = await rig.now();
    const all = Array.from({ length: 2_100 }, (_, index) => index + 1);
    expect((await store.changeFlags(id, all, 'add', ['\\Seen'])).changed).toEqual(all);
    expect(await store.changesSince(id, id.version)).toEqual({ kind: 'reload' });
    expect((await store.load('shop')).reports.every(({ flags: set }) => set[0] === '\\Seen')).toBe(true);
    expect((await store.archive(id, all)).size).toBe(2_100);
    expect(await store.remove(id, all)).toEqual([]);
    await rig.expectExactCounts();
  });
});

describe('an account that was removed', () => {
  it('takes its mailbox along: what is asked of the old one touches nothing of a new one with its name', async () => {
    await rig.append(2);
    const id = await rig.now();
    await new AccountTraces(rig.redis, rig.clock).forget('shop');
    expect(await store.changesSince(id, id.version)).toEqual({ kind: 'gone' });
    await rig.append(2);
    expect(await store.changeFlags(id, [1], 'add', ['\\Deleted'])).toEqual({ changed: [], refused: [] });
    expect(await store.remove(id, [1])).toEqual([]);
    expect(await store.archive(id, [1])).toEqual(new Map());
    expect(await store.claimRecent(id, 'INBOX')).toBe(0);
    await store.setSubscribed(id, 'INBOX', false);
    expect((await store.load('shop')).uidValidity).toBe(id.uidValidity + 1);
    expect(await flags()).toEqual({ 1: '', 2: '' });
    expect((await store.load('shop')).folders.INBOX).toEqual({ uidNext: 3, recentUid: 0, subscribed: true });
  });
});

describe('what an earlier version stored', () => {
  /** Its list was a stream, and it knew no versions and no folders. */
  async function older(count: number): Promise<void> {
    const { mailbox, olderList, contents } = reportKeys('shop');
    const at = String(rig.clock.now());
    const writing = rig.redis.pipeline().hset(mailbox, { v: 7, n: count, b: count * 2, s: 0 });
    for (let uid = 1; uid <= count; uid++) {
      const facts = ['at', at, 'stored', '2', 'octets', '2', 'kind', 'hard', 'category', '', 'message', 'm1'];
      writing.xadd(olderList, `${String(uid)}-0`, ...facts).hset(contents, uid, 'ab');
    }
    await writing.exec();
  }

  it('is there, in the same order under the same uids', async () => {
    await older(1_200);
    const { reports, folders, uidValidity } = await store.load('shop');
    expect([reports.length, reports[0]?.uid, reports.at(-1)?.uid, uidValidity]).toEqual([1_200, 1, 1_200, 7]);
    expect(reports[0]).toEqual({
      ...{ uid: 1, kind: 'hard', messageId: 'm1', category: undefined, at: rig.clock.now(), octets: 2 },
      ...{ archived: false, flags: [] },
    });
    expect(folders.Soft.uidNext).toBe(1_201);
    expect(await rig.redis.exists(reportKeys('shop').olderList)).toBe(0);
    expect(await rig.redis.pttl(reportKeys('shop').listed)).toBeGreaterThan(1);
  });

  it('is counted when reports follow it, and UIDNEXT goes on', async () => {
    await older(3);
    await rig.append(1, { kind: 'soft' });
    const { folders } = await store.load('shop');
    expect([folders.INBOX.uidNext, folders.Soft.uidNext, folders.Hard.uidNext]).toEqual([5, 5, 4]);
    expect(await uids()).toEqual([1, 2, 3, 4]);
    await rig.expectExactCounts();
  });

  it('that it goes on storing beside us is read anew', async () => {
    await rig.append(1);
    const id = await rig.now();
    await older(1);
    await rig.redis.hset(reportKeys('shop').mailbox, 'v', id.uidValidity);
    expect(await store.changesSince(id, id.version)).toEqual({ kind: 'reload' });
  });
});
