import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LineConnection, type LineRead } from './line-connection.js';
import { ConnectionLost } from './line-writer.js';

const IDLE_MS = 20_000;
/** A little more than what was said waits for more to be said. */
const SENT_BY_ITSELF_MS = 25;
/** Less than a socket holds before it asks to be drained, so that a second of them makes it ask. */
const BLOCK = Buffer.alloc(60_000, 'x');

let server: Server;
let client: Socket;
let socket: Socket;
let connection: LineConnection;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrived = once(server, 'connection');
  client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined).pause();
  [socket] = (await arrived) as [Socket];
  socket.on('error', () => undefined);
  connection = new LineConnection(socket, '127.0.0.1', () => undefined);
});

afterEach(() => {
  client.destroy();
  socket.destroy();
  server.close();
});

function textOf(read: LineRead): string {
  return read.kind === 'line' ? read.bytes.toString() : read.kind;
}

/** Says so much to a client that does not read that the next waiting has to wait for it. */
async function fillUp(): Promise<void> {
  while (!socket.writableNeedDrain) {
    socket.write(BLOCK);
    await new Promise(setImmediate);
  }
  await connection.write('.');
}

describe('a connection whose client does not read', () => {
  it('hears a line that comes while what was said is being sent', async () => {
    await fillUp();
    const read = connection.readLine(100, IDLE_MS);
    client.write('NOOP\r\n');
    await once(socket, 'data');
    client.resume();
    expect(textOf(await read)).toBe('NOOP');
  });

  it('hears the end that comes while what was said is being sent', async () => {
    await fillUp();
    const read = connection.readLine(100, IDLE_MS);
    client.end();
    await once(socket, 'end');
    client.resume();
    expect(textOf(await read)).toBe('ended');
  });

  it('hears that it is interrupted while what was said is being sent', async () => {
    await fillUp();
    const read = connection.readLine(100, IDLE_MS);
    connection.interrupt('shutting_down');
    client.resume();
    expect(await read).toEqual({ kind: 'interrupted', why: 'shutting_down' });
  });

  it('holds no more than two blocks of what is said to it', async () => {
    let said = 0;
    const saying = (async () => {
      for (; ; said++) await connection.write(BLOCK);
    })();
    const lost = expect(saying).rejects.toBeInstanceOf(ConnectionLost);
    let before = -1;
    // Until nothing more is taken: what the system takes, it takes at once.
    while (before !== said) {
      before = said;
      for (let i = 0; i < 50; i++) await new Promise(setImmediate);
    }
    expect(socket.writableLength).toBeLessThanOrEqual(2 * 64 * 1024);
    client.destroy();
    await lost;
  });

  it('holds no more of what is said to it little by little, each piece sent by itself after a while', async () => {
    await fillUp();
    let said = 0;
    const saying = (async () => {
      for (; said < 100; said++) {
        await connection.write(Buffer.alloc(10_000, 'x'));
        await sleep(SENT_BY_ITSELF_MS);
      }
    })();
    const lost = expect(saying).rejects.toBeInstanceOf(ConnectionLost);
    while (connection.stalledMs === 0 && said < 100) await sleep(SENT_BY_ITSELF_MS);
    expect(socket.writableLength).toBeLessThanOrEqual(3 * 64 * 1024);
    client.destroy();
    await lost;
  });
});

describe('a line', () => {
  it('ends at LF, with or without CR, and is found however it comes', async () => {
    client.write('one\r\ntwo\nthr');
    expect(textOf(await connection.readLine(100, IDLE_MS))).toBe('one');
    expect(textOf(await connection.readLine(100, IDLE_MS))).toBe('two');
    const third = connection.readLine(100, IDLE_MS);
    client.write('ee\r');
    client.write('\n');
    expect(textOf(await third)).toBe('three');
  });

  it('may be as long as is allowed, and one octet more is too long', async () => {
    client.write(`${'x'.repeat(100)}\r\n${'y'.repeat(101)}\r\nnext\r\n`);
    expect(textOf(await connection.readLine(100, IDLE_MS))).toBe('x'.repeat(100));
    expect(await connection.readLine(100, IDLE_MS)).toMatchObject({ kind: 'too_long' });
    expect((await connection.skipLine(1_000))?.toString()).toMatch(/^y+$/);
    expect(textOf(await connection.readLine(100, IDLE_MS))).toBe('next');
  });

  it('that does not begin in time is not waited for', async () => {
    expect(await connection.readLine(100, 1)).toEqual({ kind: 'timeout' });
  });
});

describe('a literal', () => {
  it('is read whole, however it comes', async () => {
    const read = connection.readOctets(6);
    client.write('ab\r');
    client.write('\ncdnext\r\n');
    expect(await read).toEqual({ kind: 'octets', bytes: Buffer.from('ab\r\ncd') });
    expect(textOf(await connection.readLine(100, IDLE_MS))).toBe('next');
  });

  it.each(['readOctets', 'skipOctets'] as const)(
    'that comes an octet a minute is not waited for: %s',
    async (reading) => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
      try {
        const read = connection[reading](1_000);
        for (let minutes = 0; minutes < 4; minutes++) {
          const came = once(socket, 'data');
          client.write('x');
          await came;
          // It has been looked at, and the next is waited for.
          await new Promise(setImmediate);
          jest.advanceTimersByTime(60_000);
        }
        expect(await read).toEqual({ kind: 'timeout' });
      } finally {
        jest.useRealTimers();
      }
    },
  );
});

describe('going on under TLS', () => {
  it('takes away no listener of others', async () => {
    const closed = once(socket, 'close');
    await connection.startTls(() => Promise.reject(new ConnectionLost())).catch(() => undefined);
    socket.destroy();
    await closed;
  });
});
