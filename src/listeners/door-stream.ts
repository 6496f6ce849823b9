/**
 * Cuts what a client sends into command lines and messages, in place of smtp-server's own parser, which takes a bare LF
 * for the end of a command, runs a line that was cut off by the end of the connection, ends a session at a long line,
 * and hands a message of short dotted lines over in millions of pieces.
 *
 * A command ends at CRLF and holds no control character; the end of DATA is CRLF.CRLF and nothing else: RFC 5321
 * sections 2.3.8 and 4.1.1.4. In a message every octet passes, whatever the length of its lines; only the dot that was
 * stuffed before another is taken away (section 4.5.2).
 */
import { isUtf8 } from 'node:buffer';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

export type LineFault = 'command_too_long' | 'command_not_ascii' | 'bare_line_ending';

/** RFC 4954 section 4: base64 of AUTH may be this long. Nothing longer is ever held of a line. */
export const AUTH_OCTETS_MAX = 12_288;
/** RFC 5321 section 4.5.3.1.4 wants 512 and more for every extension: SMTPUTF8 addresses of 2 x 254 octets, and parameters. */
export const COMMAND_OCTETS_MAX = 2_048;
/** What is thrown away of a line that is too long, before the client is thought to be none. */
const DISCARDED_OCTETS_MAX = 1024 * 1024;
/** Commands that are answered in one go; then other connections have their turn. */
const COMMANDS_AT_ONCE = 50;

const LF = 10;
const CR = 13;
const DOT = 46;
const LINE_DOT = Buffer.from('\n.');
/** RFC 6531 section 3.3 and 3.7.4.2: the commands that may hold an address in UTF-8. */
const MAY_BE_UTF8 = /^(?:MAIL FROM:|RCPT TO:|VRFY |EXPN )/i;

export interface FaultyLine {
  /** Nothing more will be read. */
  readonly isEndless?: boolean;
  /** What the line may have, where it is longer. */
  readonly octetsMax?: number;
}

export interface DoorStreamOwner {
  readonly command: (line: Buffer, next: () => void) => void;
  /** A line that is no command. */
  readonly fault: (fault: LineFault, next: () => void, line: FaultyLine) => void;
  /** Whether the next line is the base64 of an AUTH exchange. */
  readonly expectsAuth: () => boolean;
}

export class DoorStream extends SMTPStream {
  /** What has come of a line whose end has not. */
  private line: Buffer[] = [];
  private lineOctets = 0;
  private lineSinceMs: number | undefined;
  /** The last octet that came of it, and the one before: of a long line the end is not held. */
  private lastOctets: readonly [number | undefined, number | undefined] = [undefined, undefined];
  /** A bare LF stood in this line: what follows it, up to CRLF, is as little a command. */
  private isSpoiled = false;
  /** Whether what is in hand holds more than the line that is being answered. */
  private isMoreInHand = false;
  private cutOff: { readonly octets: number; readonly cut: () => void } | undefined;
  /** Length of the chunk that is being read. */
  private octetsInHand = 0;

  constructor(private readonly owner: DoorStreamOwner) {
    super();
  }

  /** When the line began whose end has not come, by `performance.now()`. */
  get inLineSinceMs(): number | undefined {
    return this.lineSinceMs;
  }

  /** Whether the client has sent anything behind the command that is being answered. */
  get isPipelined(): boolean {
    // Until it is done, the chunk in hand counts as one that waits.
    return this.isMoreInHand || this.writableLength > this.octetsInHand;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', done: (error?: Error | null) => void): void {
    // What follows a message in its chunk comes here once more, as a part of that chunk.
    if (this.octetsInHand === 0) this.octetsInHand = chunk.length;
    const finished = (error?: Error | null): void => {
      this.octetsInHand = 0;
      done(error);
    };
    if (this._dataMode) this._feedDataStream(chunk, finished);
    else this.readCommands(chunk, finished);
  }

  /** Calls `cut` once, when more than `octets` of this message have come. */
  cutOffAt(octets: number, cut: () => void): void {
    this.cutOff = { octets, cut };
  }

  override _countDataBytes(octets: number): void {
    super._countDataBytes(octets);
    if (!this.cutOff || this.dataBytes <= this.cutOff.octets) return;
    const { cut } = this.cutOff;
    this.cutOff = undefined;
    cut();
  }

  /** A line without its end is no command, also where the connection ends. */
  override _flushData(): void {
    this.dropLine();
  }

  private readCommands(chunk: Buffer, done: (error?: Error | null) => void): void {
    let position = 0;
    let isBusy = false;
    let isAnswered = false;
    let answered = 0;
    const step = (): void => {
      // An answer that comes at once goes on in the loop below, and not in a call within a call.
      isAnswered = true;
      if (isBusy) return;
      isBusy = true;
      while (isAnswered) {
        if (this.isClosed) return done();
        if (this._dataMode) return this._write(chunk.subarray(position), 'buffer', done);
        if (answered === COMMANDS_AT_ONCE) {
          answered = 0;
          isBusy = false;
          setImmediate(step);
          return;
        }
        const end = chunk.indexOf(LF, position);
        if (end < 0) {
          if (!this.hold(chunk.subarray(position))) {
            return this.owner.fault('command_too_long', done, { isEndless: true, octetsMax: COMMAND_OCTETS_MAX });
          }
          return done();
        }
        const piece = chunk.subarray(position, end + 1);
        const isWhole = this.lineOctets === 0;
        if (!isWhole) this.hold(piece);
        position = end + 1;
        answered += 1;
        isAnswered = false;
        this.isMoreInHand = position < chunk.length;
        // Most lines come whole, and are answered before their chunk is let go: no copy.
        if (isWhole) this.dispatch(piece, piece.length, piece.at(-2), step);
        else this.dispatchHeld(step);
      }
      isBusy = false;
    };
    step();
  }

