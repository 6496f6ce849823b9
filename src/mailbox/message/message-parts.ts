/**
 * The parts of a message as IMAP numbers them: RFC 3501 section 6.4.5, RFC 2046. What is broken is read by the rules of
 * Dovecot, the server that mail programs are tried with, so that they see of one mail the same parts here and there.
 * One pass without recursion: the time is linear in the size.
 */
import { BoundaryStack } from './boundary-stack.js';
import { readContentType } from './content-type.js';
import { HeaderLimit } from './header-limit.js';
import { headerTexts } from './header-texts.js';

export interface MessagePart {
  /** Offsets: of the header, of the body (which the empty line comes before), and of the end of the body. */
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
  /** Line ends in the body. */
  readonly bodyLines: number;
  /** What it is read as: `message` is a message/rfc822, and a multipart has parts or should have had them. */
  readonly kind: 'multipart' | 'message' | 'text' | 'other';
  /** False where the header says neither MIME-Version nor Content-Type: then no Content- field of it counts. */
  readonly isMime: boolean;
  readonly isDigest: boolean;
  readonly parent: MessagePart | undefined;
  /** The parts of a multipart; of a `message`, the one inside. */
  readonly children: readonly MessagePart[];
}

/** Both as Dovecot has them. What lies deeper or comes later is content of the part before it. */
export const DEPTH_MAX = 100;
export const PARTS_MAX = 10_000;
/** Boundaries that are compared with lines; then what follows is content too. Mail has some for each of its parts. */
const COMPARED_MAX = 200_000;

const CR = 13;
const LF = 10;

/** Never throws, whatever the bytes. Lines should end in CRLF, bare LFs are understood. */
export function readMessageParts(raw: Buffer): MessagePart {
  return new PartScan(raw).read();
}

class Draft implements MessagePart {
  headerOctets = 0;
  headerLines = 0;
  bodyOctets = 0;
  bodyLines = 0;
  kind: MessagePart['kind'] = 'other';
  isMime = false;
  isDigest = false;
  readonly children: Draft[] = [];

  constructor(
    readonly start: number,
    readonly parent: Draft | undefined,
    readonly depth: number,
  ) {}

  get bodyStart(): number {
    return this.start + this.headerOctets;
  }

  get end(): number {
    return this.bodyStart + this.bodyOctets;
  }

  addBody(octets: number, lines: number): void {
    this.bodyOctets += octets;
    this.bodyLines += lines;
  }
}

/** Exported for the test, which counts its steps. */
export class PartScan {
  /** Lines looked at one by one, and boundaries tried on them. */
  steps = 0;

  private position = 0;
  private parts = 1;
  private readonly root = new Draft(0, undefined, 0);
  private part = this.root;
  private readonly boundaries = new BoundaryStack<Draft>();
  private compared = 0;
  private readonly limit = new HeaderLimit();

  constructor(private readonly raw: Buffer) {}

  read(): MessagePart {
    this.readHeader();
    while (this.position < this.raw.length) this.readBody();
    while (this.part.parent) this.finishPart(this.part.parent);
    return this.root;
  }

  /** Reads the header of the current part and, where that is a message, of those inside, and leaves the last one current. */
  private readHeader(): void {
    do this.readOneHeader();
    while (this.part.kind === 'message' && this.openChild(false));
  }

  private readOneHeader(): void {
    const { part } = this;
    const { newline, complete } = this.skipHeaderLines();
    this.settleKind(complete);
    const boundary = this.boundaryAt(this.position);
    if (!boundary || boundary.owner === part || newline === 0) return;
    // The line end before a boundary belongs to the boundary, were it the empty line of a header.
    part.headerOctets -= newline;
    part.headerLines--;
    part.parent?.addBody(newline, 1);
  }

