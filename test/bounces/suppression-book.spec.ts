/** What people change of suppressions, and the bounds on them, against a real Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SuppressionRig, DAY_MS } from './suppression-rig.js';

let rig: SuppressionRig;

beforeAll(async () => {
  rig = await SuppressionRig.start();
});
beforeEach(() => rig.reset());
afterEach(() => rig.empty());
afterAll(() => rig.stop());

const ann = { address: 'ann@example.net', because: 'x' };

describe('re-activation by hand', () => {
  it('lets mail go, keeps what was and why for a year, and tells the account', async () => {
    await rig.refused('unknown_recipient', { messageId: 'm1' });
    await rig.complained('bulk');
    rig.clock.nowMs += DAY_MS;
    const removed = await rig.book.remove('shop', 'ANN@example.net', 'she called', 'cred_1');
    expect(removed.map(({ reason }) => reason)).toEqual(['unknown_recipient', 'complaint']);
    expect(await rig.verdict('bulk')).toBe('free');
    const { found } = await rig.list('reactivated');
    const reactivated = { at: rig.clock.nowMs, because: 'she called', by: 'cred_1' };
    expect(found).toMatchObject([
      { ...removed[0], messageId: 'm1', reactivated },
      { reason: 'complaint', streams: ['bulk'], reactivated },
    ]);
    expect(await rig.events()).toMatchObject([{ type: 'suppression.removed', because: 'she called', by: 'cred_1' }]);
    expect(await rig.book.remove('shop', 'ann@example.net', 'again', 'cred_1')).toEqual([]);
  });

  it('makes counts start anew, and a later hard refusal suppresses again', async () => {
    await rig.accountWith({ suppressAfter: 3 });
    await rig.refused('unclassified');
    await rig.refused('unclassified');
    await rig.add({ ...ann, reason: 'manual' });
    rig.clock.nowMs += 1_000;
    await rig.book.remove('shop', 'ann@example.net', 'x', 'me');
    rig.clock.nowMs += 1_000;
    expect(await rig.refused('unclassified')).toBeUndefined();
    expect(await rig.refused('unclassified')).toBeUndefined();
    expect(await rig.refused('unknown_recipient')).toMatchObject({ reason: 'unknown_recipient' });
    expect(await rig.counted('unknown_recipient')).toBe(1);
  });

  it('is not undone by what was known before it, heard again or late', async () => {
    const [heard, late] = [rig.refusal('unknown_recipient'), rig.refusal('recipient_disabled')];
    await rig.suppressions.record(heard);
    rig.clock.nowMs += 1_000;
    await rig.book.remove('shop', 'ann@example.net', 'x', 'me');
    await rig.suppressions.record(heard);
    await rig.suppressions.record({ ...heard, at: rig.clock.nowMs + 1 });
    await rig.suppressions.record(late);
    expect(await rig.listed()).toEqual([]);
  });

  it('keeps the last ten removals of an address', async () => {
    for (let i = 1; i <= 12; i++) {
      await rig.add({ ...ann, reason: 'manual' });
      rig.clock.nowMs += 1_000;
      await rig.book.remove('shop', 'ann@example.net', `time ${i}`, 'me');
    }
    const { found } = await rig.list('reactivated');
    expect(found.map((one) => 'reactivated' in one && one.reactivated.because)).toEqual(
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((i) => `time ${i}`),
    );
  });
});

describe('what is added by hand', () => {
  it('lasts as long as its reason, or as it is told to, and is widened by another hand', async () => {
    const until = rig.clock.nowMs + DAY_MS;
    await rig.add({ ...ann, reason: 'manual', until, streams: ['bulk'] });
    expect([await rig.verdict('bulk'), await rig.verdict()]).toEqual(['suppressed manual', 'free']);
    await rig.add({ ...ann, reason: 'manual' });
    expect(await rig.verdict()).toBe('suppressed manual');
    rig.clock.nowMs += 400 * DAY_MS;
    expect(await rig.verdict()).toBe('suppressed manual');
  });

  it('is never narrowed, nor reworded without words, by another hand', async () => {
    await rig.add({ ...ann, reason: 'manual', because: 'asked by phone' });
    const until = rig.clock.nowMs + DAY_MS;
    await rig.add({ address: ann.address, reason: 'manual', streams: ['bulk'], until });
    rig.clock.nowMs += 2 * DAY_MS;
    expect(await rig.verdict('default')).toBe('suppressed manual');
    expect((await rig.list()).found[0]).toMatchObject({ because: 'asked by phone' });
  });

  it('holds all mail back where one list has an address twice', async () => {
    await rig.add(
      { address: 'dup@example.net', reason: 'manual' },
      { address: 'DUP@example.net', reason: 'manual', streams: ['bulk'] },
    );
    expect(await rig.verdict('default', 'dup@example.net')).toBe('suppressed manual');
  });

  it('keeps what the server said, and of which message, until it is told other words', async () => {
    const cause = rig.refusal('unknown_recipient', { messageId: 'm1' });
    await rig.suppressions.record(cause);
    await rig.add({ address: ann.address, reason: 'unknown_recipient' });
    const [kept] = (await rig.list()).found;
    expect(kept).toMatchObject({ because: '550 no', messageId: 'm1' });
    expect(kept).not.toHaveProperty('addedBy');
    await rig.add({ ...ann, reason: 'unknown_recipient', because: 'she died' });
    const [reworded] = (await rig.list()).found;
    expect(reworded).toMatchObject({ because: 'she died', messageId: 'm1', addedBy: 'me' });
  });

  it('lengthens and widens a suppression of any reason as it is told to', async () => {
    await rig.refused('bad_domain');
    const until = rig.clock.nowMs + 300 * DAY_MS;
    await rig.add({ address: ann.address, reason: 'bad_domain', until });
    expect((await rig.list()).found).toMatchObject([{ reason: 'bad_domain', until }]);
    await rig.complained('default');
    await rig.add({ address: ann.address, reason: 'complaint', streams: ['bulk'] });
    expect((await rig.list()).found).toContainEqual(
      expect.objectContaining({
        reason: 'complaint',
        streams: ['default', 'bulk'],
        because: expect.stringContaining('complained'),
      }),
    );
  });

  it('makes what was found out wider and longer, never narrower', async () => {
    await rig.complained('default');
    const until = rig.clock.nowMs + DAY_MS;
    await rig.add({ ...ann, reason: 'complaint', streams: ['bulk'], until });
    rig.clock.nowMs += 2 * DAY_MS;
    expect((await rig.list()).found).toMatchObject([{ reason: 'complaint', streams: ['default', 'bulk'] }]);
  });
});

describe('a list', () => {
  it('goes on where a page ended, over addresses with several reasons', async () => {
    const addresses = Array.from({ length: 1_205 }, (_, i) => `u${String(i).padStart(4, '0')}@example.net`);
    await rig.add(...addresses.map((address) => ({ address, reason: 'manual' as const, because: 'x' })));
    await rig.add(...addresses.map((address) => ({ address, reason: 'complaint' as const, because: 'x' })));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await rig.book.list('shop', { state: 'suppressed', limit: 101, ...(after && { after }) });
      expect(page.found).toHaveLength(Math.min(100, 2 * addresses.length - seen.length));
      seen.push(...page.found.map(({ address }) => address));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(addresses.flatMap((address) => [address, address]));
  });

  it('never stands still at an address with more reasons than a page has room for', async () => {
    for (const reason of ['manual', 'complaint', 'bad_domain'] as const) await rig.add({ ...ann, reason });
    await rig.add({ ...ann, address: 'bob@example.net', reason: 'manual' });
    const first = await rig.book.list('shop', { state: 'suppressed', limit: 1 });
    expect([first.found.length, first.next]).toEqual([3, 'ann@example.net']);
    const second = await rig.book.list('shop', { state: 'suppressed', limit: 1, after: first.next ?? '' });
    expect([second.found.length, second.next]).toEqual([1, undefined]);
  });
});

describe('at its limit', () => {
  it('an account lets go first what ends next, and never what does not end', async () => {
    rig.reset({ suppressionsMax: 3, countedMax: 10 });
    await rig.refused('bad_domain', { address: 'a@example.net' });
    await rig.refused('recipient_disabled', { address: 'b@example.net' });
    await rig.refused('unknown_recipient', { address: 'c@example.net' });
    await rig.refused('unknown_recipient', { address: 'd@example.net' });
    expect(await rig.indexed()).toEqual(['b@example.net', 'c@example.net', 'd@example.net']);
    expect(await rig.refused('bad_domain', { address: 'e@example.net' })).toBeUndefined();
    await rig.refused('unknown_recipient', { address: 'f@example.net' });
    expect(await rig.refused('unknown_recipient', { address: 'g@example.net' })).toBeUndefined();
    expect(await rig.indexed()).toEqual(['c@example.net', 'd@example.net', 'f@example.net']);
    expect(await rig.verdict('default', 'b@example.net')).toBe('free');
    // What is known already is known still.
    expect(await rig.refused('unknown_recipient', { address: 'c@example.net' })).toBeDefined();
    expect(await rig.add({ ...ann, reason: 'manual' }, { ...ann, address: 'c@example.net', reason: 'manual' })).toBe(
      'full',
    );
    expect(await rig.add({ ...ann, address: 'c@example.net', reason: 'manual' })).toHaveLength(1);
    expect(await rig.counted('unknown_recipient')).toBe(3);
    expect([await rig.dropped('bad_domain'), await rig.dropped('unknown_recipient')]).toEqual([1, 1]);
  });

  it('has room again for what has ended', async () => {
    rig.reset({ suppressionsMax: 1, countedMax: 10 });
    await rig.refused('bad_domain');
    rig.clock.nowMs += 30 * DAY_MS;
    expect(await rig.refused('bad_domain', { address: 'b@example.net' })).toBeDefined();
  });

  it('forgets the counts that would end next', async () => {
    rig.reset({ suppressionsMax: 10, countedMax: 2 });
    await rig.refused('mailbox_full', { address: 'a@example.net' });
    await rig.refused('unclassified', { address: 'b@example.net' });
    await rig.refused('unclassified', { address: 'c@example.net' });
    expect((await rig.keys()).filter((key) => key.includes(':n:')).map((key) => key.slice(-13))).toEqual([
      'b@example.net',
      'c@example.net',
    ]);
  });
});