  /** Keeps a piece of a line; false where the line has no end. */
  private hold(piece: Buffer): boolean {
    if (piece.length === 0) return true;
    this.lineSinceMs ??= performance.now();
    this.lineOctets += piece.length;
    this.lastOctets = [piece.length > 1 ? piece.at(-2) : this.lastOctets[1], piece.at(-1)];
    // A copy: the chunk it is cut from may be a thousand times as large.
    const room = AUTH_OCTETS_MAX + 2 - (this.lineOctets - piece.length);
    if (room > 0) this.line.push(Buffer.from(piece.subarray(0, room)));
    return this.lineOctets <= DISCARDED_OCTETS_MAX;
  }

  private dispatchHeld(next: () => void): void {
    const { lineOctets, lastOctets } = this;
    const line = Buffer.concat(this.line);
    this.dropLine();
    this.dispatch(line, lineOctets, lastOctets[0], next);
  }

  /** Answers the line that has ended, at an LF behind `lastOctet`; of a long one `line` is the beginning. */
  private dispatch(line: Buffer, octets: number, lastOctet: number | undefined, next: () => void): void {
    const isAuth = this.owner.expectsAuth() || /^AUTH /i.test(line.toString('latin1', 0, 5));
    const octetsMax = isAuth ? AUTH_OCTETS_MAX : COMMAND_OCTETS_MAX;
    const isEnded = lastOctet === CR;
    const wasSpoiled = this.isSpoiled;
    this.isSpoiled = !isEnded;
    if (wasSpoiled || !isEnded) return this.owner.fault('bare_line_ending', next, {});
    if (octets - 2 > octetsMax) return this.owner.fault('command_too_long', next, { octetsMax });
    const command = line.subarray(0, -2);
    const fault = commandFault(command);
    if (fault) return this.owner.fault(fault, next, {});
    this.owner.command(command, next);
  }

  private dropLine(): void {
    this.line = [];
    this.lineOctets = 0;
    this.lineSinceMs = undefined;
    this.lastOctets = [undefined, undefined];
  }

  override _feedDataStream(chunk: Buffer, done: (error?: Error | null) => void): void {
    const held = this._lastBytes || Buffer.alloc(0);
    const data = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    this._lastBytes = false;
    const reading = readData(data, this._atDataStart);
    if (reading.end !== undefined) {
      this._countDataBytes(reading.content.length);
      this._endDataMode(reading.content, data.subarray(reading.end), done);
      return;
    }
    if (reading.held > 0) this._lastBytes = Buffer.from(data.subarray(data.length - reading.held));
    this._countDataBytes(reading.content.length);
    const stream = this._dataStream;
    if (!stream || !stream.writable || reading.content.length === 0 || stream.write(reading.content)) return done();
    const resumed = (): void => {
      stream.off('drain', resumed);
      stream.off('close', resumed);
      done();
    };
    // One that its reader destroys never drains.
    stream.on('drain', resumed);
    stream.on('close', resumed);
  }
}

interface DataReading {
  /** The message's octets, unstuffed. */
  readonly content: Buffer;
  /** Where the first octet behind the final dot's line is. */
  readonly end?: number;
  /** Octets at the end that may begin the final dot's line. */
  readonly held: number;
}

/** @param atStart whether no octet of the message came before: then the line of the final dot may be the first */
function readData(data: Buffer, atStart: boolean): DataReading {
  const pieces: Buffer[] = [];
  let copied = 0;
  // The first line has no CRLF of its own before it.
  let dot = atStart && (data.length === 0 || data[0] === DOT) ? 0 : nextDot(data, 0);
  while (dot >= 0) {
    const [first, second] = [data[dot + 1], data[dot + 2]];
    const begun = dot === 0 ? 0 : dot - 2;
    if (first === undefined || (first === CR && second === undefined)) {
      pieces.push(data.subarray(copied, begun));
      return { content: joined(pieces), held: data.length - begun };
    }
    if (first === CR && second === LF) {
      pieces.push(data.subarray(copied, dot));
      return { content: joined(pieces), end: dot + 3, held: 0 };
    }
    if (first === DOT) {
      pieces.push(data.subarray(copied, dot));
      copied = dot + 1;
    }
    dot = nextDot(data, dot + 1);
  }
  const held = heldAtEnd(data, copied);
  pieces.push(data.subarray(copied, data.length - held));
  return { content: joined(pieces), held };
}

/** Where the next dot stands that begins a line: behind CRLF, no lesser ending. */
function nextDot(data: Buffer, from: number): number {
  let at = data.indexOf(LINE_DOT, from);
  while (at >= 0 && (at === 0 || data[at - 1] !== CR)) at = data.indexOf(LINE_DOT, at + 1);
  return at < 0 ? -1 : at + 1;
}

/** CR, or CRLF, at the very end: a dot may follow. */
function heldAtEnd(data: Buffer, from: number): number {
  const { length } = data;
  if (length - from >= 2 && data[length - 2] === CR && data[length - 1] === LF) return 2;
  return length - from >= 1 && data[length - 1] === CR ? 1 : 0;
}

/** One buffer: a reader that keeps pieces keeps few. */
function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}

function commandFault(line: Buffer): LineFault | undefined {
  let isAscii = true;
  for (const octet of line) {
    if (octet === CR) return 'bare_line_ending';
    // A tab between parameters is wrong and harmless.
    if ((octet < 0x20 && octet !== 9) || octet === 0x7f) return 'command_not_ascii';
    if (octet >= 0x80) isAscii = false;
  }
  if (isAscii || (isUtf8(line) && MAY_BE_UTF8.test(line.toString('latin1')))) return undefined;
  return 'command_not_ascii';
}