  /** Up to and with the empty line, or up to a boundary or the end. */
  private skipHeaderLines(): { newline: number; complete: boolean } {
    const { part, raw } = this;
    let newline = 0;
    let complete = false;
    while (this.position < raw.length && !complete && !this.boundaryAt(this.position)) {
      this.steps++;
      const lf = raw.indexOf(LF, this.position);
      const next = lf === -1 ? raw.length : lf + 1;
      newline = lf === -1 ? 0 : lf > this.position && raw[lf - 1] === CR ? 2 : 1;
      complete = newline > 0 && next - this.position === newline;
      part.headerOctets += next - this.position;
      part.headerLines += newline > 0 ? 1 : 0;
      this.position = next;
    }
    return { newline, complete };
  }

  /** Decides what the part is, and opens the boundary of its own parts where it can have any. */
  private settleKind(complete: boolean): void {
    const { part } = this;
    const fields = headerTexts(
      this.raw,
      part,
      (name) => name === 'content-type' || name === 'mime-version',
      this.limit,
    );
    const typeField = fields.find(({ name }) => name === 'content-type');
    part.isMime ||= fields.length > 0;
    if (!typeField) {
      // RFC 2046 section 5.1.5: in a digest the default is message/rfc822.
      part.kind = this.withinLimits(part.parent?.isDigest ? 'message' : 'text');
      return;
    }
    const { kind, isDigest, boundary } = readContentType(typeField.text);
    part.isDigest = isDigest;
    const hasParts = kind === 'multipart' && complete && boundary !== undefined;
    part.kind = hasParts || kind === 'message' ? this.withinLimits(kind) : kind;
    if (hasParts && part.kind === 'multipart') this.boundaries.push(boundary, part);
  }

  private withinLimits(kind: MessagePart['kind']): MessagePart['kind'] {
    if (kind === 'text') return kind;
    const deep = this.part.depth + 1 >= DEPTH_MAX;
    return deep || (kind === 'message' && this.parts >= PARTS_MAX) ? 'other' : kind;
  }

  /** Reads the body of the current part to the next boundary, and past it. */
  private readBody(): void {
    const from = this.position;
    const found = this.nextBoundary();
    const line = found?.line ?? this.raw.length;
    let end = line;
    if (found && line > from) end -= this.raw[line - 2] === CR && line - from > 1 ? 2 : 1;
    this.part.addBody(end - from, this.linesIn(from, end));
    this.position = line;
    if (!found) return;
    const { owner } = found;
    while (this.part !== owner && this.part.parent) this.finishPart(this.part.parent);
    this.boundaries.closeDownTo(found);
    const lf = this.raw.indexOf(LF, line);
    this.position = lf === -1 ? this.raw.length : lf + 1;
    owner.addBody(this.position - end, this.linesIn(end, this.position));
    if (lf !== -1 && this.boundaries.top?.owner === owner && this.openChild(true)) this.readHeader();
  }

  private nextBoundary() {
    let line = this.position;
    while (this.boundaries.top && this.looksForMore) {
      const found = this.boundaryAt(line);
      if (found) return { ...found, line };
      const lf = this.raw.indexOf('\n--', line, 'latin1');
      if (lf === -1) break;
      line = lf + 1;
    }
    return undefined;
  }

  private boundaryAt(line: number) {
    if (!this.looksForMore) return undefined;
    const found = this.boundaries.find(this.raw, line);
    this.steps += this.boundaries.tried;
    this.compared += this.boundaries.tried;
    return found;
  }

  private get looksForMore(): boolean {
    return this.parts < PARTS_MAX && this.compared < COMPARED_MAX;
  }

  private openChild(isMime: boolean): true {
    const child = new Draft(this.part.end, this.part, this.part.depth + 1);
    child.isMime = isMime;
    this.part.children.push(child);
    this.part = child;
    this.parts++;
    return true;
  }

  private finishPart(parent: Draft): void {
    const { headerOctets, bodyOctets, headerLines, bodyLines } = this.part;
    parent.addBody(headerOctets + bodyOctets, headerLines + bodyLines);
    this.part = parent;
  }

  private linesIn(from: number, end: number): number {
    let lines = 0;
    for (let at = from; at < end; at++) if (this.raw[at] === LF) lines++;
    return lines;
  }
}
