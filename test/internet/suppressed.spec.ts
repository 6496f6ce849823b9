/** Recipients that an account does not send to any more, from the door to the last attempt. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SuppressionCause } from '../../src/bounces/suppression/suppressions.js';
import { findingOf } from '../../src/mail/categories.js';
import type { Category } from '../../src/mail/classification.js';
import type { Stream } from '../../src/mail/stream.js';
import type { AcceptMessage, Acceptance } from '../../src/submission/accept-message.js';
import type { MxScript } from '../../src/cli/demo/mx-script.js';
import { ACCOUNTS_PREFIX } from '../../src/store/keyspace.js';
import { SmallInternet } from './small-internet.js';

// Longer than it waits for what it is about to say.
jest.setTimeout(30_000);

const DAY_MS = 86_400_000;
const GONE = 'gone@dest.example';
const HERE = 'here@dest.example';

let internet: SmallInternet;
let occurrences = 0;

beforeEach(async () => {
  internet = await SmallInternet.start();
});

afterEach(async () => {
  await internet.stop();
});

/** As if a server had refused `address` so often that it is suppressed. */
async function suppress(category: Category, address = GONE): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const cause: SuppressionCause = {
      key: `occurrence ${++occurrences}`,
      account: 'test',
      address,
      stream: 'default',
      messageId: `m${occurrences}`,
      at: internet.clock.now(),
      what: { kind: 'refused', classification: findingOf(category, 'test'), reply: '550 no such user' },
    };
    await internet.suppressions.record(cause);
  }
  // Other processes know a second later, and so does this one what it has read before.
  internet.clock.offsetMs += 1_000;
}

async function submit(
  door: AcceptMessage,
  recipients: readonly string[],
  options: {
    readonly stream?: Stream;
    readonly idempotencyKey?: string;
    readonly supersedeKey?: string;
    readonly sendAt?: number;
  } = {},
  by: 'http' | 'trusted' = 'http',
): Promise<Acceptance> {
  return door.accept({
    account: 'test',
    door: by,
    reversePath: 'a@sender.example',
    recipients,
    content: Buffer.from('From: a@sender.example\r\n\r\nHello\r\n'),
    source: { kind: 'http' },
    options,
  });
}

async function accepted(...given: Parameters<typeof submit>) {
  const acceptance = await submit(...given);
  if (acceptance.kind === 'refused') throw new Error(acceptance.refusal.text);
  return acceptance;
}

async function startMx(script: MxScript = {}) {
  const mx = await internet.mx(0, script);
  internet.domain('dest.example', 0);
  await internet.deliver({ POSTHORN_RETRY: '1s' });
  return mx;
}

describe('at the door', () => {
  it('answers for those who are suppressed, sends to the others, and says the same again', async () => {
    const mx = await startMx();
    const door = await internet.door({});
    await suppress('unknown_recipient');
    const first = await accepted(door, [GONE, HERE], { idempotencyKey: 'once' });
    expect(first.recipients).toEqual([
      { address: GONE, state: 'suppressed' },
      { address: HERE, state: 'queued' },
    ]);
    const again = await accepted(door, [GONE, HERE], { idempotencyKey: 'once' });
    expect([again.id, again.recipients, again.replayed]).toEqual([first.id, first.recipients, true]);
    const { events } = await internet.settled(first.id, 'suppressed', 'delivered');
    expect(mx.received.map(({ recipients }) => recipients)).toEqual([[HERE]]);
    expect(events[1]).toMatchObject({
      type: 'suppressed',
      recipients: [0],
      reason: 'unknown_recipient',
      because: '550 no such user',
    });
  });

  it('has nothing to send where all are suppressed', async () => {
    const mx = await startMx();
    const door = await internet.door({});
    await suppress('unknown_recipient');
    const { id } = await accepted(door, [GONE]);
    expect((await internet.spool.read(id))?.states).toEqual(['suppressed']);
    expect(mx.connections).toBe(0);
  });

  it('leaves it to the attempt where the suppression ends before the message leaves', async () => {
    const mx = await startMx();
    const door = await internet.door({});
    await suppress('mailbox_full');
    await suppress('unknown_recipient', HERE);
    const sendAt = internet.clock.now() + 14 * DAY_MS;
    const scheduled = await accepted(door, [GONE, HERE], { sendAt });
    expect(scheduled.recipients.map(({ state }) => state)).toEqual(['scheduled', 'suppressed']);
    const sooner = await accepted(door, [GONE], { sendAt: sendAt - DAY_MS });
    expect(sooner.recipients.map(({ state }) => state)).toEqual(['suppressed']);
    expect(mx.connections).toBe(0);
  });

  it('refuses over SMTP where the account chose so, and never over HTTP', async () => {
    const door = await internet.door({ suppressedRecipients: 'refuse' });
    await suppress('unknown_recipient');
    const session = { recipients: 0, smtpUtf8: false } as never;
    expect(await door.checkRecipient({ account: 'test' }, GONE, session)).toMatchObject({
      cause: 'suppressed_recipient',
      code: 550,
      enhanced: '5.7.1',
      text: `This account does not send to ${GONE}, which is suppressed for unknown_recipient: ./posthorn suppression remove lifts that`,
    });
    expect(await door.checkRecipient({ account: 'test' }, HERE, session)).toBeUndefined();
    expect(await submit(door, [GONE], {}, 'trusted')).toMatchObject({
      kind: 'refused',
      refusal: { cause: 'suppressed_recipient' },
    });
    expect((await accepted(door, [GONE], {}, 'http')).recipients[0]?.state).toBe('suppressed');
  });

  it('lets SMTP name whom critical mail may still go to, and refuses when it is not critical', async () => {
    const door = await internet.door({ suppressedRecipients: 'refuse' });
    await suppress('mailbox_full');
    const session = { recipients: 0, smtpUtf8: false } as never;
    expect(await door.checkRecipient({ account: 'test' }, GONE, session)).toBeUndefined();
    expect((await submit(door, [GONE], {}, 'trusted')).kind).toBe('refused');
    expect((await submit(door, [GONE], { stream: 'critical' }, 'trusted')).kind).toBe('accepted');
  });
});

