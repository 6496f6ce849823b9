/** A client of IMAP or POP3 on a bare socket, which sends the octets that it is given and nothing else. Every wait is bounded. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const WITHIN_MS = 60_000;

export class RawLines {
  private received: Buffer = Buffer.alloc(0);
  private hasEnded = false;
  private heard: () => void = () => undefined;

  private constructor(private socket: Socket) {
    this.listen();
  }

  /** With `ca` (PEM) it speaks TLS from the first octet. Nothing is read yet: the greeting is the first line. */
  static async connect(port: number, ca?: string): Promise<RawLines> {
    // Half open, so that what comes after its own end is heard.
    const to = { host: '127.0.0.1', port, allowHalfOpen: true };
    const socket = ca === undefined ? connectTcp(to) : connectTls({ ...to, ca, servername: 'localhost' });
    return opened(new RawLines(socket), socket, ca === undefined ? 'connect' : 'secureConnect');
  }

  /** TLS on the connection that is open, after the server has said that it may begin. */
  async startTls(ca: string): Promise<void> {
    this.socket.removeAllListeners().on('error', () => undefined);
    this.received = Buffer.alloc(0);
    const socket = connectTls({ socket: this.socket, ca, servername: 'localhost' });
    this.socket = socket;
    this.listen();
    await opened(this, socket, 'secureConnect');
  }

  write(octets: string | Buffer): void {
    this.socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Each octet in a packet of its own, as far as the system lets it. */
  async writeByByte(octets: string): Promise<void> {
    this.socket.setNoDelay(true);
    for (const octet of octets) await new Promise((sent) => this.socket.write(Buffer.from(octet, 'latin1'), sent));
  }

  /** The next line without its CRLF, one octet a character. */
  async line(): Promise<string> {
    await this.until(() => this.received.includes('\r\n'), 'a line');
    return this.take(this.received.indexOf('\r\n') + 2)
      .toString('latin1')
      .slice(0, -2);
  }

  /** Lines up to the first that is as wanted, with it. */
  async lines(isLast: (line: string) => boolean): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      lines.push(line);
      if (isLast(line)) return lines;
    }
  }

  /** So many octets. */
  async octets(count: number): Promise<Buffer> {
    await this.until(() => this.received.length >= count, `${String(count)} octets`);
    return this.take(count);
  }

  /** Resolves when the server has closed, with what it said until then and nobody read. */
  async ended(): Promise<string> {
    await this.until(() => this.hasEnded, 'the end');
    return this.take(this.received.length).toString('latin1');
  }

  /** Reads nothing until `resume`: what comes is left to the system. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Says that nothing more will come. */
  finish(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  private listen(): void {
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.heard();
    });
    const ended = (): void => {
      this.hasEnded = true;
      this.heard();
    };
    this.socket.on('end', ended).on('close', ended);
  }

  private take(octets: number): Buffer {
    const taken = this.received.subarray(0, octets);
    this.received = this.received.subarray(octets);
    return taken;
  }

  private async until(isSo: () => boolean, what: string): Promise<void> {
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      this.heard();
    }, WITHIN_MS);
    try {
      while (!isSo()) {
        const got = `${this.received.toString('latin1').slice(0, 200)}${this.hasEnded ? ' (ended)' : ''}`;
        if (this.hasEnded || isLate) throw new Error(`${what} did not come: ${got}`);
        await new Promise<void>((resolve) => (this.heard = resolve));
      }
    } finally {
      clearTimeout(deadline);
    }
  }
}

async function opened(client: RawLines, socket: Socket, event: 'connect' | 'secureConnect'): Promise<RawLines> {
  await new Promise<void>((resolve, reject) => {
    socket.once(event, resolve).once('error', reject);
  });
  return client;
}
