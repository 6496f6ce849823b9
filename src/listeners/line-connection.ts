/**
 * A connection of a protocol that speaks in lines (IMAP, POP3): octets in, octets out, each side bounded. What a client
 * sends is read only as far as it is asked for; what it does not read holds its session up, and then ends it.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { LineWriter } from './line-writer.js';
import { SESSION_TIMES } from './session-deadlines.js';

export type LineRead =
  /** Without its line ending. */
  | { readonly kind: 'line'; readonly bytes: Buffer }
  /** It is still there, and `skipLine` goes to its end. `start` is what it begins with. */
  | { readonly kind: 'too_long'; readonly start: Buffer }
  | ReadEnd;

/** Why no more came. */
export type ReadEnd =
  /** The client has not begun a line in time, or not ended one. */
  | { readonly kind: 'timeout' }
  /** `interrupt` was called. */
  | { readonly kind: 'interrupted'; readonly why: Interruption }
  | { readonly kind: 'ended' };

/** Why a session is ended from our side: the process drains, needs the place for others, or the login was taken away. */
export type Interruption = 'shutting_down' | 'evicted' | 'revoked';

/** What has come and was not asked for: then the client's sending is held up. */
const HELD_OCTETS_MAX = 64 * 1024;
/** For the client to close its side too. */
const CLOSE_MS = 3_000;
const LF = 10;
const CR = 13;
const NOTHING: Buffer = Buffer.alloc(0);

type Wake = 'more' | 'timeout' | 'interrupted' | 'ended';

export class LineConnection {
  private held = NOTHING;
  private hasEnded = false;
  private interruption: Interruption | undefined;
  private wake: ((why: Wake) => void) | undefined;
  /** Takes our listeners off the socket, and nobody else's. */
  private stopListening: () => void = () => undefined;
  private writer: LineWriter;

  constructor(
    private socket: Socket | TLSSocket,
    readonly clientAddress: string,
    private readonly leaveStrangers: () => void,
  ) {
    this.writer = new LineWriter(socket);
    this.listen();
  }

  /** `TLSv1.3` and the like; undefined where the connection is not encrypted. */
  get tlsVersion(): string | undefined {
    return 'getProtocol' in this.socket ? (this.socket.getProtocol() ?? 'unknown') : undefined;
  }

  /** Whether the next move is the client's. */
  get isReading(): boolean {
    return this.wake !== undefined;
  }

  /** Whether more has come than was asked for. */
  get hasMore(): boolean {
    return this.held.length > 0;
  }

  /** The client has shown who it is: it makes room for no stranger, and no longer counts as one of its network. */
  loggedIn(): void {
    this.leaveStrangers();
  }

  /** The next line, of at most `octetsMax`, which begins within `idleMs`. */
  async readLine(octetsMax: number, idleMs: number): Promise<LineRead> {
    // What the client has said ahead is not begun any more.
    if (this.interruption) return { kind: 'interrupted', why: this.interruption };
    let scanned = 0;
    let deadline = performance.now() + (this.held.length > 0 ? SESSION_TIMES.lineMs : idleMs);
    for (;;) {
      const end = this.held.indexOf(LF, scanned);
      if (end > octetsMax + 1 || (end === -1 && this.held.length > octetsMax + 1)) {
        return { kind: 'too_long', start: this.held.subarray(0, START_OCTETS) };
      }
      if (end !== -1) {
        const bytes = this.held.subarray(0, this.held[end - 1] === CR ? end - 1 : end);
        this.consume(end + 1);
        return { kind: 'line', bytes };
      }
      const had = (scanned = this.held.length);
      const woken = await this.more(deadline);
      if (woken !== 'more') return this.endOf(woken);
      if (had === 0) deadline = performance.now() + SESSION_TIMES.lineMs;
    }
  }

  /** So many octets, whatever they are. */
  async readOctets(octets: number): Promise<{ readonly kind: 'octets'; readonly bytes: Buffer } | ReadEnd> {
    const parts: Buffer[] = [];
    const ended = await this.take(octets, (part) => void parts.push(part));
    return ended ?? { kind: 'octets', bytes: Buffer.concat(parts) };
  }

  /** Reads and forgets so many octets; gives why they did not come. */
  async skipOctets(octets: number): Promise<ReadEnd | undefined> {
    return this.take(octets, () => undefined);
  }

