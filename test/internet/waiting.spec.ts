/** Mail that waits for something else than its receiver: a limit, a time, an account. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { AcceptMessage } from '../../src/submission/accept-message.js';
import type { MessageOptions } from '../../src/submission/option-schemas.js';
import { SmallInternet } from './small-internet.js';

// Longer than it waits for what it is about to say.
jest.setTimeout(30_000);

const HOUR_MS = 3_600_000;

let internet: SmallInternet;

beforeEach(async () => {
  internet = await SmallInternet.start();
});

afterEach(async () => {
  await internet.stop();
});

async function submit(door: AcceptMessage, options: MessageOptions = {}, to = 'b@dest.example') {
  const acceptance = await door.accept({
    account: 'test',
    door: 'http',
    reversePath: 'a@sender.example',
    recipients: [to],
    content: Buffer.from('From: a@sender.example\r\n\r\nHello\r\n'),
    source: { kind: 'http' },
    options,
  });
  if (acceptance.kind === 'refused') throw new Error(acceptance.refusal.text);
  return acceptance;
}

describe('an account that holds what is over its limit', () => {
  it('sends it when the window opens, in order, while its critical mail passes by', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver();
    const door = await internet.door({ limits: { messages: { perHour: 3 } }, onLimit: 'hold' });
    const sent: Awaited<ReturnType<typeof submit>>[] = [];
    for (let i = 0; i < 9; i++) {
      sent.push(await submit(door, { stream: 'bulk' }));
      internet.clock.offsetMs += 1;
    }
    expect(sent.map(({ recipients }) => recipients[0]?.state)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => (i < 3 ? 'queued' : 'held')),
    );
    const ids = sent.map(({ id }) => id);
    const urgent = await submit(door, { stream: 'critical' }, 'urgent@dest.example');
    for (const id of [urgent.id, ...ids.slice(0, 3)]) await internet.settled(id, 'delivered');
    expect(mx.received).toHaveLength(4);

    for (const batch of [ids.slice(3, 6), ids.slice(6)]) {
      internet.clock.offsetMs += HOUR_MS + 60_000;
      for (const id of batch) await internet.settled(id, 'delivered');
      // Those of the next window wait on.
      const later = await Promise.all(ids.slice(ids.indexOf(batch[2] ?? '') + 1).map((id) => internet.spool.read(id)));
      for (const history of later) expect(history?.states).toEqual(['held']);
    }
    expect(mx.received).toHaveLength(10);
    const last = await internet.spool.read(ids[8] ?? '');
    expect(last?.events.map(({ type }) => type)).toEqual(['accepted', 'held', 'delivered']);
  });

  it('expires it on its own clock', async () => {
    await internet.deliver();
    const door = await internet.door({ limits: { messages: { perHour: 1 } }, onLimit: 'hold' });
    await submit(door, { expiresIn: 4_000 });
    const { id } = await submit(door, { expiresIn: 4_000 });
    await internet.accounts.suspend('test', 'so that it stays');
    internet.clock.offsetMs += 4_001_000;
    const history = await internet.settled(id, 'expired');
    expect(history.events.map(({ type }) => type)).toEqual(['accepted', 'held', 'expired']);
  });
});

describe('a scheduled message', () => {
  it('leaves at its time', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver();
    const door = await internet.door({});
    const sendAt = internet.clock.now() + 1_500;
    const { id, recipients } = await submit(door, { sendAt });
    expect(recipients[0]?.state).toBe('scheduled');
    const { events } = await internet.settled(id, 'delivered');
    expect(events.at(-1)?.at).toBeGreaterThanOrEqual(sendAt);
    expect(mx.received).toHaveLength(1);
  });
});

describe('an account that is suspended', () => {
  it('sends nothing of what is queued, and makes no attempt of it', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    const door = await internet.door({});
    const { id } = await submit(door);
    await internet.accounts.change('test', { state: 'suspended' });
    await internet.deliver();
    // The job was looked at and put off: it stands among the delayed.
    await internet.putOff(id);
    expect(mx.received).toHaveLength(0);
    const dueAt = Number(await internet.redis.zscore('{ph:0}:default:delayed', `${id}-0`)) / 0x1000;
    expect(dueAt - internet.clock.now()).toBeGreaterThan(290_000);
    expect(dueAt - internet.clock.now()).toBeLessThan(900_001);
    const history = await internet.spool.read(id);
    expect([history?.states, history?.events.length]).toEqual([['queued'], 1]);
    expect(await internet.spool.claim({ messageId: id, transaction: 0, stream: 'default', token: '' })).toMatchObject({
      attempts: 0,
    });
  });
});

describe('much mail of an account that is suspended', () => {
  it('is put off without its bodies being read', async () => {
    const door = await internet.door({});
    const sent = await Promise.all(Array.from({ length: 200 }, () => submit(door)));
    await internet.accounts.suspend('test', 'unpaid');
    await internet.redis.config('RESETSTAT');
    await internet.deliver();
    for (const { id } of sent) await internet.putOff(id);
    const read = /cmdstat_getrange:calls=(\d+)/.exec(await internet.redis.info('commandstats'))?.[1];
    // Those that were taken up at once, before any was known to be suspended.
    expect(Number(read)).toBeLessThanOrEqual(60);
  });
});

describe('what is counted for a message', () => {
  const over = { kind: 'refused', refusal: expect.objectContaining({ cause: 'over_limit' }) };
  const unavailable = { kind: 'refused', refusal: expect.objectContaining({ cause: 'queue_unavailable' }) };
  const mail = {
    account: 'test',
    door: 'http' as const,
    reversePath: 'a@sender.example',
    recipients: ['b@dest.example'],
    content: Buffer.from('From: a@sender.example\r\n\r\nHello\r\n'),
    source: { kind: 'http' as const },
    options: {},
  };

  it('stays counted where it may have been written', async () => {
    const door = await internet.door({ limits: { messages: { perHour: 1 } } });
    // The script fails in the middle of its writing.
    await internet.redis.set('{ph:0}:ledger', 'no hash');
    expect(await door.accept(mail)).toEqual(unavailable);
    await internet.redis.del('{ph:0}:ledger');
    expect(await door.accept(mail)).toMatchObject(over);
  });

  it('is given back where Redis has no room for it', async () => {
    const door = await internet.door({ limits: { messages: { perHour: 1 } } });
    const usedBytes = Number(/used_memory:(\d+)/.exec(await internet.redis.info('memory'))?.[1]);
    await internet.redis.config('SET', 'maxmemory', String(usedBytes + 200_000));
    const large = {
      ...mail,
      content: Buffer.concat([mail.content, Buffer.from(randomBytes(200_000).toString('base64'))]),
    };
    expect(await door.accept(large)).toEqual(unavailable);
    await internet.redis.config('SET', 'maxmemory', '0');
    const [key = ''] = await internet.redis.keys('*:sent:other:test');
    expect(await internet.redis.hget(key, 'hn')).toBe('0');
  });
});
