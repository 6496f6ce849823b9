/** What suppression promises, against a real Redis, with a clock that moves only when it is told to. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SuppressionRig, DAY_MS } from './suppression-rig.js';

let rig: SuppressionRig;

beforeAll(async () => {
  rig = await SuppressionRig.start();
});
beforeEach(() => rig.reset());
afterEach(() => rig.empty());
afterAll(() => rig.stop());

describe('a hard refusal', () => {
  it('suppresses at once, in every spelling of the address, for this account', async () => {
    const made = await rig.refused('unknown_recipient', { address: 'Ann@BÜCHER.example', messageId: 'm1' });
    expect(made).toEqual({
      address: 'ann@xn--bcher-kva.example',
      reason: 'unknown_recipient',
      since: rig.clock.nowMs,
      because: '550 no',
      messageId: 'm1',
    });
    const asked = ['ANN@xn--bcher-kva.example', 'bob@bücher.example', 'ann@Bücher.example'];
    const verdicts = await rig.suppressions.verdicts('shop', asked, 'critical');
    expect([...verdicts]).toEqual([
      [asked[0], { kind: 'suppressed', suppression: made }],
      [asked[2], { kind: 'suppressed', suppression: made }],
    ]);
    expect(await rig.suppressions.verdicts('other', asked, 'default')).toEqual(new Map());
  });

  it.each([
    ['recipient_disabled', 90],
    ['bad_domain', 30],
  ] as const)('for %s is over after %d days', async (category, days) => {
    await rig.refused(category);
    rig.clock.nowMs += days * DAY_MS - 1_000;
    expect(await rig.verdict()).toBe(`suppressed ${category}`);
    rig.clock.nowMs += 1_000;
    expect(await rig.verdict()).toBe('free');
    expect(await rig.listed()).toEqual([]);
  });

  it('is gone from Redis when it is over', async () => {
    await rig.refused('bad_domain');
    await rig.refused('unknown_recipient', { address: 'bob@example.net' });
    const [ends, never] = await Promise.all([rig.ttlOf('ann@example.net'), rig.ttlOf('bob@example.net')]);
    expect([ends > 29 * DAY_MS, ends <= 30 * DAY_MS, never]).toEqual([true, true, -1]);
    rig.clock.nowMs += 31 * DAY_MS;
    await rig.refused('bad_domain', { address: 'cid@example.net' });
    expect(await rig.indexed()).toEqual(['bob@example.net', 'cid@example.net']);
  });

  it('is not undone by a delivery, nor by soft causes that come and go', async () => {
    await rig.refused('unknown_recipient');
    for (let i = 0; i < 3; i++) await rig.refused('mailbox_full');
    expect(await rig.listed()).toEqual(['ann@example.net mailbox_full', 'ann@example.net unknown_recipient']);
    expect(await rig.verdict('critical')).toBe('suppressed unknown_recipient');
    await rig.delivered();
    expect(await rig.listed()).toEqual(['ann@example.net unknown_recipient']);
  });

  it('counts in the metric once, however often it is recorded', async () => {
    const cause = rig.refusal('unknown_recipient');
    for (let i = 0; i < 3; i++) await rig.suppressions.record(cause);
    await rig.refused('unknown_recipient');
    expect(await rig.counted('unknown_recipient')).toBe(1);
  });
});

describe('what is not the recipient’s', () => {
  it.each([
    'ip_blocked',
    'content_spam',
    'policy_rejected',
    'connection_failed',
    'greylisted',
    'relay_denied',
  ] as const)('leaves nothing behind: %s', async (category) => {
    for (let i = 0; i < 10; i++) expect(await rig.refused(category)).toBeUndefined();
    expect(await rig.verdict()).toBe('free');
    expect(await rig.keys()).toEqual([]);
  });
});

it('a refusal that names no whole address leaves nothing behind', async () => {
  for (const address of ['', 'ann', 'Ann Example'])
    expect(await rig.refused('unknown_recipient', { address })).toBeUndefined();
  expect(await rig.keys()).toEqual([]);
});

describe('a full mailbox', () => {
  it('suppresses with the third message in 14 days, for 14 days', async () => {
    await rig.refused('mailbox_full');
    await rig.refused('mailbox_full', { messageId: 'twice' });
    await rig.refused('mailbox_full', { messageId: 'twice', key: 'a DSN of the same message' });
    expect(await rig.verdict()).toBe('free');
    rig.clock.nowMs += 13 * DAY_MS;
    expect(await rig.refused('mailbox_full')).toMatchObject({ reason: 'mailbox_full' });
    expect(await rig.verdict()).toBe('suppressed mailbox_full');
    rig.clock.nowMs += 14 * DAY_MS;
    expect(await rig.verdict()).toBe('free');
  });

  it('counts none of those that led to the suppression again', async () => {
    const causes = Array.from({ length: 3 }, () => rig.refusal('mailbox_full'));
    for (let i = 0; i < 3; i++) {
      for (const cause of causes) {
        await rig.suppressions.record(cause);
        rig.clock.nowMs += 1_000;
      }
    }
    expect((await rig.list()).found).toMatchObject([{ messageId: causes[2]?.messageId }]);
    expect((await rig.keys()).filter((key) => /:(n:|counted)/.test(key))).toEqual([]);
    for (let i = 0; i < 2; i++) await rig.refused('mailbox_full');
    expect((await rig.list()).found).toMatchObject([{ messageId: causes[2]?.messageId }]);
  });

  it('is not suppressed by three in more than 14 days', async () => {
    for (const days of [8, 8, 8, 8]) {
      expect(await rig.refused('mailbox_full')).toBeUndefined();
      rig.clock.nowMs += days * DAY_MS;
    }
    await rig.refused('mailbox_full');
    expect(await rig.refused('mailbox_full')).toMatchObject({ reason: 'mailbox_full' });
  });

  it('begins anew with a delivery, which lifts the suppression too', async () => {
    await rig.refused('mailbox_full');
    const late = rig.refusal('mailbox_full');
    await rig.refused('mailbox_full');
    rig.clock.nowMs += 60_000;
    await rig.delivered('ANN@example.net');
    // What happened before it is heard of late.
    await rig.suppressions.record(late);
    for (let i = 0; i < 2; i++) expect(await rig.refused('mailbox_full')).toBeUndefined();
    expect(await rig.refused('mailbox_full')).toBeDefined();
    await rig.delivered('bob@example.net');
    expect(await rig.verdict()).toBe('suppressed mailbox_full');
    await rig.delivered();
    expect(await rig.verdict()).toBe('free');
    expect(await rig.listed()).toEqual([]);
  });

  it('of a server that takes everything and sends it back later is counted all the same', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await rig.verdict()).toBe('free');
      const late = rig.refusal('mailbox_full');
      rig.clock.nowMs += 60_000;
      await rig.delivered();
      rig.clock.nowMs += 60_000;
      const { what } = late;
      const cause = { ...late, what: what.kind === 'refused' ? { ...what, late: true } : what };
      await Promise.all([rig.suppressions.record(cause), rig.suppressions.record(cause)]);
    }
    expect(await rig.verdict()).toBe('suppressed mailbox_full');
    // Critical mail may try, and a 250 says no more than the ones before.
    expect(await rig.bypass('m1')).toBe(true);
    await rig.delivered();
    expect(await rig.verdict()).toBe('suppressed mailbox_full');
    rig.clock.nowMs += 14 * DAY_MS;
    expect(await rig.verdict()).toBe('free');
    // Nothing of it is left.
    for (let i = 0; i < 2; i++) expect(await rig.refused('mailbox_full')).toBeUndefined();
  });

  it('and undetermined refusals are counted apart', async () => {
    await rig.accountWith({ suppressAfter: 3 });
    for (const category of ['mailbox_full', 'unclassified', 'mailbox_full', 'recipient_refused'] as const)
      expect(await rig.refused(category)).toBeUndefined();
    expect(await rig.refused('expired')).toMatchObject({ reason: 'expired' });
    expect(await rig.refused('mailbox_full')).toBeDefined();
    expect(await rig.listed()).toEqual(['ann@example.net expired', 'ann@example.net mailbox_full']);
  });
});

describe('an undetermined refusal', () => {
  it('suppresses the fifth time in 30 days, for 30 days', async () => {
    for (let i = 0; i < 4; i++) {
      expect(await rig.refused('unclassified')).toBeUndefined();
      rig.clock.nowMs += 7 * DAY_MS;
    }
    expect(await rig.refused('recipient_refused')).toMatchObject({
      reason: 'recipient_refused',
      until: rig.clock.nowMs + 30 * DAY_MS,
    });
  });

  it('counts as often as the account says: 0 never, and leaves nothing', async () => {
    await rig.accountWith({ suppressAfter: 1 });
    expect(await rig.refused('unclassified')).toMatchObject({ reason: 'unclassified' });
    await rig.empty();
    await rig.accountWith({ suppressAfter: 0 });
    for (let i = 0; i < 10; i++) expect(await rig.refused('unclassified')).toBeUndefined();
    expect(await rig.keys()).toEqual([]);
  });
});

describe('a complaint', () => {
  it('suppresses the stream of its message, and adds those of further ones', async () => {
    await rig.complained('bulk');
    expect(await rig.verdict('bulk')).toBe('suppressed complaint');
    expect([await rig.verdict('default'), await rig.verdict('critical')]).toEqual(['free', 'free']);
    await rig.complained('default');
    expect([await rig.verdict('bulk'), await rig.verdict('default')]).toEqual([
      'suppressed complaint',
      'suppressed complaint',
    ]);
    expect(await rig.verdict('critical')).toBe('free');
    await rig.delivered();
    expect(await rig.verdict('bulk')).toBe('suppressed complaint');
  });

  it('about critical mail is not bypassed', async () => {
    await rig.complained('critical');
    expect(await rig.verdict('critical')).toBe('suppressed complaint');
    expect(await rig.bypass('m1')).toBe(false);
  });

  it('that says that it is no spam is none', async () => {
    await rig.complained('bulk', 'not-spam');
    expect(await rig.keys()).toEqual([]);
  });
});

describe('critical mail', () => {
  beforeEach(async () => {
    await rig.accountWith({ suppressAfter: 1 });
  });

  it.each(['recipient_refused', 'unclassified', 'expired'] as const)(
    'bypasses %s with one message, as often as that asks',
    async (category) => {
      await rig.refused(category);
      expect([await rig.verdict('critical'), await rig.verdict('default')]).toEqual([
        `bypass ${category}`,
        `suppressed ${category}`,
      ]);
      expect(await rig.bypass('m1')).toBe(true);
      expect(await rig.bypass('m2')).toBe(false);
      expect(await rig.bypass('m1')).toBe(true);
      // It is refused again: that is no new suppression.
      await rig.refused(category, { messageId: 'm1' });
      expect(await rig.bypass('m2')).toBe(false);
      const [listed] = (await rig.list()).found;
      expect(listed).toMatchObject({ bypassedBy: 'm1' });
    },
  );

  it('hands its bypass on to nobody once it was refused', async () => {
    await rig.refused('recipient_refused');
    expect(await rig.bypass('m1', 'reset ann')).toBe(true);
    await rig.refused('recipient_refused', { messageId: 'm1' });
    expect(await rig.bypass('m2', 'reset ann')).toBe(false);
  });

  it('hands its bypass on to the message that comes in its place', async () => {
    await rig.refused('unclassified');
    expect(await rig.bypass('m1', 'reset ann')).toBe(true);
    expect(await rig.bypass('m2', 'reset bob')).toBe(false);
    expect(await rig.bypass('m2')).toBe(false);
    expect(await rig.bypass('m3', 'reset ann')).toBe(true);
    expect((await rig.list()).found[0]).toMatchObject({ bypassedBy: 'm3' });
  });

  it('is not kept from a complaint about bulk mail by its bypass, nor the other way', async () => {
    await rig.complained('bulk');
    await rig.refused('unclassified');
    expect(await rig.verdict('critical')).toBe('bypass unclassified');
    expect(await rig.bypass('m1')).toBe(true);
    expect(await rig.verdict('bulk')).toBe('suppressed complaint');
  });

  it.each(['unknown_recipient', 'recipient_disabled', 'bad_domain', 'recipient_moved'] as const)(
    'does not bypass %s, though there is a soft cause besides',
    async (category) => {
      await rig.refused('unclassified');
      await rig.refused(category);
      expect(await rig.verdict('critical')).toBe(`suppressed ${category}`);
      expect(await rig.bypass('m1')).toBe(false);
    },
  );

  it('does not bypass what a hand has set', async () => {
    await rig.add({ address: 'ann@example.net', reason: 'manual', because: 'x' });
    expect(await rig.verdict('critical')).toBe('suppressed manual');
    expect(await rig.bypass('m1')).toBe(false);
  });

  it('has a bypass again for the next suppression', async () => {
    await rig.refused('unclassified');
    await rig.bypass('m1');
    await rig.delivered();
    rig.clock.nowMs += 1_000;
    await rig.refused('unclassified');
    expect(await rig.bypass('m2')).toBe(true);
  });
});

describe('several processes', () => {
  it('see within a second what one of them suppressed, and what it let go', async () => {
    const other = await rig.anotherProcess();
    const of = async (stream: 'default' = 'default') =>
      (await other.verdicts('shop', ['ann@example.net'], stream)).size;
    expect(await of()).toBe(0);
    await rig.refused('unknown_recipient');
    rig.clock.nowMs += 999;
    expect(await of()).toBe(1);
    await rig.book.remove('shop', 'ann@example.net', 'x', 'me');
    expect(await of()).toBe(0);
  });

  it('count one occurrence once, though they record it at the same time', async () => {
    const other = await rig.anotherProcess();
    await rig.accountWith({ suppressAfter: 3 });
    for (let i = 0; i < 2; i++) {
      const cause = rig.refusal('unclassified');
      const both = [rig.suppressions, other, rig.suppressions, other];
      await Promise.all(both.map((suppressions) => suppressions.record(cause)));
      rig.clock.nowMs += 1_000;
    }
    expect(await rig.verdict()).toBe('free');
    const third = rig.refusal('unclassified');
    await Promise.all([rig.suppressions.record(third), other.record(third)]);
    expect(await rig.verdict()).toBe('suppressed unclassified');
    expect(await rig.counted('unclassified')).toBe(1);
    const [listed] = (await rig.list()).found;
    expect(listed).toMatchObject({ messageId: third.messageId });
  });

  it('lose none of what they record at the same time', async () => {
    const other = await rig.anotherProcess();
    const causes = Array.from({ length: 200 }, (_, i) =>
      rig.refusal('unknown_recipient', { address: `u${i}@example.net` }),
    );
    await Promise.all(causes.map((cause, i) => (i % 2 ? rig.suppressions : other).record(cause)));
    expect((await rig.indexed()).length).toBe(200);
  });
});

describe('an account without suppressions', () => {
  it('asks Redis once a second, whatever it sends and delivers', async () => {
    const before = await rig.commandsServed();
    for (let i = 0; i < 50; i++) {
      await rig.suppressions.verdicts('shop', [`u${i}@example.net`], 'default');
      await rig.suppressions.delivered('shop', [`u${i}@example.net`]);
    }
    // One look at each of three sets, and the question itself.
    expect((await rig.commandsServed()) - before).toBeLessThanOrEqual(4);
  });
});