  /** Reads and forgets up to the end of a line, and gives its last octets; undefined where that is not within `octetsMax`. */
  async skipLine(octetsMax: number): Promise<Buffer | undefined> {
    const deadline = performance.now() + SESSION_TIMES.lineMs;
    let tail = NOTHING;
    for (let left = octetsMax; left > 0;) {
      const end = this.held.indexOf(LF);
      const part = this.held.subarray(0, end === -1 ? this.held.length : end);
      tail = Buffer.concat([tail.subarray(-TAIL_OCTETS), part.subarray(-TAIL_OCTETS)]);
      left -= part.length;
      this.consume(end === -1 ? part.length : end + 1);
      if (end !== -1) return tail.at(-1) === CR ? tail.subarray(0, -1) : tail;
      if ((await this.more(deadline)) !== 'more') return undefined;
    }
    return undefined;
  }

  /** Says `data` (text is one octet a character), at the latest when the client is waited for. Throws ConnectionLost. */
  async write(data: string | Buffer): Promise<void> {
    await this.writer.write(data);
  }

  /** Resolves when the client's system has taken all but a bounded rest. Throws ConnectionLost. */
  async flush(): Promise<void> {
    await this.writer.flush();
  }

  /** Throws ConnectionLost where nobody is there any more: for work that says nothing for long. */
  checkOpen(): void {
    this.writer.checkOpen();
  }

  /** Whether the client has taken what was said: who has not is told nothing more for now. */
  get isTaken(): boolean {
    return this.writer.isTaken;
  }

  /** For how long the client has taken nothing of what is being sent to it; 0 where nothing is. */
  get stalledMs(): number {
    return this.writer.stalledMs;
  }

  /** Goes on under TLS, as `upgrade` makes it. What came before belongs to nobody: see `hasMore`. */
  async startTls(upgrade: (socket: Socket) => Promise<TLSSocket>): Promise<void> {
    await this.flush();
    this.stopListening();
    this.socket.pause();
    this.held = NOTHING;
    this.socket = await upgrade(this.socket);
    this.writer = new LineWriter(this.socket);
    this.listen();
  }

  /** Ends what the session waits for, now or when it next waits. */
  interrupt(why: Interruption): void {
    this.interruption = why;
    this.wake?.('interrupted');
  }

  /** Closes when what was said has been sent, at the latest soon after. Never throws. */
  async end(): Promise<void> {
    const { socket } = this;
    try {
      await this.flush();
      socket.end();
    } catch {
      socket.destroy();
    }
    // What still comes is read and forgotten: a socket that is closed over it resets, and what was said is lost.
    socket.removeAllListeners('data').resume();
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
    socket.once('close', () => clearTimeout(timer));
    if (socket.destroyed) clearTimeout(timer);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private listen(): void {
    const { socket } = this;
    socket.setNoDelay(true);
    const came = (chunk: Buffer): void => {
      this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
      if (this.held.length >= HELD_OCTETS_MAX) socket.pause();
      this.wake?.('more');
    };
    const ended = (): void => {
      this.hasEnded = true;
      this.wake?.('ended');
    };
    socket.on('data', came).on('end', ended).on('close', ended);
    this.stopListening = () => void socket.off('data', came).off('end', ended).off('close', ended);
    if (socket.destroyed) ended();
  }

  private consume(octets: number): void {
    // A rest of nothing must not keep all that it came with, in thousands of sessions that wait.
    const rest = this.held.subarray(octets);
    this.held = rest.length === 0 ? NOTHING : rest;
  }

  private async take(octets: number, each: (part: Buffer) => void): Promise<ReadEnd | undefined> {
    // An octet now and then does not keep a session open: 1 kB/s is less than any line does.
    const deadline = performance.now() + SESSION_TIMES.lineMs + octets;
    for (let left = octets; left > 0;) {
      if (this.held.length > 0) {
        const part = this.held.subarray(0, left);
        each(part);
        left -= part.length;
        this.consume(part.length);
      } else {
        const woken = await this.more(deadline);
        if (woken !== 'more') return this.endOf(woken);
      }
    }
    return undefined;
  }

  private endOf(woken: Exclude<Wake, 'more'>): ReadEnd {
    return woken === 'interrupted' ? { kind: woken, why: this.interruption ?? 'shutting_down' } : { kind: woken };
  }

  /** Waits for octets that have not come yet. */
  private async more(deadline: number): Promise<Wake> {
    const had = this.held.length;
    // The client may be waiting for this to go on. While it is sent, anything may happen that nobody is woken for yet.
    if (!this.interruption && !this.hasEnded) await this.flush();
    if (this.held.length > had) return 'more';
    if (this.interruption) return 'interrupted';
    if (this.hasEnded) return 'ended';
    const { promise, resolve } = Promise.withResolvers<Wake>();
    const timer = setTimeout(resolve, deadline - performance.now(), 'timeout');
    this.wake = resolve;
    this.socket.resume();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.wake = undefined;
    }
  }
}

/** Of a line that is too long: enough to know whose it is. */
const START_OCTETS = 256;
/** More than `{4294967295+}`, by which a line says that a literal follows it. */
const TAIL_OCTETS = 32;
