/** What is promised of the mailbox over stored reports (`src/bounces/reports/report-mailbox.ts`), held against a real Redis. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountTraces } from '../../src/bounces/account-traces.js';
import type { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import { FLAG_BYTES_MAX, type MailboxChanges, type MailboxId } from '../../src/bounces/reports/report-mailbox.js';
import { REPORTS_CHANNEL, reportKeys } from '../../src/store/keyspace.js';
import { MailboxRig, RETENTION_MS } from './mailbox-rig.js';

const NO_MEMORY = '1';
let rig: MailboxRig;
let store: RedisReportMailbox;

beforeAll(async () => {
  rig = await MailboxRig.start();
  store = rig.store();
});
afterEach(() => rig.clear());
afterAll(() => rig.stop());

/** The mailbox of `shop` as it is now, and its version. */
async function now(): Promise<MailboxId & { version: number }> {
  const { uidValidity, version } = await store.load('shop');
  return { account: 'shop', uidValidity, version };
}

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

/** What is counted, against what is there. */
async function expectExactCounts(): Promise<void> {
  const { mailbox, contents, listed, strays } = reportKeys('shop');
  const kept = await rig.redis.hkeys(contents);
  const ofStrays = await rig.redis.zrange(strays, '0', '-1');
  const bytes = async (some: string[]): Promise<number> => {
    const lengths = await Promise.all(some.map((uid) => rig.redis.hstrlen(contents, uid)));
    return lengths.reduce((sum, length) => sum + length, 0);
  };
  const [all, stray] = await rig.redis.hmget(mailbox, 'b', 's');
  expect([Number(all), Number(stray)]).toEqual([await bytes(kept), await bytes(ofStrays)]);
  const there = (await store.load('shop')).reports.map(({ uid }) => String(uid));
  expect(kept.sort()).toEqual(there.sort());
  expect(await rig.redis.zcard(listed)).toBe(there.length);
  expect(there).toEqual(expect.arrayContaining(ofStrays));
}

describe('a mailbox of reports', () => {
  it('begins with nothing, and is the same when it is loaded again', async () => {
    const first = await store.load('shop');
    expect(first).toMatchObject({ version: 0, reports: [], uidValidity: rig.clock.now() / 1000 });
    expect(first.folders.Hard).toEqual({ uidNext: 1, recentUid: 0, subscribed: true });
    expect(await store.load('shop')).toEqual(first);
  });

  it('raises UIDNEXT only of the folders that a report comes into', async () => {
    for (const kind of ['hard', 'other', 'complaint'] as const) await rig.append(1, { kind });
    const { folders } = await store.load('shop');
    expect(Object.entries(folders).map(([name, { uidNext }]) => `${name} ${String(uidNext)}`)).toEqual([
      ...['INBOX 4', 'Hard 2', 'Soft 1', 'Blocked 1', 'Complaints 4', 'Delayed 1', 'Archive 1'],
    ]);
  });

  it('keeps UIDNEXT when the last report of a folder goes', async () => {
    await rig.append(2);
    await store.remove(await now(), [2]);
    expect((await store.load('shop')).folders.Hard.uidNext).toBe(3);
  });

  it('gives many contents at once, of those that are there', async () => {
    const large = Buffer.from(`Subject: x\r\n\r\n${'all the same words\r\n'.repeat(5_000)}`);
    await rig.append(1, { content: large });
    await rig.append(1, { content: Buffer.from('Subject: y\r\n\r\n') });
    const { reports } = await store.load('shop');
    const contents = await store.contents('shop', [...reports, { uid: 9, octets: 5 }]);
    expect([...contents].map(([uid, { length }]) => [uid, length])).toEqual([
      [2, 14],
      [1, large.length],
    ]);
    expect(contents.get(1)?.equals(large)).toBe(true);
    expect(await store.contents('shop', [])).toEqual(new Map());
  });

  it('gives the others where one content is damaged', async () => {
    await rig.append(2);
    await rig.redis.hset(reportKeys('shop').contents, '1', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]));
    const { reports } = await store.load('shop');
    expect([...(await store.contents('shop', reports)).keys()]).toEqual([2]);
  });
});

