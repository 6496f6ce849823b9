/**
 * An SMTP client on a bare socket, which sends the octets it is given and nothing else: for what well-behaved clients
 * never do, and for messages that must arrive as they were sent. Every wait is bounded.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface RawReply {
  readonly code: number;
  /** The lines without their codes. */
  readonly lines: readonly string[];
  /** The last line whole: `250 2.0.0 OK`. */
  readonly text: string;
}

const REPLY_WITHIN_MS = 60_000;
/** RFC 5321 section 4.2: code, a hyphen where more lines follow, text. */
const REPLY_LINE = /^(\d{3})([ -]?)(.*)$/;

export class RawSmtp {
  private received = '';
  private closed = false;
  private heard: () => void = () => undefined;

  private constructor(private socket: Socket) {
    this.listen();
  }

  /** Connects from `localAddress`; with `ca` (PEM) it speaks TLS from the first octet. The greeting is the first reply. */
  static async connect(port: number, ca?: string, localAddress?: string): Promise<RawSmtp> {
    // Half open, so that what comes after its own end is heard.
    const from = { host: '127.0.0.1', port, localAddress, allowHalfOpen: true };
    const socket = ca === undefined ? connectTcp(from) : connectTls({ ...from, ca, servername: 'localhost' });
    const client = new RawSmtp(socket);
    await client.until(() => client.isOpen(ca !== undefined), 'a connection');
    return client;
  }

  /** Connects as a load balancer does, which sends `header` before all else. */
  static async connectThrough(header: string, port: number, ca?: string, localAddress?: string): Promise<RawSmtp> {
    const client = new RawSmtp(connectTcp({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true }));
    await client.until(() => client.isOpen(false), 'a connection');
    client.write(header);
    if (ca !== undefined) await client.handshake(ca);
    return client;
  }

  /** Connects, is greeted, says EHLO, and logs in where there is somebody to log in as. */
  static async session(port: number, ca?: string, login?: { user: string; password: string }): Promise<RawSmtp> {
    const client = await RawSmtp.connect(port, ca);
    await client.reply();
    await client.command('EHLO client.test');
    if (login) await client.logIn(login.user, login.password);
    return client;
  }

  write(octets: string | Buffer): void {
    this.socket.write(octets);
  }

  async command(line: string): Promise<RawReply> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Each command in turn; its replies' last lines. */
  async commands(...lines: readonly string[]): Promise<string[]> {
    const texts: string[] = [];
    for (const line of lines) texts.push((await this.command(line)).text);
    return texts;
  }

  /** The next reply, all its lines. */
  async reply(): Promise<RawReply> {
    const lines: string[] = [];
    for (;;) {
      await this.until(() => this.received.includes('\r\n'), 'a reply');
      const end = this.received.indexOf('\r\n');
      const line = this.received.slice(0, end);
      this.received = this.received.slice(end + 2);
      const [, code = '', mark, text = ''] = REPLY_LINE.exec(line) ?? [];
      if (code === '') throw new Error(`no SMTP reply: ${line}`);
      lines.push(text);
      if (mark !== '-') return { code: Number(code), lines, text: line };
    }
  }

  /** STARTTLS, the handshake with the certificate verified, and EHLO anew where that is wanted. */
  async startTls(ca: string, saysEhlo = true): Promise<RawReply> {
    const ready = await this.command('STARTTLS');
    if (ready.code !== 220) return ready;
    await this.handshake(ca);
    return saysEhlo ? this.command('EHLO client.test') : ready;
  }

  async logIn(user: string, password: string): Promise<RawReply> {
    return this.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`);
  }

  /** One transaction, its dots stuffed (RFC 5321 section 4.5.2) and else as it is. The first reply that is no success. */
  async send(from: string, recipients: readonly string[], message: Buffer, parameters = ''): Promise<RawReply> {
    for (const line of [
      `MAIL FROM:<${from}>${parameters}`,
      ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
    ]) {
      const reply = await this.command(line);
      if (reply.code >= 300) return reply;
    }
    const begun = await this.command('DATA');
    return begun.code === 354 ? this.data(message) : begun;
  }

  /** What stands between the reply to DATA and the final dot; CRLF is added where it does not end so. */
  async data(message: Buffer): Promise<RawReply> {
    const text = message.toString('latin1');
    const ended = text.endsWith('\r\n') ? text : `${text}\r\n`;
    this.write(Buffer.from(`${ended.replace(/(^|\r\n)\./g, '$1..')}.\r\n`, 'latin1'));
    return this.reply();
  }

  /** Resolves when the other side has closed the connection. */
  async untilClosed(): Promise<void> {
    await this.until(() => this.closed, 'the end of the connection', true);
  }

  /** Closes its own side, and hears on. */
  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  private listen(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.heard();
    });
    for (const event of ['connect', 'secureConnect']) this.socket.on(event, () => this.heard());
    this.socket.on('error', (error) => {
      this.received += `000 ${error.message}\r\n`;
    });
    this.socket.on('close', () => {
      this.closed = true;
      this.heard();
    });
    // What the server half-closes is over.
    this.socket.on('end', () => this.socket.end());
  }

  private async handshake(ca: string): Promise<void> {
    this.socket.removeAllListeners();
    this.socket = connectTls({ socket: this.socket, ca, servername: 'localhost' });
    this.listen();
    await this.until(() => this.isOpen(true), 'a handshake');
  }

  private isOpen(secure: boolean): boolean {
    return secure ? 'authorized' in this.socket && this.socket.authorized === true : !this.socket.connecting;
  }

  private async until(condition: () => boolean, what: string, wantsEnd = false): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      reject(new Error(`${what} did not come in ${REPLY_WITHIN_MS} ms; received: ${this.received}`));
    }, REPLY_WITHIN_MS);
    this.heard = () => {
      if (condition()) resolve(undefined);
      else if (this.closed && !wantsEnd) reject(new Error(`closed before ${what} came; received: ${this.received}`));
    };
    this.heard();
    await promise.finally(() => {
      clearTimeout(timer);
      this.heard = () => undefined;
    });
  }
}
