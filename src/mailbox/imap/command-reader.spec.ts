import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { LineConnection } from '../../listeners/line-connection.js';
import { CommandReader, LIMITS_OF_READERS, LIMITS_OF_STRANGERS, type CommandRead } from './command-reader.js';

let server: Server;
let client: Socket;
let connection: LineConnection;
let heard: string;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  connection = new LineConnection(socket, '127.0.0.1', () => undefined);
  heard = '';
  client.on('data', (data) => (heard += data.toString('latin1')));
});
afterEach(async () => {
  client.destroy();
  connection.destroy();
  server.close();
  await once(server, 'close');
});

function read(limits = LIMITS_OF_READERS): Promise<CommandRead> {
  return new CommandReader(connection).read(limits, 5_000);
}

describe('a command', () => {
  it.each([
    ['a NOOP\r\n', { tag: 'a', name: 'NOOP', args: '' }],
    ['A.1-] uid fetch 1:* (FLAGS)\n', { tag: 'A.1-]', name: 'UID FETCH', args: ' 1:* (FLAGS)' }],
    ['!#$&,;<=>?@^_`|}~ login a b\r\n', { tag: '!#$&,;<=>?@^_`|}~', name: 'LOGIN', args: ' a b' }],
    ['a LOGIN {1+}\r\nu {2+}\r\n\r\n\r\n', { tag: 'a', name: 'LOGIN', args: ' {1+}\r\nu {2+}\r\n\r\n' }],
    [`a SEARCH ${'x'.repeat(65_536)}\r\n`, { tag: 'a', name: 'SEARCH', args: ` ${'x'.repeat(65_536)}` }],
  ])('%.40j', async (text, command) => {
    client.write(text, 'latin1');
    expect(await read()).toEqual({ kind: 'command', ...command });
  });

  it('comes octet by octet, and one behind the other', async () => {
    const text = 'a LOGIN "u" {3+}\r\nabc\r\nb NOOP\r\nc NOOP\r\n';
    const writing = (async () => {
      for (const octet of text) {
        client.write(octet);
        await new Promise(setImmediate);
      }
    })();
    expect(await read()).toMatchObject({ tag: 'a', args: ' "u" {3+}\r\nabc' });
    expect([await read(), await read()]).toMatchObject([{ tag: 'b' }, { tag: 'c' }]);
    await writing;
  });

  it('is asked to go on with each literal that waits', async () => {
    client.write('a LOGIN {4}\r\n');
    const command = read();
    await once(client, 'data');
    expect(heard).toBe('+ Go on\r\n');
    client.write('user {2}\r\n');
    await once(client, 'data');
    client.write('pw\r\n');
    expect(await command).toMatchObject({ name: 'LOGIN', args: ' {4}\r\nuser {2}\r\npw' });
  });

  it.each(['\r\n', ' NOOP\r\n', '+ NOOP\r\n', '* NOOP\r\n', 'a(b NOOP\r\n', '\xff\xfe\x00\r\n', 'a\r\n', 'a \r\n'])(
    '%j is none, and the next is read',
    async (text) => {
      client.write(Buffer.from(`${text}b NOOP\r\n`, 'latin1'));
      expect(await read()).toMatchObject({
        kind: 'bad',
        tag: text.startsWith('a') && !text.startsWith('a(') ? 'a' : '*',
      });
      expect(await read()).toMatchObject({ kind: 'command', tag: 'b' });
    },
  );

  it.each([
    ['a line', `a SEARCH ${'x'.repeat(200_000)}\r\n`, LIMITS_OF_READERS],
    ["a stranger's line", `a LOGIN ${'x'.repeat(9_000)}\r\n`, LIMITS_OF_STRANGERS],
    ['a line that ends in a literal', `a SEARCH ${'x'.repeat(200_000)} {5+}\r\nabcde\r\n`, LIMITS_OF_READERS],
    ['a literal that does not wait', `a SEARCH {5000+}\r\n${'x'.repeat(5_000)}\r\n`, LIMITS_OF_READERS],
    ["a stranger's literals", `a LOGIN ${`{4096+}\r\n${'x'.repeat(4_096)} `.repeat(5)}\r\n`, LIMITS_OF_STRANGERS],
  ])('is too long by %s, and the next is read', async (_what, text, limits) => {
    client.write(`${text}b NOOP\r\n`);
    expect(await read(limits)).toMatchObject({ kind: 'bad', tag: 'a' });
    expect(await read()).toMatchObject({ kind: 'command', tag: 'b' });
  });

  it('is not asked to go on with a literal that is too long', async () => {
    client.write('a SEARCH SUBJECT {300000}\r\nb NOOP\r\n');
    expect(await read()).toMatchObject({ kind: 'bad', tag: 'a' });
    expect(await read()).toMatchObject({ kind: 'command', tag: 'b' });
    expect(heard).toBe('');
  });

  it('APPEND is refused before its message comes, or swallowed with it', async () => {
    client.write('a APPEND INBOX (\\Seen) {310}\r\n');
    expect(await read()).toEqual({ kind: 'append', tag: 'a' });
    const message = 'c NOOP\r\n'.repeat(100_000);
    client.write(`b APPEND {5+}\r\nINBOX {${message.length}+}\r\n${message}\r\nd NOOP\r\n`);
    expect(await read()).toEqual({ kind: 'append', tag: 'b' });
    expect(await read()).toMatchObject({ kind: 'command', tag: 'd' });
    expect(heard).toBe('');
  });

  it('of which the end is not to be found ends the session', async () => {
    client.write(`a APPEND INBOX {2000000000+}\r\n`);
    expect(await read()).toMatchObject({ kind: 'lost' });
    client.write('x'.repeat(300_000));
    expect(await read({ ...LIMITS_OF_READERS, swallowedOctetsMax: 100_000 })).toMatchObject({ kind: 'lost' });
  });

  it.each(['a APPEND INBOX {70000+}\r\n', `a LOGIN ${'x'.repeat(90_000)}`])(
    'of a stranger is not listened to for long: %.24s',
    async (text) => {
      client.write(text);
      expect(await read(LIMITS_OF_STRANGERS)).toMatchObject({ kind: 'lost' });
    },
  );

  it('that never ends, ends with the client', async () => {
    client.write('a LOGIN {10+}\r\nabc');
    const command = read();
    client.end();
    expect(await command).toEqual({ kind: 'ended' });
  });

  it('of any octets is answered, and the next is found', async () => {
    const junk = fc
      .array(fc.oneof(fc.constantFrom('{2+}', '"', '(', 'a ', 'UID ', '\\', '{', '}'), fc.string({ unit: 'binary' })), {
        maxLength: 8,
      })
      .map((pieces) => pieces.join('').replace(/[\r\n]|\{\d+\}$/g, ''))
      .filter((text) => !/\{\d+\+\}$/.test(text));
    await fc.assert(
      fc.asyncProperty(junk, async (text) => {
        client.write(`${text}\r\nnext NOOP\r\n`);
        expect(['command', 'bad', 'append']).toContain((await read()).kind);
        expect(await read()).toMatchObject({ kind: 'command', tag: 'next' });
      }),
      { numRuns: 200 },
    );
  });
});