describe('flags', () => {
  it('are added, removed and replaced, and only what differs counts as changed', async () => {
    await rig.append(3);
    const id = await now();
    const add = await store.changeFlags(id, [1, 2, 9], 'add', ['\\Seen', 'Work']);
    expect(add).toEqual({ changed: [1, 2], refused: [] });
    expect(await store.changeFlags(id, [1, 2, 3], 'add', ['\\Seen'])).toEqual({ changed: [3], refused: [] });
    expect(await store.changeFlags(id, [1, 3], 'remove', ['Work'])).toEqual({ changed: [1], refused: [] });
    expect(await store.changeFlags(id, [1, 2], 'replace', ['work', '\\Seen'])).toEqual({ changed: [1], refused: [] });
    expect(await flags()).toEqual({ 1: '\\Seen work', 2: '\\Seen Work', 3: '\\Seen' });
    expect(await store.changeFlags(id, [1, 2, 3], 'replace', [])).toEqual({ changed: [1, 2, 3], refused: [] });
    expect(await flags()).toEqual({ 1: '', 2: '', 3: '' });
    expect(await store.changeFlags(id, [1], 'add', [])).toEqual({ changed: [], refused: [] });
  });

  it('are told apart whatever their case, and keep the first spelling', async () => {
    await rig.append(1);
    const id = await now();
    await store.changeFlags(id, [1], 'add', ['Work', 'WORK']);
    await store.changeFlags(id, [1], 'add', ['work', 'Other']);
    expect(await flags()).toEqual({ 1: 'Work Other' });
    await store.changeFlags(id, [1], 'remove', ['wORK']);
    expect(await flags()).toEqual({ 1: 'Other' });
  });

  it('of one report are bounded; to have fewer is always allowed', async () => {
    await rig.append(2);
    const id = await now();
    const most = 'k'.repeat(FLAG_BYTES_MAX - 2);
    await store.changeFlags(id, [1], 'add', ['a', most]);
    expect(await store.changeFlags(id, [1, 2], 'add', ['\\Seen'])).toEqual({ changed: [2], refused: [1] });
    expect(await flags()).toEqual({ 1: `a ${most}`, 2: '\\Seen' });
    expect(await store.changeFlags(id, [1], 'replace', [most])).toEqual({ changed: [1], refused: [] });
  });

  it('leave a report its facts, its place and its time to live', async () => {
    await rig.append(1, { kind: 'blocked', category: 'ip_blocked' });
    const [before] = (await store.load('shop')).reports;
    await store.changeFlags(await now(), [1], 'add', ['\\Seen']);
    expect((await store.load('shop')).reports).toEqual([{ ...before, flags: ['\\Seen'] }]);
    expect(await rig.redis.pttl(reportKeys('shop').listed)).toBeGreaterThan(RETENTION_MS - 60_000);
  });
});

describe('what goes', () => {
  it('is what was asked for and is there, and does not come back when it is told again', async () => {
    const told = rig.report();
    await rig.reports().append('shop', told);
    await rig.append(2, { kind: 'other' });
    expect(await store.remove(await now(), [1, 3, 7])).toEqual([1, 3]);
    expect(await rig.reports().append('shop', told)).toBe('repeated');
    expect(await uids()).toEqual([2]);
    await expectExactCounts();
    expect(await store.remove(await now(), [1, 3])).toEqual([]);
    await store.remove(await now(), [2]);
    await expectExactCounts();
    await rig.append();
    expect(await uids()).toEqual([4]);
  });

  it('can go where Redis is full', async () => {
    await rig.append(2);
    const id = await now();
    await rig.redis.config('SET', 'maxmemory', NO_MEMORY);
    expect(await store.remove(id, [1])).toEqual([1]);
    expect(await store.claimRecent(id, 'INBOX')).toBe(0);
    expect((await store.load('shop')).reports).toHaveLength(1);
    await expect(store.changeFlags(id, [2], 'add', ['\\Seen'])).rejects.toThrow('OOM');
  });
});

