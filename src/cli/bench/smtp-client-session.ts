/** One kept SMTP session of the bench's client: RFC 5321, MAIL, RCPT and DATA in one group where RFC 2920 is offered. */
import { connect, type Socket } from 'node:net';
import { SENDER } from './mail-system.js';

export interface Sent {
  /** performance.now() when the final dot was written. */
  readonly dotAt: number;
  /** performance.now() when the reply to it was read. */
  readonly repliedAt: number;
}

const SILENCE_MAX_MS = 30_000;
/** Far above any reply of a system that is measured here. */
const REPLY_CHARACTERS_MAX = 65_536;

export class SmtpClientSession {
  private received = '';
  private readonly replies: string[] = [];
  private waiting: ((reply: string | Error) => void) | undefined;
  private ended: Error | undefined;
  private pipelining = false;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.setTimeout(SILENCE_MAX_MS, () => this.end(new Error(`no answer in ${SILENCE_MAX_MS / 1_000} s`)));
    socket.on('data', (text: string) => this.take(text));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new Error('the connection was closed')));
  }

  /** Connects and says EHLO. Rejects where that fails. */
  static async open(port: number): Promise<SmtpClientSession> {
    const session = new SmtpClientSession(connect(port, '127.0.0.1'));
    try {
      await session.expect('220');
      session.socket.write('EHLO client.example\r\n');
      session.pipelining = /^250[- ]PIPELINING/im.test(await session.expect('250'));
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** @param stuffed the message as it stands on the wire, its final dot and line end included. Rejects on any refusal. */
  async send(recipient: string, stuffed: Buffer): Promise<Sent> {
    const commands = [`MAIL FROM:<${SENDER}>\r\n`, `RCPT TO:<${recipient}>\r\n`, 'DATA\r\n'];
    if (this.pipelining) this.socket.write(commands.join(''));
    for (const [index, command] of commands.entries()) {
      if (!this.pipelining) this.socket.write(command);
      await this.expect(index === 2 ? '354' : '250');
    }
    const dotAt = performance.now();
    this.socket.write(stuffed);
    await this.expect('250');
    return { dotAt, repliedAt: performance.now() };
  }

  close(): void {
    this.ended ??= new Error('the session was closed');
    if (this.socket.writable) this.socket.end('QUIT\r\n');
    // Whoever is measured owes us nothing more.
    this.socket.destroySoon();
  }

  private async expect(code: string): Promise<string> {
    const reply = await this.nextReply();
    if (!reply.startsWith(code)) throw new Error(`refused: ${reply.trim()}`);
    return reply;
  }

  private nextReply(): Promise<string> {
    const reply = this.replies.shift();
    if (reply !== undefined) return Promise.resolve(reply);
    if (this.ended) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      this.waiting = (result) => (typeof result === 'string' ? resolve(result) : reject(result));
    });
  }

  private take(text: string): void {
    this.received += text;
    // RFC 5321 section 4.2.1: the last line of a reply has a space after its code.
    for (let last = /^\d{3}(?: .*)?\r\n/m.exec(this.received); last; last = /^\d{3}(?: .*)?\r\n/m.exec(this.received)) {
      const end = last.index + last[0].length;
      this.hand(this.received.slice(0, end));
      this.received = this.received.slice(end);
    }
    if (this.received.length > REPLY_CHARACTERS_MAX) this.end(new Error('a reply without end'));
  }

  private hand(reply: string): void {
    if (!this.waiting) {
      this.replies.push(reply);
      return;
    }
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting(reply);
  }

  private end(why: Error): void {
    this.ended ??= why;
    this.socket.destroy();
    this.waiting?.(this.ended);
    this.waiting = undefined;
  }
}
