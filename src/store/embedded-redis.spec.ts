import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis, disconnectRedis, untilReady } from './connect-redis.js';
import { type EmbeddedRedis, type EmbeddedRedisOptions, startEmbeddedRedis } from './embedded-redis.js';
import { embeddedRedisArguments, prepareRedisHome, type RedisHome } from './redis-home.js';
import { askSocket } from './redis-socket.js';
import type { RedisLogEntry, RedisRestart } from './redis-supervisor.js';

let dataDir: string;
let log: RedisLogEntry[];
const running: EmbeddedRedis[] = [];
const clients: Redis[] = [];
const processes: ChildProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'posthorn-redis-'));
  log = [];
});

afterEach(async () => {
  for (const client of clients.splice(0)) await disconnectRedis(client);
  for (const redis of running.splice(0)) await redis.stop();
  for (const child of processes.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedRedisOptions> = {}): Promise<EmbeddedRedis> {
  const result = await startEmbeddedRedis({
    dataDir,
    durability: 'fsync',
    log: (entry) => log.push(entry),
    ...options,
  });
  if (result.kind !== 'running') throw new Error(result.why);
  running.push(result);
  return result;
}

async function client(redis: EmbeddedRedis): Promise<Redis> {
  const connection = connectRedis(redis.url, 'queue');
  clients.push(connection);
  expect(await untilReady(connection, 60_000)).toEqual({ kind: 'ready' });
  return connection;
}

/** A server of this directory that nobody guards: what a death at the worst moment could leave. */
async function leaveServerBehind(): Promise<{ home: RedisHome; predecessor: ChildProcess }> {
  const preparation = prepareRedisHome(dataDir, 'fsync');
  if (preparation.kind !== 'prepared') throw new Error(preparation.why);
  const { home } = preparation;
  const predecessor = spawn('redis-server', embeddedRedisArguments(home, 'fsync'), { stdio: 'ignore' });
  processes.push(predecessor);
  await until(async () => (await askSocket(home.socketPath, 'SET left behind', 1_000)).kind === 'reply');
  return { home, predecessor };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** What the kernel shows of a process that can still do something; empty from the moment that it gives its memory back. */
function commandLine({ pid }: ChildProcess): string {
  const file = `/proc/${known(pid)}/cmdline`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Its parent hears of the end last, after the files are closed: on a busy disk that is a good while after the memory went. */
async function exitCode(child: ChildProcess): Promise<number | null> {
  await until(() => child.exitCode !== null || child.signalCode !== null);
  return child.exitCode;
}

/** Never 0, which would be the whole process group of the tests. */
function known(pid: number | undefined): number {
  if (pid === undefined) throw new Error('it is not running');
  return pid;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const socketPathOf = (redis: EmbeddedRedis): string => decodeURIComponent(new URL(redis.url).pathname);

describe('startEmbeddedRedis', () => {
  it('answers on a socket that only this user may open, and on no port', async () => {
    const redis = await start();
    const connection = await client(redis);
    expect(await connection.config('GET', 'port')).toEqual(['port', '0']);
    expect(statSync(socketPathOf(redis)).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'redis')).mode & 0o777).toBe(0o700);
  });

  it('keeps what was written across a stop and a start', async () => {
    const first = await start();
    await (await client(first)).set('kept', 'yes');
    await first.stop();
    expect(await (await client(await start())).get('kept')).toBe('yes');
  });

  it('keeps nothing where the durability is memory', async () => {
    const first = await start({ durability: 'memory' });
    await (await client(first)).set('kept', 'yes');
    await first.stop();
    expect(await (await client(await start({ durability: 'memory' }))).get('kept')).toBeNull();
  });

  it('refuses a start with memory that would leave accepted messages behind', async () => {
    await (await start()).stop();
    const result = await startEmbeddedRedis({ dataDir, durability: 'memory', log: () => undefined });
    expect(result).toMatchObject({ kind: 'failed', why: expect.stringContaining('POSTHORN_DURABILITY=fsync') });
  });

  it('takes a data directory whose name is odd, or too long for a socket', async () => {
    const odd = await start({ dataDir: join(dataDir, `o'dd "näme" %41 #?`) });
    expect(await (await client(odd)).ping()).toBe('PONG');

    const long = await start({ dataDir: join(dataDir, 'x'.repeat(120)) });
    expect(await (await client(long)).ping()).toBe('PONG');
    const directory = join(socketPathOf(long), '..');
    expect(directory.startsWith(tmpdir())).toBe(true);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    await long.stop();
    rmSync(directory, { recursive: true });
  });

  it('is out of reach of a Ctrl-C on our terminal', async () => {
    const pid = known((await start()).pid());
    const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' });
    expect(Number(group)).toBe(pid);
  });

  it('says what is missing when there is no server program', async () => {
    const result = await startEmbeddedRedis({
      dataDir,
      durability: 'fsync',
      log: () => undefined,
      env: { PATH: dataDir },
    });
    expect(result).toMatchObject({ kind: 'missing', install: expect.stringContaining('install') });
  });

  it('says why when the files cannot be read', async () => {
    await (await start()).stop();
    writeFileSync(join(dataDir, 'redis/appendonlydir/appendonly.aof.1.incr.aof'), 'no append-only file\n');
    const result = await startEmbeddedRedis({ dataDir, durability: 'fsync', log: () => undefined });
    expect(result).toMatchObject({ kind: 'failed', why: expect.stringContaining('Bad file format') });
  });
});

describe('a stop', () => {
  it('leaves no process, no socket and no pid file', async () => {
    const redis = await start();
    const pid = known(redis.pid());
    await Promise.all([redis.stop(), redis.stop()]);
    expect(isRunning(pid)).toBe(false);
    expect(redis.pid()).toBeUndefined();
    expect(existsSync(socketPathOf(redis))).toBe(false);
    expect(existsSync(join(dataDir, 'redis/redis.pid'))).toBe(false);
  });

  it.each(['was ended by SIGKILL', 'Redis is starting'])(
    'in the moment of "%s" leaves nothing running',
    async (moment) => {
      let killed = false;
      let stopped: Promise<void> | undefined;
      const redis = await start({
        log: ({ message }) => {
          if (killed && message.includes(moment)) stopped ??= redis.stop();
        },
      });
      killed = process.kill(known(redis.pid()), 'SIGKILL');
      await until(() => stopped !== undefined);
      await stopped;
      expect(redis.pid()).toBeUndefined();
      expect(await askSocket(socketPathOf(redis), 'PING', 1_000)).toEqual({ kind: 'nobody' });
    },
  );
});

describe('a death of Redis', () => {
  it('is followed by a successor with all that was acknowledged', async () => {
    const restarts: RedisRestart[] = [];
    const redis = await start({ onRestart: (restart) => restarts.push(restart) });
    const connection = await client(redis);
    for (const deaths of [1, 2, 3]) {
      const pid = known(redis.pid());
      await connection.rpush('acknowledged', deaths);
      process.kill(pid, 'SIGKILL');
      await until(() => restarts.length === deaths);
      expect(redis.pid()).not.toBe(pid);
      expect(restarts.at(-1)).toMatchObject({ pid: redis.pid(), why: 'was ended by SIGKILL' });
      expect(await connection.lrange('acknowledged', 0, -1)).toHaveLength(deaths);
    }
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(3);
  });
});

describe('a power cut', () => {
  const incrementalFile = (): string => join(dataDir, 'redis/appendonlydir/appendonly.aof.1.incr.aof');

  // 1 byte: the EXEC is torn; 14: it is missing; 20: a SET is torn; 85: the MULTI is.
  it.each([1, 14, 20, 85])('that tears %d bytes off a transaction takes all of it and nothing else', async (bytes) => {
    const first = await start();
    const connection = await client(first);
    await connection.set('before', 'kept');
    await connection.multi().set('body', 'torn').set('job', 'torn').exec();
    await first.stop();
    truncateSync(incrementalFile(), statSync(incrementalFile()).size - bytes);

    const second = await start();
    const survivor = await client(second);
    expect(await survivor.mget('before', 'body', 'job')).toEqual(['kept', null, null]);
    expect(log).toContainEqual({ level: 'warn', message: expect.stringContaining('torn end') });
    await survivor.set('after', 'kept');
    await survivor.multi().set('later', 'kept').exec();
    await survivor.set('last', 'kept');
    await second.stop();

    const third = await client(await start());
    const kept = await third.mget('before', 'body', 'job', 'after', 'later', 'last');
    expect(kept).toEqual(['kept', null, null, 'kept', 'kept', 'kept']);
  });

  it('is not presumed where the file is damaged in its middle', async () => {
    const first = await start();
    const connection = await client(first);
    await connection.mset({ one: '1', two: '2' });
    await first.stop();
    const damaged = readFileSync(incrementalFile(), 'latin1').replace('mset', 'ms\0\0\0');
    writeFileSync(incrementalFile(), damaged, 'latin1');
    const result = await startEmbeddedRedis({ dataDir, durability: 'fsync', log: () => undefined });
    expect(result.kind).toBe('failed');
    expect(readFileSync(incrementalFile(), 'latin1')).toBe(damaged);
  });
});

describe('a predecessor', () => {
  it('killed by SIGKILL takes its Redis with it', async () => {
    const owner = ownerProcess();
    const [said] = (await once(createInterface(owner.stdout), 'line')) as [string];
    const pid = Number(said);
    expect(isRunning(pid)).toBe(true);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await until(() => !isRunning(pid));
  });

  it('whose Redis still runs is succeeded only when that has ended, with its data', async () => {
    const { predecessor } = await leaveServerBehind();
    const redis = await start();
    expect(commandLine(predecessor)).toBe('');
    expect(await exitCode(predecessor)).toBe(0);
    expect(await (await client(redis)).get('left')).toBe('behind');
    expect(log).toContainEqual({ level: 'warn', message: 'ended the Redis that a former run left behind' });
  });

  it('is found by its socket where its pid says nothing', async () => {
    const { home, predecessor } = await leaveServerBehind();
    rmSync(home.pidFile);
    const redis = await start();
    expect(commandLine(predecessor)).toBe('');
    expect(await exitCode(predecessor)).toBe(0);
    expect(await (await client(redis)).get('left')).toBe('behind');
  });

  it('long gone, whose pid is now of another program, costs that program nothing', async () => {
    const innocent = spawn('sleep', ['600'], { stdio: 'ignore' });
    processes.push(innocent);
    await (await start()).stop();
    writeFileSync(join(dataDir, 'redis/redis.pid'), String(innocent.pid));
    const redis = await start();
    expect(readFileSync(join(dataDir, 'redis/redis.pid'), 'utf8').trim()).toBe(String(redis.pid()));
    expect(isRunning(known(innocent.pid))).toBe(true);
  });
});

/** A process of its own that runs the embedded Redis, and prints its pid. Node strips the types; the hook finds the .ts files. */
function ownerProcess(): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => next(name.replace(/^(\\..*)\\.js$/, '$1.ts'), context) });
    const { startEmbeddedRedis } = await import(${JSON.stringify(join(import.meta.dirname, 'embedded-redis.ts'))});
    const dataDir = ${JSON.stringify(dataDir)};
    const redis = await startEmbeddedRedis({ dataDir, durability: 'fsync', log: () => undefined });
    console.log(redis.pid());`;
  const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  return child;
}
