/**
 * A message as RETR and TOP send it: RFC 1939 section 3. Lines end in CRLF, the last too, and those that begin with a dot
 * begin with two. Reports are kept so that only the dots are added, and their octets are the size that LIST tells; what is
 * kept otherwise is mended here, because a client that takes a bare LF for the end of a line would take `LF . LF` for the
 * end of the message.
 */

/** Worked on at once. */
const BLOCK_OCTETS = 64 * 1024;
/** Of an octet's place at most two are sent: CR before LF, a dot before a dot. */
const SENT_PER_OCTET = 2;
const CR = 13;
const LF = 10;
const DOT = 46;

/** @param bodyLinesMax lines behind the header and the empty line after it; all where it is not given */
export function* messageLines(content: Buffer, bodyLinesMax = Infinity): Generator<Buffer> {
  const lines = new LineSender(bodyLinesMax);
  for (let at = 0; at < content.length && !lines.isDone; at += BLOCK_OCTETS) {
    yield lines.send(content.subarray(at, at + BLOCK_OCTETS));
  }
  if (!lines.isAtStart) yield Buffer.from(lines.lineEnd);
}

class LineSender {
  private previous = LF;
  /** Of the line that is not ended. */
  private octets = 0;
  private isInHeader = true;

  constructor(private bodyLinesLeft: number) {}

  get isDone(): boolean {
    return !this.isInHeader && this.bodyLinesLeft <= 0 && this.isAtStart;
  }

  get isAtStart(): boolean {
    return this.octets === 0;
  }

  get lineEnd(): string {
    return this.previous === CR ? '\n' : '\r\n';
  }

  send(block: Buffer): Buffer {
    const sent = Buffer.allocUnsafe(block.length * SENT_PER_OCTET);
    let length = 0;
    for (const octet of block) {
      if (this.isDone) break;
      if (octet === DOT && this.isAtStart) sent[length++] = DOT;
      if (octet === LF && this.previous !== CR) sent[length++] = CR;
      sent[length++] = octet;
      if (octet === LF) this.endLine();
      else this.octets += 1;
      this.previous = octet;
    }
    return sent.subarray(0, length);
  }

  private endLine(): void {
    const isEmpty = this.octets === 0 || (this.octets === 1 && this.previous === CR);
    if (!this.isInHeader) this.bodyLinesLeft -= 1;
    else if (isEmpty) this.isInHeader = false;
    this.octets = 0;
  }
}
