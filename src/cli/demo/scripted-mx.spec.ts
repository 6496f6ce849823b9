import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { MxScript } from './mx-script.js';
import { startMx, type MxOptions, type ScriptedMx } from './scripted-mx.js';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function mxWith(script: MxScript, options: MxOptions = {}): Promise<ScriptedMx> {
  const mx = await startMx({ name: 'mx.test', ...options, script });
  closing.push(() => mx.close());
  return mx;
}

/** A client that says exactly what it is told, where octets and segments matter. */
class RawClient {
  #received = '';
  readonly closed: Promise<unknown>;

  private constructor(readonly socket: Socket) {
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (this.#received += chunk.toString('latin1')));
  }

  static async to(mx: ScriptedMx): Promise<RawClient> {
    const socket = connect(mx.port, mx.address).setNoDelay(true);
    closing.unshift(async () => void socket.destroy());
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** A client that has said EHLO. */
  static async greeted(mx: ScriptedMx): Promise<RawClient> {
    const client = await RawClient.to(mx);
    await client.reply();
    await client.ask('EHLO client.test');
    return client;
  }

  send(...lines: string[]): void {
    this.socket.write(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
  }

  async ask(line: string): Promise<string> {
    this.send(line);
    return this.reply();
  }

  /** The next reply, all its lines; empty when the connection ends first. */
  async reply(): Promise<string> {
    for (;;) {
      const [whole] = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(this.#received) ?? [];
      if (whole !== undefined) {
        this.#received = this.#received.slice(whole.length);
        return whole.trimEnd();
      }
      if (this.socket.destroyed) return '';
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
  }

  /** The replies to a whole mail sent in one segment: MAIL, each RCPT, DATA, and the final dot where it came to that. */
  async mail(recipients: string[], message = 'Subject: x\r\n\r\nhello\r\n'): Promise<string[]> {
    this.send('MAIL FROM:<from@client.test>', ...recipients.map((each) => `RCPT TO:<${each}>`), 'DATA');
    const replies: string[] = [];
    for (let i = 0; i < recipients.length + 2; i++) replies.push(await this.reply());
    if (!replies.at(-1)?.startsWith('354')) return replies;
    this.socket.write(Buffer.from(`${message}.\r\n`, 'latin1'));
    return [...replies, await this.reply()];
  }
}

describe('an MX without a script', () => {
  it('takes a mail and tells what it saw', async () => {
    const mx = await mxWith({});
    const client = await RawClient.to(mx);
    expect(await client.reply()).toBe('220 mx.test ESMTP');
    expect(await client.ask('EHLO client.test')).toBe(
      '250-mx.test\r\n250-PIPELINING\r\n250-SIZE 67108864\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES',
    );
    expect(await client.ask('MAIL FROM:<from@client.test> BODY=8BITMIME SIZE=20')).toBe('250 2.1.0 Ok');
    expect(await client.ask('RCPT TO:<to@mx.test>')).toBe('250 2.1.5 Ok');
    expect(await client.ask('DATA')).toMatch(/^354 /);
    expect(await client.ask('..dot\r\nbare\rcr\0\r\nbare\nlf\xe9\r\n.')).toBe('250 2.0.0 Ok: taken');
    expect(await client.ask('QUIT')).toBe('221 2.0.0 Bye');
    await client.closed;
    expect(mx.received).toEqual([
      {
        from: 'from@client.test',
        recipients: ['to@mx.test'],
        mailParameters: { BODY: '8BITMIME', SIZE: '20' },
        data: Buffer.from('.dot\r\nbare\rcr\0\r\nbare\nlf\xe9\r\n', 'latin1'),
        audit: { bareCr: 1, bareLf: 1, nul: 1, longestLine: 8, pipelined: false },
        tls: undefined,
        helo: 'client.test',
        remoteAddress: '127.0.0.1',
        connection: 1,
        at: expect.any(Number),
      },
    ]);
    expect(mx).toMatchObject({ connections: 1, transactions: 1 });
  });

  it('answers a pipelined group in order and in one piece', async () => {
    const mx = await mxWith({ rcpt: (address) => (address.startsWith('no') ? '550 5.1.1 no' : '250 2.1.5 yes') });
    const client = await RawClient.greeted(mx);
    const pieces: string[] = [];
    client.socket.on('data', (chunk: Buffer) => pieces.push(chunk.toString('latin1')));
    const replies = await client.mail(['a@mx.test', 'no@mx.test', 'b@mx.test']);
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['250', '250', '550', '250', '354', '250']);
    expect(pieces).toHaveLength(2);
    const again = await client.mail(['c@mx.test']);
    expect(again.at(-1)).toMatch(/^250/);
    expect(mx.received.map(({ recipients, audit }) => [recipients, audit.pipelined])).toEqual([
      [['a@mx.test', 'b@mx.test'], true],
      [['c@mx.test'], true],
    ]);
  });

  it('reads the same mail however it is cut into segments', async () => {
    const mx = await mxWith({});
    const dialogue = 'MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n..\r\n\r\n.\r\nQUIT\r\n';
    for (const size of [1, 2, 3, 7]) {
      const client = await RawClient.greeted(mx);
      for (let at = 0; at < dialogue.length; at += size) {
        await new Promise((resolve) => client.socket.write(dialogue.slice(at, at + size), resolve));
        await setImmediate();
      }
      await client.closed;
    }
    expect(mx.received.map(({ data }) => data.toString('latin1'))).toEqual(Array(4).fill('.\r\n\r\n'));
  });

  it.each(['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r.\r\n', '\n.\r'])(
    'goes on reading a message after %j: only CRLF.CRLF ends it',
    async (smuggled) => {
      const mx = await mxWith({});
      const client = await RawClient.greeted(mx);
      const message = `first${smuggled}MAIL FROM:<evil@b.test>\r\nlast\r\n`;
      await client.mail(['a@mx.test'], message);
      expect(mx.received).toHaveLength(1);
      // RFC 5321 section 4.5.2: a dot after CRLF was put there by a sender that stuffs.
      expect(mx.received[0]?.data.toString('latin1')).toBe(message.replace('\r\n.', '\r\n'));
    },
  );

  it('takes an empty message', async () => {
    const mx = await mxWith({});
    const client = await RawClient.greeted(mx);
    expect((await client.mail(['a@mx.test'], '')).at(-1)).toMatch(/^250/);
    expect(mx.received[0]?.data).toHaveLength(0);
  });

  it('holds the client to the order of the commands', async () => {
    const mx = await mxWith({});
    const client = await RawClient.to(mx);
    await client.reply();
    expect(await client.ask('MAIL FROM:<a@b.test>')).toMatch(/^503/);
    expect(await client.ask('EHLO client.test')).toMatch(/^250/);
    expect(await client.ask('RCPT TO:<a@b.test>')).toMatch(/^503/);
    expect(await client.ask('DATA')).toMatch(/^503/);
    expect(await client.ask('STARTTLS')).toMatch(/^502/);
    expect(await client.ask('MAIL FROM: <a@b.test>')).toMatch(/^501/);
    expect(await client.ask('MAIL FROM:<a@b.test> RET=HDRS')).toMatch(/^555/);
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=99999999')).toMatch(/^552/);
    expect(await client.ask('MAIL FROM:<a@b.test>')).toMatch(/^250/);
    expect(await client.ask('MAIL FROM:<a@b.test>')).toMatch(/^503/);
    expect(await client.ask('RCPT TO:<>')).toMatch(/^501/);
    expect(await client.ask('DATA')).toMatch(/^554/);
    expect(await client.ask('RSET')).toMatch(/^250/);
    expect(await client.ask('RCPT TO:<a@b.test>')).toMatch(/^503/);
    expect(await client.ask('XYZ')).toMatch(/^500/);
    client.socket.write('NOOP\n');
    expect(await client.reply()).toMatch(/^500/);
    expect(mx.transactions).toBe(1);
  });
});

describe('a script', () => {
  it('closes the connection with a greeting of 421', async () => {
    const client = await RawClient.to(await mxWith({ greeting: '421 4.3.2 busy' }));
    expect(await client.reply()).toBe('421 4.3.2 busy');
    await client.closed;
  });

  it('hears only QUIT after a greeting of 554', async () => {
    const client = await RawClient.to(await mxWith({ greeting: '554 no' }));
    expect(await client.reply()).toBe('554 no');
    expect(await client.ask('EHLO client.test')).toMatch(/^503/);
    expect(await client.ask('QUIT')).toMatch(/^221/);
    await client.closed;
  });

  it('refuses the first connection alone', async () => {
    const mx = await mxWith({ greeting: ({ connection }) => (connection === 1 ? '421 4.3.2 busy' : '220 hello') });
    expect(await (await RawClient.to(mx)).reply()).toMatch(/^421/);
    expect(await (await RawClient.to(mx)).reply()).toMatch(/^220/);
    expect(mx.connections).toBe(2);
  });

  it('knows only HELO, and then no parameters', async () => {
    const client = await RawClient.to(await mxWith({ ehlo: '502 5.5.1 what?' }));
    await client.reply();
    expect(await client.ask('EHLO client.test')).toBe('502 5.5.1 what?');
    expect(await client.ask('HELO client.test')).toBe('250 mx.test');
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=10')).toMatch(/^555/);
    expect(await client.ask('MAIL FROM:<a@b.test>')).toMatch(/^250/);
  });

  it('leaves out capabilities', async () => {
    const mx = await mxWith({ without: ['PIPELINING', '8BITMIME', 'SIZE'] });
    const client = await RawClient.to(mx);
    await client.reply();
    expect(await client.ask('EHLO client.test')).toBe('250-mx.test\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES');
    expect(await client.ask('MAIL FROM:<a@b.test> BODY=8BITMIME')).toMatch(/^555/);
  });

  it('greylists: each address has its own count of attempts', async () => {
    const mx = await mxWith({ rcpt: (_, { attempt }) => (attempt === 1 ? '451 4.7.1 later' : '250 2.1.5 now') });
    const client = await RawClient.greeted(mx);
    expect((await client.mail(['a@mx.test', 'b@mx.test'])).map((each) => each.slice(0, 3))).toEqual([
      '250',
      '451',
      '451',
      '554',
    ]);
    await client.ask('RSET');
    expect((await client.mail(['A@mx.test', 'c@mx.test'])).map((each) => each.slice(0, 3))).toEqual([
      '250',
      '250',
      '451',
      '354',
      '250',
    ]);
    expect(mx.received.map(({ recipients }) => recipients)).toEqual([['A@mx.test']]);
  });

  it('refuses MAIL, DATA and the message', async () => {
    const mx = await mxWith({
      mail: (from) => (from === '' ? '550 5.7.1 no bounces' : '250 2.1.0 Ok'),
      data: ({ messages }) => (messages === 0 ? '354 go' : '451 4.3.0 not now'),
      dot: (message) => (message.data.includes('spam') ? '550-5.7.1 this is\r\n550 5.7.1 spam' : '250 2.0.0 thanks'),
    });
    const client = await RawClient.greeted(mx);
    expect(await client.ask('MAIL FROM:<>')).toBe('550 5.7.1 no bounces');
    expect((await client.mail(['a@mx.test'], 'spam\r\n')).at(-1)).toBe('550-5.7.1 this is\r\n550 5.7.1 spam');
    expect((await client.mail(['a@mx.test'], 'ham\r\n')).at(-1)).toBe('250 2.0.0 thanks');
    expect((await client.mail(['a@mx.test'], 'more\r\n')).at(-1)).toBe('451 4.3.0 not now');
    expect(mx.received.map(({ data }) => data.toString())).toEqual(['ham\r\n']);
  });

  it('closes a connection after some messages', async () => {
    const mx = await mxWith({ closeAfterMessages: 2 });
    const client = await RawClient.greeted(mx);
    await client.mail(['a@mx.test']);
    await client.mail(['a@mx.test']);
    expect(await client.ask('MAIL FROM:<a@b.test>')).toMatch(/^421 /);
    await client.closed;
    const next = await RawClient.greeted(mx);
    expect(await next.ask('MAIL FROM:<a@b.test>')).toMatch(/^250/);
  });

  it('drops the connection after the final dot, the message being taken', async () => {
    const mx = await mxWith({ dot: 'drop before reply' });
    const client = await RawClient.greeted(mx);
    expect((await client.mail(['a@mx.test'])).at(-1)).toBe('');
    await client.closed;
    expect(mx.received).toHaveLength(1);
  });

  it('drops the connection at a recipient, the replies before it being sent', async () => {
    const mx = await mxWith({ rcpt: 'drop before reply' });
    const client = await RawClient.greeted(mx);
    expect(await client.mail(['a@mx.test'])).toEqual(['250 2.1.0 Ok', '', '']);
    await client.closed;
  });

  it('stalls until the client gives up', async () => {
    const mx = await mxWith({ dot: 'stall' });
    const client = await RawClient.greeted(mx);
    void client.mail(['a@mx.test']);
    await mx.waitFor(1);
    client.send('NOOP');
    expect(await Promise.race([client.reply(), sleep(50, 'silence')])).toBe('silence');
    client.socket.end();
    await client.closed;
  });

  it('accepts the connection and says nothing', async () => {
    const client = await RawClient.to(await mxWith({ silent: true }));
    client.send('EHLO client.test');
    expect(await Promise.race([client.reply(), sleep(50, 'silence')])).toBe('silence');
    client.socket.end();
    await client.closed;
  });

  it('thinks for a while before the reply of a stage', async () => {
    const mx = await mxWith({ delaysMs: { rcpt: 60 } });
    const client = await RawClient.greeted(mx);
    const start = performance.now();
    client.send('MAIL FROM:<a@b.test>', 'RCPT TO:<a@mx.test>');
    expect(await client.reply()).toMatch(/^250 2.1.0/);
    expect(await client.reply()).toMatch(/^250 2.1.5/);
    expect(performance.now() - start).toBeGreaterThan(50);
  });
});

describe('bounds', () => {
  it('takes a message of 25 MiB fast, and unchanged', async () => {
    const mx = await mxWith({});
    const client = await RawClient.greeted(mx);
    const line = '.'.padEnd(70, 'x') + '\r\n';
    const message = line.repeat(Math.ceil((25 * 1024 * 1024) / line.length));
    const start = performance.now();
    await client.mail(['a@mx.test'], message.replaceAll('\r\n.', '\r\n..').replace('.', '..'));
    // A quadratic reader needs minutes.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(mx.received[0]?.data.equals(Buffer.from(message))).toBe(true);
  });

  it('refuses a message that is too big, and goes on', async () => {
    const mx = await mxWith({}, { messageOctetsMax: 1000 });
    const client = await RawClient.greeted(mx);
    const recipients = ['a@mx.test'];
    const big = `${'x'.repeat(98)}\r\n`;
    expect((await client.mail(recipients, big.repeat(10))).at(-1)).toMatch(/^250/);
    expect((await client.mail(recipients, `${big.repeat(10)}x\r\n`)).at(-1)).toMatch(/^552/);
    expect((await client.mail(recipients, big.repeat(20_000))).at(-1)).toMatch(/^552/);
    expect((await client.mail(recipients, big)).at(-1)).toMatch(/^250/);
    expect(mx.received).toHaveLength(2);
  });

  it('ends a connection whose line does not end', async () => {
    const client = await RawClient.greeted(await mxWith({}));
    client.socket.write('x'.repeat(10_000));
    expect(await client.reply()).toMatch(/^421/);
    await client.closed;
  });

  it('outlives clients that reset the connection at any moment', async () => {
    const mx = await mxWith({ delaysMs: { rcpt: 5 } });
    const dialogue = ['EHLO c.test', 'MAIL FROM:<a@b.test>', 'RCPT TO:<a@mx.test>', 'DATA', 'Subject: x', '.', 'QUIT'];
    for (let said = 0; said <= dialogue.length; said++) {
      const client = await RawClient.to(mx);
      client.send(...dialogue.slice(0, said));
      await new Promise((resolve) => client.socket.write('', resolve));
      client.socket.resetAndDestroy();
      await client.closed;
    }
    const survivor = await RawClient.greeted(mx);
    expect((await survivor.mail(['a@mx.test'])).at(-1)).toMatch(/^250/);
  });

  it('ends connections in any state when it is closed', async () => {
    const mx = await startMx({ script: { dot: 'stall', delaysMs: { rset: 60_000 } } });
    const clients = [await RawClient.to(mx), await RawClient.greeted(mx), await RawClient.greeted(mx)];
    clients[1]?.send('RSET');
    void clients[2]?.mail(['a@mx.test']);
    await mx.waitFor(1);
    await mx.close();
    await Promise.all(clients.map((client) => client.closed));
  });
});

describe('waiting', () => {
  it('ends with the messages, each told to the listener as it came', async () => {
    const mx = await mxWith({});
    const heard: string[] = [];
    mx.onMessage(({ recipients }) => heard.push(...recipients));
    const client = await RawClient.greeted(mx);
    const [messages] = await Promise.all([
      mx.waitFor(2),
      client.mail(['a@mx.test']).then(() => client.mail(['b@mx.test'])),
    ]);
    expect(messages).toHaveLength(2);
    expect(heard).toEqual(['a@mx.test', 'b@mx.test']);
  });

  it('says how many came when time is up', async () => {
    const mx = await mxWith({});
    await (await RawClient.greeted(mx)).mail(['a@mx.test']);
    await expect(mx.waitFor(2, 20)).rejects.toThrow('1 of 2 messages after 20 ms');
  });

  it('tells what a function of the script threw', async () => {
    const mx = await startMx({
      script: {
        rcpt: () => {
          throw new Error('a fault of the script');
        },
      },
    });
    const client = await RawClient.greeted(mx);
    expect(await client.mail(['a@mx.test'])).toEqual(['250 2.1.0 Ok', '', '']);
    await expect(mx.close()).rejects.toThrow('a fault of the script');
  });
});