describe('before an attempt', () => {
  it('settles who was suppressed meanwhile, with what the attempt leaves', async () => {
    let greylists = true;
    const mx = await startMx({ rcpt: () => (greylists ? '451 4.7.1 greylisted' : '250 ok') });
    const door = await internet.door({});
    const { id } = await accepted(door, [GONE, HERE]);
    await internet.until(id, ({ events }) => events.filter(({ type }) => type === 'deferred').length >= 2);
    greylists = false;
    await suppress('unknown_recipient');
    const { states, events } = await internet.settled(id, 'suppressed', 'delivered');
    expect(states).toEqual(['suppressed', 'delivered']);
    expect(events.filter(({ type }) => type === 'suppressed')).toMatchObject([{ recipients: [0] }]);
    expect(mx.received.map(({ recipients }) => recipients)).toEqual([[HERE]]);
  });

  it('counts for the watch on traffic only whom a server was asked for', async () => {
    let greylists = true;
    await startMx({ rcpt: () => (greylists ? '451 4.7.1 greylisted' : '250 ok') });
    const door = await internet.door({});
    const { id } = await accepted(door, [GONE, HERE]);
    await internet.until(id, ({ events }) => events.filter(({ type }) => type === 'deferred').length >= 2);
    greylists = false;
    await suppress('unknown_recipient');
    await internet.settled(id, 'suppressed', 'delivered');
    let settled: string | null = null;
    while (Number(settled) === 0) {
      await internet.traffic.flush();
      settled = await internet.redis.hget(`${ACCOUNTS_PREFIX}:traffic:test`, 's');
    }
    expect(settled).toBe('1');
  });

  it('lets critical mail by once where the cause was a soft one, and tells of it once', async () => {
    let greylists = true;
    const mx = await startMx({ rcpt: () => (greylists ? '451 4.7.1 greylisted' : '250 ok') });
    const door = await internet.door({});
    await suppress('mailbox_full');
    const { id, recipients } = await accepted(door, [GONE], { stream: 'critical' });
    expect(recipients[0]?.state).toBe('queued');
    await internet.until(id, ({ events }) => events.filter(({ type }) => type === 'deferred').length >= 2);
    const second = await accepted(door, [GONE], { stream: 'critical' });
    expect(second.recipients[0]?.state).toBe('suppressed');
    await internet.settled(second.id, 'suppressed');
    greylists = false;
    const { events } = await internet.settled(id, 'delivered');
    expect(events.filter(({ type }) => type === 'suppression.bypassed')).toMatchObject([
      { recipients: [0], reason: 'mailbox_full' },
    ]);
    expect(events[1]?.type).toBe('suppression.bypassed');
    expect(mx.received).toHaveLength(1);
  });
});

describe('critical mail that comes in the place of another', () => {
  it('passes by where that one did and was only deferred', async () => {
    let greylists = true;
    const mx = await startMx({ rcpt: () => (greylists ? '451 4.7.1 greylisted' : '250 ok') });
    const door = await internet.door({});
    await suppress('mailbox_full');
    const options = { stream: 'critical', supersedeKey: 'reset' } as const;
    const first = await accepted(door, [GONE], options);
    await internet.until(first.id, ({ events }) => events.some(({ type }) => type === 'deferred'));
    greylists = false;
    const second = await accepted(door, [GONE], options);
    const { events } = await internet.settled(second.id, 'delivered');
    expect(events.map(({ type }) => type)).toEqual(['accepted', 'suppression.bypassed', 'delivered']);
    expect(mx.received).toHaveLength(1);
  });
});

describe('after a delivery', () => {
  it('lifts what was soft', async () => {
    await startMx();
    const door = await internet.door({});
    await suppress('mailbox_full');
    const { id } = await accepted(door, [GONE], { stream: 'critical' });
    await internet.settled(id, 'delivered');
    for (;;) {
      internet.clock.offsetMs += 1_000;
      const later = await accepted(door, [GONE]);
      if (later.recipients[0]?.state === 'queued') break;
    }
  });
});
