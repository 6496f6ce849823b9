/**
 * The sending half of a line connection: what is said is gathered into blocks, and a client that does not read holds its
 * session up, and then ends it. What it leaves lying is bounded, and keeps nothing else in memory.
 */
import type { Socket } from 'node:net';

/** The client is gone, or does not read: nothing can be said to it any more. */
export class ConnectionLost extends Error {}

/** Sent at once; what the client does not take of it in time ends the session. */
const BLOCK_OCTETS = 64 * 1024;
const TAKEN_WITHIN_MS = 2 * 60_000;
const PENDING_OCTETS_MIN = 2 * 1024;
/** So long, while more is being done, the client waits for what was said: commands that it sent ahead share a block. */
const PENDING_MS = 20;
const NOTHING: Buffer = Buffer.alloc(0);

export class LineWriter {
  /** What was said and is not sent yet, and room for more. */
  private pending = NOTHING;
  private pendingOctets = 0;
  private timer: NodeJS.Timeout | undefined;
  private stalledSince: number | undefined;

  constructor(private readonly socket: Socket) {}

  /** Whether the client has taken what was said. */
  get isTaken(): boolean {
    return this.pendingOctets === 0 && !this.socket.writableNeedDrain;
  }

  /** For how long the client has not taken a block that waits for it; 0 where none does. */
  get stalledMs(): number {
    return this.stalledSince === undefined ? 0 : performance.now() - this.stalledSince;
  }

  /** Throws ConnectionLost where nobody is there any more. */
  checkOpen(): void {
    if (this.socket.destroyed) throw new ConnectionLost();
  }

  /** Takes `data`, and sends what fills blocks. Text is one octet a character. Throws ConnectionLost. */
  async write(data: string | Buffer): Promise<void> {
    this.checkOpen();
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    for (let at = 0; at < bytes.length;) {
      if (this.pendingOctets === BLOCK_OCTETS) await this.flush();
      // A copy: what the client leaves lying must not keep the whole of it.
      const part = bytes.subarray(at, at + BLOCK_OCTETS - this.pendingOctets);
      part.copy(this.roomFor(part.length), this.pendingOctets);
      this.pendingOctets += part.length;
      at += part.length;
    }
    this.timer ??= setTimeout(() => this.sendInTime(), PENDING_MS);
  }

  /** Resolves when the client's system has taken all but a block. Throws ConnectionLost. */
  async flush(): Promise<void> {
    this.checkOpen();
    if (this.pendingOctets === 0) return;
    await this.send(this.takePending());
  }

  private sendInTime(): void {
    this.timer = undefined;
    // Who has not taken the last block gets no more by itself: the rest, of a block at most, holds its session up.
    if (!this.socket.writableNeedDrain) this.socket.write(this.takePending());
  }

  private takePending(): Buffer {
    clearTimeout(this.timer);
    this.timer = undefined;
    const bytes = this.pending.subarray(0, this.pendingOctets);
    [this.pending, this.pendingOctets] = [NOTHING, 0];
    return bytes;
  }

  /** Of its own memory: small buffers of Node's pool, each with a neighbour that is long gone, would keep 64 KiB each. */
  private roomFor(octets: number): Buffer {
    const wanted = this.pendingOctets + octets;
    if (wanted > this.pending.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(wanted * 2, PENDING_OCTETS_MIN), BLOCK_OCTETS));
      this.pending.copy(larger, 0, 0, this.pendingOctets);
      this.pending = larger;
    }
    return this.pending;
  }

  private async send(bytes: Buffer): Promise<void> {
    if (!this.socket.write(bytes)) await this.drained();
  }

  private async drained(): Promise<void> {
    const { socket } = this;
    // One that is closed already says so to nobody.
    this.checkOpen();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => socket.destroy(), TAKEN_WITHIN_MS);
    socket.once('drain', resolve).once('close', resolve);
    this.stalledSince = performance.now();
    await promise;
    this.stalledSince = undefined;
    clearTimeout(timer);
    socket.off('drain', resolve).off('close', resolve);
    this.checkOpen();
  }
}