describe('the archive', () => {
  it('takes reports out of the views, in order, under new uids, with all that they have', async () => {
    await rig.append(2);
    await rig.append(1, { kind: 'other' });
    const id = await now();
    await store.changeFlags(id, [1], 'add', ['\\Seen', 'Work']);
    const [first] = (await store.load('shop')).reports;
    expect([...(await store.archive(id, [3, 1, 8]))]).toEqual([
      [1, 4],
      [3, 5],
    ]);
    expect([await uids(), await uids('Archive')]).toEqual([[2], [4, 5]]);
    const { reports, folders } = await store.load('shop');
    expect(reports[1]).toEqual({ ...first, uid: 4, archived: true });
    expect([folders.INBOX.uidNext, folders.Hard.uidNext, folders.Archive.uidNext]).toEqual([4, 3, 6]);
    expect(String((await store.contents('shop', reports)).get(4))).toMatch(/^Subject: report/);
    expect(await rig.redis.zrange(reportKeys('shop').strays, '0', '-1')).toEqual(['5']);
    await expectExactCounts();
  });

  it('leaves what is in it already', async () => {
    await rig.append(1);
    const id = await now();
    await store.archive(id, [1]);
    expect(await store.archive(id, [2])).toEqual(new Map());
    expect(await uids('Archive')).toEqual([2]);
  });

  it('takes more than one step can copy', async () => {
    const content = randomBytes(3 * 1024 * 1024);
    await rig.append(4, { content });
    const id = await now();
    expect([...(await store.archive(id, [1, 2, 3, 4])).values()]).toEqual([5, 6, 7, 8]);
    expect((await store.load('shop')).version).toBe(id.version + 2);
    await expectExactCounts();
  });

  it('of the only report keeps its time to live', async () => {
    await rig.append(1, { kind: 'other' });
    await store.archive(await now(), [1]);
    const { listed, contents, strays } = reportKeys('shop');
    for (const key of [listed, contents, strays]) expect(await rig.redis.pttl(key)).toBeGreaterThan(1);
  });
});

describe('what is recent', () => {
  it('is so for one of many who ask at once, in each folder', async () => {
    await rig.append(3);
    const id = await now();
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claimRecent(id, 'INBOX')));
    expect(claims.toSorted((a, b) => a - b)).toEqual([0, ...Array.from({ length: 19 }, () => 3)]);
    await rig.append(1);
    expect((await store.load('shop')).folders.INBOX).toMatchObject({ recentUid: 3, uidNext: 5 });
    expect([await store.claimRecent(id, 'INBOX'), await store.claimRecent(id, 'Hard')]).toEqual([3, 0]);
    expect(await store.claimRecent(id, 'Soft')).toBe(0);
  });
});

describe('changes', () => {
  it('are what is new, what has other flags and what went, since a version', async () => {
    await rig.append(3);
    const id = await now();
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
    expect((await now()).version).toBe(id.version + 5);
    await store.setSubscribed(id, 'Hard', true);
    expect((await now()).version).toBe(id.version + 5);
  });

  it('name what a quota sheds as gone', async () => {
    await rig.append(3);
    const id = await now();
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
    await store.changeFlags(await now(), [1], 'add', ['\\Seen']);
    await new AccountTraces(rig.redis, rig.clock).forget('shop');
    await twice;
    expect(heard).toEqual(['1 shop', '2 shop', '0 shop']);
  });

  it('are not listed where there are too many, or the log is gone', async () => {
    await rig.append(1);
    const id = await now();
    for (let i = 0; i < 250; i++) {
      await store.changeFlags(id, [1], 'add', ['\\Seen']);
      await store.changeFlags(id, [1], 'remove', ['\\Seen']);
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
    const id = await now();
    const all = Array.from({ length: 2_100 }, (_, index) => index + 1);
    expect((await store.changeFlags(id, all, 'add', ['\\Seen'])).changed).toEqual(all);
    expect(await store.changesSince(id, id.version)).toEqual({ kind: 'reload' });
    expect((await store.load('shop')).reports.every(({ flags: set }) => set[0] === '\\Seen')).toBe(true);
    expect((await store.archive(id, all)).size).toBe(2_100);
    expect(await store.remove(id, all)).toEqual([]);
    await expectExactCounts();
  });
});

describe('an account that was removed', () => {
  it('takes its mailbox along: what is asked of the old one touches nothing of a new one with its name', async () => {
    await rig.append(2);
    const id = await now();
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
    await rig.redis.hset(mailbox, { v: 7, n: count, b: count * 2, s: 0 });
    for (let uid = 1; uid <= count; uid++) {
      const facts = ['at', at, 'stored', '2', 'octets', '2', 'kind', 'hard', 'category', '', 'message', 'm1'];
      await rig.redis.xadd(olderList, `${String(uid)}-0`, ...facts);
      await rig.redis.hset(contents, uid, 'ab');
    }
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
    await expectExactCounts();
  });

  it('that it goes on storing beside us is read anew', async () => {
    await rig.append(1);
    const id = await now();
    await older(1);
    await rig.redis.hset(reportKeys('shop').mailbox, 'v', id.uidValidity);
    expect(await store.changesSince(id, id.version)).toEqual({ kind: 'reload' });
  });
});
