import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis, disconnectRedis, type RedisPurpose, untilReady } from './connect-redis.js';
import { type EmbeddedRedis, startEmbeddedRedis } from './embedded-redis.js';
import { type RedisProcess, spawnRedis } from './redis-process.js';
import { withPatience } from '../../test/patience.js';

let directory: string;
let embedded: EmbeddedRedis;
const connections: Redis[] = [];
const servers: RedisProcess[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-connect-'));
  const start = await startEmbeddedRedis({ dataDir: directory, durability: 'fsync', log: () => undefined });
  if (start.kind !== 'running') throw new Error(start.why);
  embedded = start;
});

afterEach(async () => {
  for (const connection of connections.splice(0)) await disconnectRedis(connection);
  for (const server of servers.splice(0)) await server.terminate(1_000);
  await embedded.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Outages {
  lost: string[];
  regainedAfterMs: number[];
}

function connect(url: string, purpose: RedisPurpose = 'answering'): { redis: Redis; outages: Outages } {
  const outages: Outages = { lost: [], regainedAfterMs: [] };
  const redis = connectRedis(url, purpose, {
    lost: (why) => outages.lost.push(why),
    regained: (outageMs) => outages.regainedAfterMs.push(outageMs),
  });
  connections.push(redis);
  return { redis, outages };
}

async function connected(purpose: RedisPurpose = 'answering'): Promise<{ redis: Redis; outages: Outages }> {
  const connection = connect(embedded.url, purpose);
  expect(await untilReady(connection.redis, 60_000)).toEqual({ kind: 'ready' });
  return connection;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await next(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await next(server, 'close');
  return port;
}

function serve(port: number, ...more: string[]): RedisProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
  const server = spawnRedis({ command: 'redis-server', args: [...args, ...more] });
  servers.push(server);
  return server;
}

function signalRedis(signal: NodeJS.Signals): void {
  const pid = embedded.pid();
  if (pid === undefined) throw new Error('Redis is down');
  process.kill(pid, signal);
}

/** Unlike `once` of node:events it does not mind errors that come before. */
function next(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()));
}

async function failure(command: Promise<unknown>): Promise<{ message: string; afterMs: number }> {
  const startedAt = performance.now();
  const message = await command.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );
  return { message, afterMs: performance.now() - startedAt };
}

async function untilItAnswers(redis: Redis): Promise<number> {
  const startedAt = performance.now();
  while ((await failure(redis.ping())).message !== 'it did not fail') await delay(5);
  return performance.now() - startedAt;
}

