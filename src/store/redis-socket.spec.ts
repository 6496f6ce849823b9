import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisProcess, spawnRedis } from './redis-process.js';
import { askSocket, untilServerReady } from './redis-socket.js';

let directory: string;
let socketPath: string;
const servers: RedisProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-socket-'));
  socketPath = join(directory, 'redis.sock');
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.terminate(1_000);
  rmSync(directory, { recursive: true, force: true });
});

function start(...more: string[]): RedisProcess {
  const args = ['--dir', directory, '--port', '0', '--unixsocket', socketPath, '--appendonly', 'yes', '--save', ''];
  const server = spawnRedis({ command: 'redis-server', args: [...args, ...more] });
  servers.push(server);
  return server;
}

const ready = { withinMs: 10_000, onLoading: (): void => undefined };

describe('untilServerReady', () => {
  it('waits for a server that is reading its data, and says so', async () => {
    const first = start();
    expect(await untilServerReady({ ...ready, socketPath, server: first })).toEqual({ kind: 'ready' });
    const script = `EVAL "for i = 1, 5000 do redis.call('set', i, i) end" 0`;
    expect(await askSocket(socketPath, script, 5_000)).toMatchObject({ kind: 'reply' });
    await first.terminate(5_000);

    const slow = start('--key-load-delay', '100');
    const waits: number[] = [];
    const readiness = await untilServerReady({ ...ready, socketPath, server: slow, onLoading: (ms) => waits.push(ms) });
    expect(readiness).toEqual({ kind: 'ready' });
    expect(waits).toHaveLength(1);
    expect(await askSocket(socketPath, 'DBSIZE', 1_000)).toEqual({ kind: 'reply', line: ':5000' });
  });

  it('returns what the server said when it gives up', async () => {
    const server = start('--maxmemory', 'much');
    const readiness = await untilServerReady({ ...ready, socketPath, server });
    expect(readiness).toMatchObject({ kind: 'exited', why: expect.stringMatching(/status 1[^]*maxmemory/) });
  });

  it('returns when there is no such program', async () => {
    const server = spawnRedis({ command: join(directory, 'no-redis-server'), args: [] });
    const readiness = await untilServerReady({ ...ready, socketPath, server });
    expect(readiness).toMatchObject({ kind: 'exited', why: expect.stringMatching(/status 127/) });
  });

  it('does not wait longer than it was told', async () => {
    const server = start();
    const readiness = await untilServerReady({ ...ready, withinMs: 0, socketPath: join(directory, 'other'), server });
    expect(readiness).toMatchObject({ kind: 'too-slow' });
  });
});

describe('askSocket', () => {
  it('tells a path that nobody serves from a server that is silent', async () => {
    expect(await askSocket(socketPath, 'PING', 1_000)).toEqual({ kind: 'nobody' });

    const mute = createServer().listen(socketPath);
    await once(mute, 'listening');
    mute.once('connection', (socket) => socket.resume());
    expect(await askSocket(socketPath, 'PING', 20)).toEqual({ kind: 'silent' });
    mute.close();
    await once(mute, 'close');
  });
});
