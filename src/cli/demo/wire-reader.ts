/**
 * Reads an SMTP client's bytes: command lines, and the message between DATA and the final dot, which only CRLF.CRLF
 * ends (RFC 5321 section 4.1.1.4), so that nothing smuggled in a bare LF passes for the end.
 *
 * Bounded: a line by LINE_OCTETS_MAX, a message by what the caller allows, unread input by PENDING_OCTETS_MAX.
 */
import type { Socket } from 'node:net';

/** RFC 5321 section 4.5.3.1.4 has 512 octets, extensions add some hundred: what is longer is no command. */
const LINE_OCTETS_MAX = 4096;
/** Where the client sends faster than the script answers, TCP holds the rest. */
const PENDING_OCTETS_MAX = 256 * 1024;
const MESSAGE_OCTETS_FIRST = 16 * 1024;

const LF = 10;
const CR = 13;
const EMPTY: Buffer = Buffer.alloc(0);
const FINAL_DOT = Buffer.from('\r\n.\r\n');
/** How much of `FINAL_DOT` can be the end of one chunk while the rest begins the next. */
const FINAL_DOT_OVERLAP = FINAL_DOT.length - 1;

export type Line =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'line without CRLF' }
  | { readonly kind: 'line too long' }
  | { readonly kind: 'end' };

export type Message =
  | { readonly kind: 'message'; readonly stuffed: Buffer }
  | { readonly kind: 'message too big' }
  | { readonly kind: 'end' };

export class WireReader {
  #socket: Socket;
  #pending: Buffer = EMPTY;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Whether the client has already sent another whole line. */
  get hasLine(): boolean {
    return this.#pending.includes(LF);
  }

  /** Goes on with the decrypted side of the connection. What came in the clear is forgotten (RFC 3207 section 4.2). */
  moveTo(socket: Socket): void {
    this.release();
    this.#socket = socket;
    this.#listen();
  }

  /** Leaves the socket to whoever comes next. */
  release(): void {
    this.#socket.off('data', this.#take).off('end', this.#end).off('close', this.#end);
    this.#pending = EMPTY;
  }

  async readLine(): Promise<Line> {
    for (;;) {
      const lf = this.#pending.indexOf(LF);
      if (lf !== -1 && lf < LINE_OCTETS_MAX) {
        const line = this.#pending.subarray(0, lf);
        this.#consume(lf + 1);
        if (line[lf - 1] !== CR) return { kind: 'line without CRLF' };
        return { kind: 'line', text: line.toString('utf8', 0, lf - 1) };
      }
      if (this.#pending.length >= LINE_OCTETS_MAX) return { kind: 'line too long' };
      if (!(await this.waitForMore())) return { kind: 'end' };
    }
  }

  /** The octets up to the final dot, dots still stuffed; of a message over `octetsMax` only its end is waited for. */
  async readMessage(octetsMax: number): Promise<Message> {
    // CRLF before the message makes its first line a line like all others: `.CRLF` alone ends it.
    let buffer = Buffer.allocUnsafe(MESSAGE_OCTETS_FIRST);
    let length = buffer.write('\r\n');
    let tooBig = false;
    for (;;) {
      const chunk = this.#pending;
      buffer = withRoom(buffer, length, chunk.length);
      chunk.copy(buffer, length);
      const searchFrom = Math.max(0, length - FINAL_DOT_OVERLAP);
      const end = buffer.subarray(0, length + chunk.length).indexOf(FINAL_DOT, searchFrom);
      if (end !== -1) {
        this.#consume(end + FINAL_DOT.length - length);
        if (tooBig || end > octetsMax) return { kind: 'message too big' };
        // A copy: the grown buffer may be twice as large, and messages are kept.
        return { kind: 'message', stuffed: Buffer.from(buffer.subarray(2, Math.max(2, end + 2))) };
      }
      this.#consume(chunk.length);
      length += chunk.length;
      if (length > octetsMax + FINAL_DOT.length) {
        tooBig = true;
        buffer.copyWithin(0, length - FINAL_DOT_OVERLAP, length);
        length = FINAL_DOT_OVERLAP;
      }
      if (!(await this.waitForMore())) return { kind: 'end' };
    }
  }

  /** Drops all that still comes; resolves when the connection is gone. */
  async ignoreTheRest(): Promise<void> {
    do this.#pending = EMPTY;
    while (await this.waitForMore());
  }

  /** Waits for input that is not here yet. False: the client has closed its side. */
  async waitForMore(): Promise<boolean> {
    if (this.#ended) return false;
    const before = this.#pending.length;
    this.#socket.resume();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    return this.#pending.length > before;
  }

  #listen(): void {
    this.#socket.on('data', this.#take).once('end', this.#end).once('close', this.#end);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (this.#pending.length > PENDING_OCTETS_MAX) this.#socket.pause();
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  #consume(octets: number): void {
    this.#pending = octets === this.#pending.length ? EMPTY : this.#pending.subarray(octets);
  }
}

/** `buffer` with room for `more` octets after `length`: doubled, so that a big message costs two copies, not n. */
function withRoom(buffer: Buffer<ArrayBuffer>, length: number, more: number): Buffer<ArrayBuffer> {
  if (length + more <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + more));
  buffer.copy(larger, 0, 0, length);
  return larger;
}