describe('an answering connection', () => {
  it('fails within two seconds while Redis is frozen, and works within one of its return', async () => {
    const { redis, outages } = await connected();
    signalRedis('SIGSTOP');
    const first = await failure(redis.set('key', 'value'));
    expect(first.message).not.toBe('it did not fail');
    expect(first.afterMs).toBeLessThan(withPatience(2_000));

    await next(redis, 'connect');
    await next(redis, 'reconnecting');
    await next(redis, 'connect');
    const later = await Promise.all([failure(redis.get('key')), failure(redis.multi().set('a', 1).set('b', 2).exec())]);
    for (const { message, afterMs } of later) {
      expect(message).not.toBe('it did not fail');
      expect(afterMs).toBeLessThan(withPatience(1_000));
    }

    signalRedis('SIGCONT');
    expect(await untilItAnswers(redis)).toBeLessThan(withPatience(1_000));
    expect(outages.lost).toHaveLength(1);
    expect(outages.regainedAfterMs).toHaveLength(1);
  });

  it('fails within two seconds while Redis is dead, and works within one of its return', async () => {
    const { redis, outages } = await connected();
    signalRedis('SIGKILL');
    const { message, afterMs } = await failure(redis.set('key', 'value'));
    expect(message).not.toBe('it did not fail');
    expect(afterMs).toBeLessThan(withPatience(2_000));
    expect(await untilItAnswers(redis)).toBeLessThan(withPatience(1_000));
    expect(outages.lost).toHaveLength(1);
    expect(outages.regainedAfterMs).toHaveLength(1);
  });

  it('fails what is under way at once when Redis dies', async () => {
    const { redis } = await connected();
    signalRedis('SIGSTOP');
    const underWay = failure(redis.incr('key'));
    signalRedis('SIGKILL');
    expect((await underWay).afterMs).toBeLessThan(withPatience(1_000));
  });

  it('never sends again what it called failed, nor gives a command the reply of another', async () => {
    const { redis } = await connected();
    signalRedis('SIGSTOP');
    const lost = await Promise.all([failure(redis.incr('sent')), failure(redis.echo('a')), failure(redis.echo('b'))]);
    expect(lost.map(({ message }) => message)).not.toContain('it did not fail');
    for (let count = 0; count < 100; count += 1) await failure(redis.incr('not sent'));
    signalRedis('SIGCONT');
    await untilItAnswers(redis);
    const replies = await Promise.all(['1', '2', '3', '4'].map((text) => redis.echo(text)));
    expect(replies).toEqual(['1', '2', '3', '4']);
    expect(Number(await redis.get('sent'))).toBeLessThanOrEqual(1);
    expect(await redis.get('not sent')).toBeNull();
  });

  it('becomes ready when Redis comes later', async () => {
    const port = await freePort();
    const { redis, outages } = connect(`redis://127.0.0.1:${port}`);
    const early = await untilReady(redis, 200);
    expect(early).toEqual({ kind: 'unreachable', why: expect.stringContaining('ECONNREFUSED') });
    serve(port);
    expect(await untilReady(redis, 60_000)).toEqual({ kind: 'ready' });
    expect(outages.lost).toEqual([expect.stringContaining('ECONNREFUSED')]);
  });

  it('says that the password is wrong', async () => {
    const port = await freePort();
    serve(port, '--requirepass', 'right');
    const right = connect(`redis://:right@127.0.0.1:${port}/3`).redis;
    expect(await untilReady(right, 60_000)).toEqual({ kind: 'ready' });
    const wrong = connect(`redis://:wrong@127.0.0.1:${port}`).redis;
    expect(await untilReady(wrong, 300)).toEqual({ kind: 'unreachable', why: expect.stringContaining('WRONGPASS') });
  });

  it('asks the Sentinels for the master', async () => {
    const [port, sentinelPort, deadPort] = [await freePort(), await freePort(), await freePort()];
    serve(port);
    const configuration = join(directory, 'sentinel.conf');
    writeFileSync(
      configuration,
      `port ${sentinelPort}\nbind 127.0.0.1\ndir ${directory}\nsentinel monitor main 127.0.0.1 ${port} 1\n`,
    );
    servers.push(spawnRedis({ command: 'redis-server', args: [configuration, '--sentinel'] }));
    const { redis } = connect(`redis+sentinel://127.0.0.1:${deadPort},127.0.0.1:${sentinelPort}/main?db=2`);
    expect(await untilReady(redis, 60_000)).toEqual({ kind: 'ready' });
    expect(await redis.info('server')).toContain(`tcp_port:${port}`);
  });
});

describe('a queue connection', () => {
  it('lets a command wait until Redis is back', async () => {
    const { redis, outages } = await connected('queue');
    signalRedis('SIGKILL');
    expect(await redis.rpush('list', 'element')).toBe(1);
    expect(outages.lost).toHaveLength(1);
  });

  it('sends again what was under way when Redis died', async () => {
    const { redis } = await connected('queue');
    const blocked = redis.blpop('list', 10);
    signalRedis('SIGKILL');
    const other = (await connected('queue')).redis;
    await other.rpush('list', 'element');
    expect(await blocked).toEqual(['list', 'element']);
  });
});

describe('disconnectRedis', () => {
  it.each<RedisPurpose>(['answering', 'queue'])('ends an %s connection in every state', async (purpose) => {
    const nowhere = `redis://127.0.0.1:${await freePort()}`;
    const ready = (await connected(purpose)).redis;
    const connecting = connect(embedded.url, purpose).redis;
    const reconnecting = connect(nowhere, purpose).redis;
    await next(reconnecting, 'reconnecting');
    const frozen = (await connected(purpose)).redis;
    signalRedis('SIGSTOP');
    const waiting = [failure(reconnecting.get('key')), failure(frozen.get('key'))];

    const all = [ready, connecting, reconnecting, frozen];
    await Promise.all(all.map(disconnectRedis));
    expect(all.map(({ status }) => status)).toEqual(['end', 'end', 'end', 'end']);
    await Promise.all(all.map(disconnectRedis));
    for (const { message } of await Promise.all(waiting)) expect(message).not.toBe('it did not fail');
    signalRedis('SIGCONT');
  });
});

it('throws on a URL that the configuration should have refused, without repeating it', () => {
  expect(() => connectRedis('redis://:secret@host/three', 'answering')).toThrow(/^the Redis URL is wrong: [^:]*$/);
});
