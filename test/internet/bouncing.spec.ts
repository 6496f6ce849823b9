/** What leaves so that a bounce finds its message, and what is told of mail that fails or is late. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openReturnPathSigner } from '../../src/bounces/return-path/return-path-key.js';
import { SentMessageIds } from '../../src/bounces/return-path/sent-message-ids.js';
import { verifiedDomain, SendingDomains } from '../../src/accounts/sending-domains.js';
import type { MessageEvent, StoredEvent } from '../../src/events/event.js';
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

async function referenceIn(address: string) {
  const signer = await openReturnPathSigner(internet.redis);
  return signer.read(address.split('@')[0] ?? '', Date.now());
}

async function outcomes(): Promise<MessageEvent[]> {
  const entries = await internet.redis.xrange('{ph:0}:outcomes', '-', '+');
  return entries.map(([, fields]) => JSON.parse(fields[5] ?? '') as MessageEvent);
}

describe('the return path', () => {
  it('names message and transaction, in the envelope and in the header', async () => {
    const [one, two] = [await internet.mx(0), await internet.mx(1)];
    internet.domain('one.example', 0);
    internet.domain('two.example', 1);
    await internet.deliver();
    const id = await internet.send(['a@one.example', 'b@one.example', 'c@two.example']);
    await internet.settled(id, 'delivered');
    const froms = [one, two].map(({ received }) => received[0]?.from ?? '');
    for (const [transaction, from] of froms.entries()) {
      expect(from).toMatch(/^b\+\S+@bounces\.relay\.example$/);
      expect(await referenceIn(from)).toEqual({ kind: 'valid', messageId: id, transaction });
      const content = [one, two][transaction]?.received[0]?.data.toString() ?? '';
      expect(/^X-Posthorn-Ref: (.*)\r$/m.exec(content)?.[1]).toBe(from.split('@')[0]);
    }
    expect((await internet.spool.read(id))?.message.reversePath).toBe('a@sender.example');
  });

  it("stands below the sender's own domain where DNS points it to us", async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    const domains = new SendingDomains(internet.redis, internet.clock);
    await domains.remove('test', 'sender.example');
    const own = { ...verifiedDomain('sender.example', Date.now()), returnPath: 'verified' } as const;
    await domains.add('test', own, undefined);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(mx.received[0]?.from).toMatch(/@ph-bounces\.sender\.example$/);
  });

  it('stays empty where it came empty: a bounce is not bounced', async () => {
    const mx = await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver();
    const id = await internet.send(['b@dest.example'], 'default', HOUR_MS, '');
    await internet.settled(id, 'delivered');
    expect(mx.received[0]?.from).toBe('');
    expect(mx.received[0]?.data.toString()).toMatch(/^X-Posthorn-Ref: b\+/m);
  });

  it('may be lost at a smarthost, and then the Message-ID says whose bounce it is', async () => {
    const smarthost = await internet.mx(0, {
      rcpt: (address) => (address.startsWith('no') ? '550 5.1.1 no' : '250 ok'),
    });
    await internet.deliver({ POSTHORN_ROUTES: `*=smtp://127.0.0.2:${internet.mxPort}` });
    const ids = new SentMessageIds(internet.redis);
    const sent = await internet.send(['b@dest.example']);
    await internet.settled(sent, 'delivered');
    const refused = await internet.send(['no@dest.example']);
    await internet.settled(refused, 'bounced');
    expect(smarthost.received).toHaveLength(1);
    expect(await ids.referenceOfMessageId(`<${sent}@sender.example>`)).toEqual({ messageId: sent, transaction: 0 });
    expect(await ids.referenceOfMessageId(`<${refused}@sender.example>`)).toBeUndefined();
    const [key = ''] = await internet.redis.keys('{ph:0}:sent:*');
    expect(await internet.redis.pttl(key)).toBeGreaterThan(0);
  });

  it('needs no Message-ID kept where mail goes to its MX', async () => {
    await internet.mx(0);
    internet.domain('dest.example', 0);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'delivered');
    expect(await internet.redis.keys('{ph:0}:sent:*')).toEqual([]);
  });
});

describe('mail that is late', () => {
  const isDelayed = ({ type }: StoredEvent): boolean => type === 'delayed';

  /** Sends a message as it was `agoMs` ago. */
  async function sendAgo(agoMs: number): Promise<string> {
    internet.clock.offsetMs = -agoMs;
    const id = await internet.send(['b@dest.example'], 'default', 48 * HOUR_MS);
    internet.clock.offsetMs = 0;
    return id;
  }

  it('is told of once, four hours after it might have left', async () => {
    await internet.mx(0, { rcpt: '451 4.7.1 greylisted' });
    internet.domain('dest.example', 0);
    await internet.deliver({ POSTHORN_RETRY: '1s' });
    const id = await sendAgo(4 * HOUR_MS);
    const { events, states } = await internet.until(id, (history) => history.events.length > 3);
    expect(events.map(({ type }) => type)).toEqual(['accepted', 'deferred', 'delayed', 'deferred']);
    expect(states).toEqual(['deferred']);
    expect(events.find(isDelayed)).toMatchObject({
      recipients: [0],
      reply: { code: 451, enhanced: '4.7.1' },
      mx: expect.stringContaining('mx0.example'),
      source: 'reply',
      classification: { retry: true },
    });
    expect((await outcomes()).map(({ type }) => type)).toEqual(['delayed']);
  });

  it('is not told of before, nor where it arrives at last', async () => {
    await internet.mx(0, { rcpt: (address) => (address.startsWith('b') ? '451 4.7.1 greylisted' : '250 ok') });
    internet.domain('dest.example', 0);
    await internet.deliver();
    const early = await sendAgo(4 * HOUR_MS - 60_000);
    const deferred = await internet.until(early, ({ events }) => events.length > 1);
    expect(deferred.events.some(isDelayed)).toBe(false);
    internet.clock.offsetMs = -4 * HOUR_MS;
    const late = await internet.send(['c@dest.example'], 'default', 48 * HOUR_MS);
    internet.clock.offsetMs = 0;
    const { events } = await internet.settled(late, 'delivered');
    expect(events.some(isDelayed)).toBe(false);
    expect(await outcomes()).toEqual([]);
  });
});

describe('a refusal', () => {
  it.each([
    [{ greeting: '554 5.7.1 Blocked' }, 'connect'],
    [{ mail: '550 5.7.1 Blocked' }, 'mail'],
    [{ rcpt: '550 5.7.1 Blocked' }, 'rcpt'],
    [{ data: '554 5.7.1 Blocked' }, 'data'],
    [{ dot: '554 5.7.1 Blocked' }, 'content'],
  ] as const)('%j is classified as what was said to %s', async (script, stage) => {
    await internet.mx(0, script);
    internet.domain('dest.example', 0);
    await internet.deliver();
    await internet.settled(await internet.send(['b@dest.example']), 'bounced');
    expect(internet.asked.at(-1)).toMatchObject({
      stage,
      enhanced: '5.7.1',
      text: 'Blocked',
      mx: expect.stringContaining('mx0.example[127.0.0.2]'),
    });
  });
});
