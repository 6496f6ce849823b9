/** What is promised of the mailbox over stored reports (`src/bounces/reports/report-mailbox.ts`), held against a real Redis. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisReportMailbox } from '../../src/bounces/reports/redis-report-mailbox.js';
import { FLAG_BYTES_MAX } from '../../src/bounces/reports/report-mailbox.js';
import { reportKeys } from '../../src/store/keyspace.js';
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

async function flags(): Promise<Record<number, string>> {
  const { reports } = await store.load('shop');
  return Object.fromEntries(reports.map(({ uid, flags: set }) => [uid, set.join(' ')]));
}

async function uids(folder?: 'Archive'): Promise<number[]> {
  const { reports } = await store.load('shop');
  return reports.filter(({ archived }) => archived === (folder === 'Archive')).map(({ uid }) => uid);
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
    await store.remove(await rig.now(), [2]);
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
    const id = await rig.now();
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
    const id = await rig.now();
    await store.changeFlags(id, [1], 'add', ['Work', 'WORK']);
    await store.changeFlags(id, [1], 'add', ['work', 'Other']);
    expect(await flags()).toEqual({ 1: 'Work Other' });
    await store.changeFlags(id, [1], 'remove', ['wORK']);
    expect(await flags()).toEqual({ 1: 'Other' });
  });

  it('of one report are bounded; to have fewer is always allowed', async () => {
    await rig.append(2);
    const id = await rig.now();
    const most = 'k'.repeat(FLAG_BYTES_MAX - 2);
    await store.changeFlags(id, [1], 'add', ['a', most]);
    expect(await store.changeFlags(id, [1, 2], 'add', ['\\Seen'])).toEqual({ changed: [2], refused: [1] });
    expect(await flags()).toEqual({ 1: `a ${most}`, 2: '\\Seen' });
    expect(await store.changeFlags(id, [1], 'replace', [most])).toEqual({ changed: [1], refused: [] });
  });

  it('leave a report its facts, its place and its time to live', async () => {
    await rig.append(1, { kind: 'blocked', category: 'ip_blocked' });
    const [before] = (await store.load('shop')).reports;
    await store.changeFlags(await rig.now(), [1], 'add', ['\\Seen']);
    expect((await store.load('shop')).reports).toEqual([{ ...before, flags: ['\\Seen'] }]);
    expect(await rig.redis.pttl(reportKeys('shop').listed)).toBeGreaterThan(RETENTION_MS - 60_000);
  });
});

describe('what goes', () => {
  it('is what was asked for and is there, and does not come back when it is told again', async () => {
    const told = rig.report();
    await rig.reports().append('shop', told);
    await rig.append(2, { kind: 'other' });
    expect(await store.remove(await rig.now(), [1, 3, 7])).toEqual([1, 3]);
    expect(await rig.reports().append('shop', told)).toBe('repeated');
    expect(await uids()).toEqual([2]);
    await rig.expectExactCounts();
    expect(await store.remove(await rig.now(), [1, 3])).toEqual([]);
    await store.remove(await rig.now(), [2]);
    await rig.expectExactCounts();
    await rig.append();
    expect(await uids()).toEqual([4]);
  });

  it('is only what still has the flag that it goes for', async () => {
    await rig.append(4);
    await store.changeFlags(await rig.now(), [1, 2], 'add', ['\\Deleted']);
    await store.changeFlags(await rig.now(), [2, 3], 'add', ['\\Seen', 'x\\Deleted', '\\Deleted.']);
    expect(await store.remove(await rig.now(), [1, 2, 3, 4], '\\Deleted')).toEqual([1, 2]);
    expect(await uids()).toEqual([3, 4]);
    await rig.expectExactCounts();
  });

  it('can go where Redis is full', async () => {
    await rig.append(2);
    const id = await rig.now();
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
    const id = await rig.now();
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
    await rig.expectExactCounts();
  });

  it('leaves what is in it already', async () => {
    await rig.append(1);
    const id = await rig.now();
    await store.archive(id, [1]);
    expect(await store.archive(id, [2])).toEqual(new Map());
    expect(await uids('Archive')).toEqual([2]);
  });

  it('takes more than one step can copy', async () => {
    const content = randomBytes(3 * 1024 * 1024);
    await rig.append(4, { content });
    const id = await rig.now();
    expect([...(await store.archive(id, [1, 2, 3, 4])).values()]).toEqual([5, 6, 7, 8]);
    expect((await store.load('shop')).version).toBe(id.version + 2);
    await rig.expectExactCounts();
  });

  it('of the only report keeps its time to live', async () => {
    await rig.append(1, { kind: 'other' });
    await store.archive(await rig.now(), [1]);
    const { listed, contents, strays } = reportKeys('shop');
    for (const key of [listed, contents, strays]) expect(await rig.redis.pttl(key)).toBeGreaterThan(1);
  });
});

describe('what is recent', () => {
  it('is so for one of many who ask at once, in each folder', async () => {
    await rig.append(3);
    const id = await rig.now();
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claimRecent(id, 'INBOX')));
    expect(claims.toSorted((a, b) => a - b)).toEqual([0, ...Array.from({ length: 19 }, () => 3)]);
    await rig.append(1);
    expect((await store.load('shop')).folders.INBOX).toMatchObject({ recentUid: 3, uidNext: 5 });
    expect([await store.claimRecent(id, 'INBOX'), await store.claimRecent(id, 'Hard')]).toEqual([3, 0]);
    expect(await store.claimRecent(id, 'Soft')).toBe(0);
  });
});
