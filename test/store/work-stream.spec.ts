/** What is promised of work in a stream (`src/store/work-stream.ts`): done by one, by another where that one fails, and never lost. */
import { EventEmitter, on, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis, untilReady } from '../../src/store/connect-redis.js';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';
import { WorkStream, type StreamEntry, type WorkStreamOptions } from '../../src/store/work-stream.js';
import { OwnRedis } from '../accounts/own-redis.js';
import { withPatience } from '../patience.js';

const KEY = 'work';

let own: OwnRedis;
let redis: Redis;
let streams: WorkStream[] = [];
let errors: string[] = [];

beforeAll(async () => {
  own = await OwnRedis.start();
});
beforeEach(async () => {
  redis = await own.connect();
  errors = [];
});
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()));
  streams = [];
  await redis.flushall();
});
afterAll(() => own.stop());

/** What a consumer was handed, in the order in which it came. */
class Handled extends EventEmitter {
  readonly texts: string[] = [];

  add(entry: StreamEntry): void {
    this.texts.push(String(entry.fields.get('v')));
    this.emit('more');
  }

  async has(count: number): Promise<string[]> {
    if (this.texts.length >= count) return this.texts;
    for await (const _ of on(this, 'more')) if (this.texts.length >= count) break;
    return this.texts;
  }
}

/** A stream as a process of its own has it, that is impatient: no test waits for a minute. */
async function opened(options: Partial<WorkStreamOptions> = {}): Promise<WorkStream> {
  const stream = new WorkStream(await own.connect(), KEY, {
    batch: 10,
    handle: () => Promise.resolve(),
    giveUp: () => Promise.reject(new Error('nothing is to be given up here')),
    onError: (error) => errors.push(error.message),
    retryAfterMs: 20,
    lookEveryMs: 10,
    ...options,
  });
  streams.push(stream);
  return stream;
}

async function started(options: Partial<WorkStreamOptions> = {}): Promise<{ stream: WorkStream; handled: Handled }> {
  const handled = new Handled();
  const { handle = () => Promise.resolve() } = options;
  const stream = await opened({
    ...options,
    handle: async (entry) => {
      await handle(entry);
      handled.add(entry);
    },
  });
  stream.start();
  return { stream, handled };
}

async function redisIn(dataDir: string): Promise<EmbeddedRedis> {
  const server = await startEmbeddedRedis({ dataDir, durability: 'fsync', log: () => undefined });
  if (server.kind !== 'running') throw new Error(server.why);
  return server;
}

async function add(...texts: string[]): Promise<void> {
  for (const text of texts) await redis.xadd(KEY, '*', 'v', text);
}

interface Consumer {
  readonly name: string;
  readonly pending: number;
}

async function consumers(): Promise<Consumer[]> {
  const lists = (await redis.call('XINFO', ['CONSUMERS', KEY, 'posthorn'])) as (string | number)[][];
  return lists.map((list) => ({ name: String(list[1]), pending: Number(list[3]) }));
}

/** Asks again until it is so; the test's own time limit ends it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

async function isEmpty(): Promise<boolean> {
  return (await redis.xlen(KEY)) === 0;
}

describe('a work stream', () => {
  it('takes over from one that has died within half a minute', async () => {
    await add('1');
    await redis.xgroup('CREATE', KEY, 'posthorn', '0');
    await redis.xreadgroup('GROUP', 'posthorn', 'dead', 'COUNT', 1, 'STREAMS', KEY, '>');
    const [[id = ''] = []] = (await redis.xrange(KEY, '-', '+')) as [string, string[]][];
    await redis.call('XCLAIM', [KEY, 'posthorn', 'dead', '0', id, 'IDLE', '20000', 'JUSTID']);
    const done = Promise.withResolvers<string>();
    const stream = new WorkStream(await own.connect(), KEY, {
      batch: 1,
      handle: (entry) => Promise.resolve(done.resolve(entry.id)),
      giveUp: () => Promise.resolve(),
      onError: (error) => errors.push(error.message),
      lookEveryMs: 10,
    });
    streams.push(stream);
    stream.start();
    expect(await done.promise).toBe(id);
  });

  it('hands every entry to one consumer, those from before the start too, and keeps nothing of what is done', async () => {
    await add('1', '2');
    const [one, other] = [await started({ retryAfterMs: 60_000 }), await started({ retryAfterMs: 60_000 })];
    await add('3', '4', '5');
    await until(isEmpty);
    expect([...one.handled.texts, ...other.handled.texts].sort()).toEqual(['1', '2', '3', '4', '5']);
    expect(await redis.xpending(KEY, 'posthorn')).toEqual([0, null, null, null]);
    expect(errors).toEqual([]);
  });

  it('starts without a word where nobody has written yet, and outlives an emptied Redis', async () => {
    const { handled } = await started();
    await until(async () => (await redis.exists(KEY)) === 1);
    await redis.flushall();
    await add('after');
    expect(await handled.has(1)).toEqual(['after']);
    expect(errors).toEqual([]);
  });

  it('gives bytes as they were written', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    const seen = new EventEmitter();
    const { handled } = await started({
      handle: (entry) => Promise.resolve(void seen.emit('bytes', entry.fields.get('raw'))),
    });
    const given = once(seen, 'bytes');
    await redis.xadd(KEY, '*', 'raw', bytes);
    expect(((await given) as Buffer[])[0]?.equals(bytes)).toBe(true);
    await handled.has(1);
  });

  it('tries again what failed, and leaves alone what did not', async () => {
    let failures = 1;
    const { handled } = await started({
      handle: ({ fields }) =>
        String(fields.get('v')) === 'bad' && failures-- > 0 ? Promise.reject(new Error('not now')) : Promise.resolve(),
    });
    await add('bad', 'good');
    expect(await handled.has(2)).toEqual(['good', 'bad']);
    await until(isEmpty);
    expect(errors).toEqual(['not now']);
  });

  it('waits longer before each try', async () => {
    const times: number[] = [];
    const { handled } = await started({
      handle: () => {
        times.push(performance.now());
        return times.length < 4 ? Promise.reject(new Error('not now')) : Promise.resolve();
      },
    });
    await add('bad');
    await handled.has(1);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(20 * 4 ** index - 1);
  });

  it('gives up after the tries it has, tells of it once, and goes on', async () => {
    const given = new Handled();
    const { handled } = await started({
      triesMax: 2,
      handle: ({ fields }) => (String(fields.get('v')) === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve()),
      giveUp: (entry) => Promise.resolve(given.add(entry)),
    });
    await add('bad');
    expect(await given.has(1)).toEqual(['bad']);
    await until(isEmpty);
    expect(errors).toEqual(['no', 'no']);
    await add('good');
    expect(await handled.has(1)).toEqual(['good']);
    expect(given.texts).toEqual(['bad']);
  });

  it('takes over what a consumer held that was killed, and forgets the consumer then', async () => {
    await redis.xgroup('CREATE', KEY, 'posthorn', '0', 'MKSTREAM');
    await add('1', '2');
    await redis.xreadgroup('GROUP', 'posthorn', 'killed', 'COUNT', 1, 'STREAMS', KEY, '>');
    const { handled } = await started();
    expect((await handled.has(2)).toSorted()).toEqual(['1', '2']);
    await until(async () => !(await consumers()).some(({ name }) => name === 'killed'));
    expect(await isEmpty()).toBe(true);
  });

  it('takes over one at a time, so that what kills its holder takes no neighbour with it', async () => {
    await redis.xgroup('CREATE', KEY, 'posthorn', '0', 'MKSTREAM');
    await add('1', '2', '3', '4');
    await redis.xreadgroup('GROUP', 'posthorn', 'killed', 'COUNT', 4, 'STREAMS', KEY, '>');
    const held: number[] = [];
    const { handled } = await started({
      batch: 4,
      handle: async () => {
        const pending = (await redis.call('XPENDING', [KEY, 'posthorn', '-', '+', 10])) as [string, string][];
        held.push(pending.filter(([, consumer]) => consumer !== 'killed').length);
      },
    });
    await handled.has(4);
    expect(held).toEqual([1, 1, 1, 1]);
  });

  it('forgets no consumer that still holds something', async () => {
    await redis.xgroup('CREATE', KEY, 'posthorn', '0', 'MKSTREAM');
    await add('held');
    await redis.xreadgroup('GROUP', 'posthorn', 'slow', 'COUNT', 1, 'STREAMS', KEY, '>');
    await redis.xgroup('CREATECONSUMER', KEY, 'posthorn', 'idle');
    // It looks for the dead at once, and for what they held never.
    const { stream } = await started({ retryAfterMs: 20, triesMax: 5, handle: () => Promise.reject(new Error('no')) });
    await until(async () => !(await consumers()).some(({ name }) => name === 'idle'));
    await stream.stop();
    expect((await redis.xpending(KEY, 'posthorn'))[0]).toBe(1);
  });

  it('lets failed entries hide none of those behind them', async () => {
    const bad = Array.from({ length: 150 }, (_, index) => `bad ${String(index)}`);
    await add(...bad);
    await redis.xgroup('CREATE', KEY, 'posthorn', '0');
    await redis.xreadgroup('GROUP', 'posthorn', 'killed', 'COUNT', 150, 'STREAMS', KEY, '>');
    // Those have failed three times, and wait long for the next try.
    const ids = (await redis.xrange(KEY, '-', '+')).map(([id]) => id);
    await redis.call('XCLAIM', [KEY, 'posthorn', 'killed', 0, ...ids, 'RETRYCOUNT', 4]);
    await add('behind');
    await redis.xreadgroup('GROUP', 'posthorn', 'killed', 'COUNT', 1, 'STREAMS', KEY, '>');
    const { handled } = await started({ retryAfterMs: 50 });
    expect((await handled.has(1))[0]).toBe('behind');
  });

  it('has no more in hand than it was told', async () => {
    let inHand = 0;
    let most = 0;
    await add('1', '2', '3', '4', '5', '6');
    const { handled } = await started({
      batch: 2,
      handle: async () => {
        most = Math.max(most, ++inHand);
        await redis.ping();
        inHand--;
      },
    });
    await handled.has(6);
    expect(most).toBe(2);
  });
});

describe('a Redis that goes away', () => {
  it('is waited for: what it kept is done when it is back, and one word is said of it', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'posthorn-work-'));
    const first = await redisIn(dataDir);
    const client = connectRedis(first.url, 'answering');
    await untilReady(client, 60_000);
    const said = new EventEmitter();
    const words: string[] = [];
    const handled = new Handled();
    const stream = new WorkStream(client, KEY, {
      batch: 10,
      handle: (entry) => Promise.resolve(handled.add(entry)),
      giveUp: () => Promise.resolve(),
      onError: ({ message }) => {
        words.push(message);
        said.emit('error-said');
      },
    });
    const told = once(said, 'error-said');
    stream.start();
    await client.xadd(KEY, '*', 'v', 'before');
    await handled.has(1);
    await first.stop();
    await told;
    const second = await redisIn(dataDir);
    while (client.status !== 'ready') await once(client, 'ready');
    await client.xadd(KEY, '*', 'v', 'after');
    expect(await handled.has(2)).toEqual(['before', 'after']);
    expect(words).toHaveLength(1);
    await stream.stop();
    await disconnectRedis(client);
    await second.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('is no reason not to stop', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'posthorn-work-'));
    const server = await redisIn(dataDir);
    const client = connectRedis(server.url, 'queue');
    await untilReady(client, 60_000);
    const said = new EventEmitter();
    const told = once(said, 'error-said');
    const stream = new WorkStream(client, KEY, {
      batch: 10,
      handle: () => Promise.resolve(),
      giveUp: () => Promise.resolve(),
      onError: () => said.emit('error-said'),
    });
    stream.start();
    await server.stop();
    await told;
    const startedAt = performance.now();
    await stream.stop();
    expect(performance.now() - startedAt).toBeLessThan(withPatience(4_000));
    await disconnectRedis(client);
    await rm(dataDir, { recursive: true, force: true });
  });

  it('is met again by the stream alone where only its connections were cut', async () => {
    const { handled } = await started();
    await add('before');
    await handled.has(1);
    await redis.call('CLIENT', ['KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await add('after');
    expect(await handled.has(2)).toEqual(['before', 'after']);
  });
});

describe('stopping', () => {
  it('finishes what is in hand, takes nothing more, and leaves no consumer', async () => {
    const gate = new EventEmitter();
    const begun = once(gate, 'begun');
    const { stream, handled } = await started({
      batch: 1,
      handle: async () => {
        const opens = once(gate, 'open');
        gate.emit('begun');
        await opens;
      },
    });
    await add('in hand', 'later');
    await begun;
    const stopped = stream.stop();
    gate.emit('open');
    await stopped;
    expect(handled.texts).toEqual(['in hand']);
    expect((await redis.xrange(KEY, '-', '+')).map(([, fields]) => fields)).toEqual([['v', 'later']]);
    expect(await consumers()).toEqual([]);
  });

  it('waits for what takes long, and does not do it again', async () => {
    const gate = new EventEmitter();
    const begun = once(gate, 'begun');
    const { stream, handled } = await started({
      handle: async () => {
        const opens = once(gate, 'open');
        gate.emit('begun');
        await opens;
      },
    });
    await add('slow');
    await begun;
    const stopped = stream.stop();
    const startedAt = performance.now();
    while (performance.now() - startedAt < 1_500) await redis.ping();
    gate.emit('open');
    await stopped;
    expect(handled.texts).toEqual(['slow']);
    expect(await isEmpty()).toBe(true);
    expect(errors).toEqual([]);
  });

  it('does not wait for a read that waits', async () => {
    const { stream } = await started({ lookEveryMs: 60_000 });
    await until(async () => String(await redis.client('LIST')).includes('cmd=xreadgroup'));
    const startedAt = performance.now();
    await stream.stop();
    expect(performance.now() - startedAt).toBeLessThan(withPatience(1_000));
    expect(await consumers()).toEqual([]);
  });

  it('keeps its place as a consumer where it leaves something behind, for another to take', async () => {
    const failed = new EventEmitter();
    const once1 = once(failed, 'failed');
    const { stream } = await started({
      retryAfterMs: 60_000,
      handle: () => Promise.reject(new Error('no')),
      onError: () => failed.emit('failed'),
    });
    await add('left');
    await once1;
    await stream.stop();
    expect(await consumers()).toMatchObject([{ pending: 1 }]);
    const other = await started();
    expect(await other.handled.has(1)).toEqual(['left']);
  });

  it('may come before the start, and twice', async () => {
    const stream = await opened();
    await stream.stop();
    await stream.stop();
    expect(errors).toEqual([]);
  });
});
