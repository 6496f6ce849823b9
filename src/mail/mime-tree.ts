/**
 * The parts of a message by their offsets, without copying a byte: RFC 2045 and RFC 2046. Reads what is broken too: lines
 * may end in CR, LF or CRLF, boundaries may be missing, repeated or wrong. One pass, so time is linear in the size.
 */
import type { HeaderField } from './header-block.js';
import { parseParameters } from './mime-parameters.js';

export interface MimePart {
  /** Offsets: of the header, of the body, and of the end of the body, without the line ending before a boundary. */
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
  readonly fields: readonly HeaderField[];
  /** Lower-case `type/subtype`. */
  readonly type: string;
  /** Of the Content-Type; names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Content-Transfer-Encoding in lower case; empty where there is none. */
  readonly encoding: string;
  /** The parts of a multipart; of a `message/rfc822` that is not encoded, the one message inside. */
  readonly parts: readonly MimePart[];
}

/** What lies deeper, or comes after so many parts or fields, stays text of the part around it: nobody writes such mail. */
const DEPTH_MAX = 24;
const PARTS_MAX = 1_000;
const FIELDS_MAX = 20_000;
/** RFC 2046 section 5.1.1 allows 70; some write more. */
const BOUNDARY_OCTETS_MAX = 250;
const FIELD_NAME_OCTETS_MAX = 100;
const CONTENT_TYPE_OCTETS_MAX = 4_000;
/** Of a longer field only the beginning is read. */
const FIELD_OCTETS_MAX = 64 * 1024;

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const DASH = 45;
const COLON = 58;

/** Reads the message that `raw` holds, or holds from `start` to `end`. */
export function readMimeTree(raw: Buffer, start = 0, end = raw.length): MimePart {
  return new TreeReader(raw, end).read(start);
}

/** The value of the first field `name` (lower case): unfolded, trimmed, its bytes as latin1 where they are not UTF-8. */
export function fieldOf(raw: Buffer, part: MimePart, name: string): string | undefined {
  const field = part.fields.find((one) => one.name === name);
  return field && unfoldedValue(raw, field);
}

/** As `fieldValue` of header-block.ts, for lines that end in any way. */
function unfoldedValue(raw: Buffer, field: HeaderField): string {
  const bytes = raw.subarray(raw.indexOf(COLON, field.start) + 1, Math.min(field.end, field.start + FIELD_OCTETS_MAX));
  const text = bytes.toString('utf8');
  return (text.includes('\ufffd') ? bytes.toString('latin1') : text).replace(/[\r\n]+(?=[ \t]|$)/g, '').trim();
}

/** Where the line that holds `from` ends, before its line ending. */
function endOfLine(raw: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && raw[at] !== LF && raw[at] !== CR) at++;
  return at;
}

/** The offset after the line ending at `at`. Programs that write text twice make `\r\r\n` of it. */
function afterLineEnding(raw: Buffer, at: number, end: number): number {
  let after = at + 1;
  if (raw[at] === CR && raw[after] === LF) after++;
  else if (raw[at] === CR && raw[after] === CR && raw[after + 1] === LF) after += 2;
  return after < end ? after : end;
}

/** A multipart that is being read. */
interface OpenMultipart {
  boundary: Buffer;
  /** Whether its boundary was met: until then, what looks like one is believed in its place. */
  met: boolean;
}

/** A line that ended a part: the boundary of the multipart at `level`, or the end of everything at level -1. */
interface Delimiter {
  readonly level: number;
  readonly closing: boolean;
}

type Draft = { -readonly [K in keyof MimePart]: MimePart[K] } & { parts: MimePart[] };

const OPENING_OCTETS = 1_000;

const AT_THE_END: Delimiter = { level: -1, closing: true };

class TreeReader {
  private readonly open: OpenMultipart[] = [];
  private partsLeft = PARTS_MAX;
  private fieldsLeft = FIELDS_MAX;
  private position = 0;
  /** Where the body that is being read ends, once its delimiter is found. */
  private bodyEnd = 0;

  constructor(
    private readonly raw: Buffer,
    private readonly end: number,
  ) {}

  read(start: number): MimePart {
    this.position = start;
    this.skipEmptyLines();
    const part = this.header('text/plain');
    const typed = part.fields.some(({ name }) => name === 'content-type');
    if (!typed && this.looksLikeMultipart(part.bodyStart)) part.type = 'multipart/mixed';
    this.body(part, 0);
    return part;
  }

  /** Empty lines before the first field are nobody's; before anything else, the header has no fields. */
  private skipEmptyLines(): void {
    let at = this.position;
    while (at < this.end && endOfLine(this.raw, at, this.end) === this.firstInk(at)) {
      at = afterLineEnding(this.raw, this.firstInk(at), this.end);
    }
    if (this.fieldName(at, endOfLine(this.raw, at, this.end)) !== '') this.position = at;
  }

  /** Reads the body of `part` and all in it; tells which delimiter ended it. The position is then after its line. */
  private body(part: Draft, depth: number): Delimiter {
    let delimiter: Delimiter;
    if (depth < DEPTH_MAX && part.type.startsWith('multipart/')) delimiter = this.multipart(part, depth);
    else if (depth < DEPTH_MAX && this.partsLeft > 0 && isPlainMessage(part)) {
      const inner = this.header('text/plain');
      part.parts.push(inner);
      delimiter = this.body(inner, depth + 1);
    } else delimiter = this.toDelimiter();
    part.end = Math.max(this.bodyEnd, part.bodyStart);
    return delimiter;
  }

  private multipart(part: Draft, depth: number): Delimiter {
    const level = this.open.length;
    const boundary = (part.parameters.get('boundary') ?? '').slice(0, BOUNDARY_OCTETS_MAX);
    this.open.push({ boundary: Buffer.from(boundary.trimEnd(), 'latin1'), met: false });
    let delimiter = this.toDelimiter();
    while (delimiter.level === level && !delimiter.closing && this.partsLeft > 0) {
      // RFC 2046 section 5.1.5.
      const inner = this.header(part.type === 'multipart/digest' ? 'message/rfc822' : 'text/plain');
      part.parts.push(inner);
      delimiter = this.body(inner, depth + 1);
    }
    this.open.length = level;
    // What follows the closing boundary is no part; where no more parts are read, it is all one.
    return delimiter.level === level ? this.toDelimiter() : delimiter;
  }

  /** A mail that lost the field which says so: a line like a boundary, and the header of a part below it. */
  private looksLikeMultipart(from: number): boolean {
    const opening = this.raw.toString('latin1', from, Math.min(this.end, from + OPENING_OCTETS));
    return /^(?:[^\r\n]{0,200}[\r\n]{1,4}){0,6}--[^\r\n]{1,200}(?:\r\n?|\n)content-(?:type|description|transfer-encoding)[ \t]*:/i.test(
      opening,
    );
  }

  private header(defaultType: string): Draft {
    this.partsLeft--;
    const { raw, end } = this;
    const start = this.position;
    const fields: HeaderField[] = [];
    let at = start;
    while (at < end) {
      const lineEnd = endOfLine(raw, at, end);
      if (lineEnd === at) {
        at = afterLineEnding(raw, at, end);
        break;
      }
      const fieldStart = at;
      const name = this.fieldName(at, lineEnd);
      const next = afterLineEnding(raw, lineEnd, end);
      if (name === '' && this.endsHeader(at, lineEnd, next, fields.length === 0)) break;
      at = next;
      while (at < end && (raw[at] === SPACE || raw[at] === TAB)) {
        at = afterLineEnding(raw, endOfLine(raw, at, end), end);
      }
      if (this.fieldsLeft-- > 0) fields.push({ name, start: fieldStart, end: at });
    }
    this.position = at;
    return { start, bodyStart: at, end: at, fields, ...contentType(raw, fields, defaultType), parts: [] };
  }

  /** Whether a line that is no field belongs to the body: the empty line is missing. */
  private endsHeader(at: number, lineEnd: number, next: number, first: boolean): boolean {
    if (this.delimiterAt(at, lineEnd) !== undefined) return true;
    // An mbox `From ` line, or one that somebody broke off a field.
    if (first && /^>?From /.test(this.raw.toString('latin1', at, Math.min(lineEnd, at + 6)))) return false;
    return this.fieldName(next, endOfLine(this.raw, next, this.end)) === '';
  }

  private fieldName(at: number, lineEnd: number): string {
    const limit = Math.min(lineEnd, at + FIELD_NAME_OCTETS_MAX);
    for (let i = at; i < limit; i++) {
      const byte = this.raw[i] ?? 0;
      // RFC 5322 section 4.5 allows white space before the colon.
      if (byte === COLON) return this.raw.toString('latin1', at, i).trimEnd().toLowerCase();
      if (byte < SPACE || byte > 126 || (byte === SPACE && !this.spacesToColon(i, limit))) return '';
    }
    return '';
  }

  /** The next byte that is neither space nor tab. */
  private firstInk(at: number): number {
    while (at < this.end && (this.raw[at] === SPACE || this.raw[at] === TAB)) at++;
    return at;
  }

  private spacesToColon(at: number, limit: number): boolean {
    while (at < limit && this.raw[at] === SPACE) at++;
    return this.raw[at] === COLON;
  }

  /** Goes on to the line after the next delimiter. */
  private toDelimiter(): Delimiter {
    const { raw, end } = this;
    let previousEnd = this.position;
    for (let at = this.position; at < end;) {
      const lineEnd = endOfLine(raw, at, end);
      const delimiter = raw[at] === DASH && raw[at + 1] === DASH ? this.delimiterAt(at, lineEnd) : undefined;
      if (delimiter) {
        this.bodyEnd = previousEnd;
        this.position = afterLineEnding(raw, lineEnd, end);
        return delimiter;
      }
      // RFC 2046 section 5.1.1: the line ending before a boundary belongs to it.
      previousEnd = lineEnd;
      at = afterLineEnding(raw, lineEnd, end);
    }
    this.bodyEnd = this.position = end;
    return AT_THE_END;
  }

  private delimiterAt(at: number, lineEnd: number): Delimiter | undefined {
    if (this.raw[at] !== DASH || this.raw[at + 1] !== DASH) return undefined;
    for (let level = this.open.length - 1; level >= 0; level--) {
      const one = this.open[level];
      if (one === undefined) continue;
      const after = at + 2 + one.boundary.length;
      if (one.boundary.length > 0 && after <= lineEnd && this.holds(one.boundary, at + 2)) {
        const closing = this.raw[after] === DASH && this.raw[after + 1] === DASH;
        if (this.isBlank(closing ? after + 2 : after, lineEnd)) {
          one.met = true;
          return { level, closing };
        }
      }
    }
    return this.guessedDelimiter(at, lineEnd);
  }

  /** A line that looks like the first boundary of the innermost multipart, whose own was not met: a part begins after it. */
  private guessedDelimiter(at: number, lineEnd: number): Delimiter | undefined {
    const level = this.open.length - 1;
    const innermost = this.open[level];
    if (!innermost || innermost.met || lineEnd - at > BOUNDARY_OCTETS_MAX || lineEnd - at < 3) return undefined;
    const next = afterLineEnding(this.raw, lineEnd, this.end);
    if (!/^content-/i.test(this.raw.toString('latin1', next, next + 8))) return undefined;
    innermost.boundary = this.raw.subarray(at + 2, lineEnd);
    innermost.met = true;
    return { level, closing: false };
  }

  private holds(boundary: Buffer, at: number): boolean {
    for (let i = 0; i < boundary.length; i++) if (this.raw[at + i] !== boundary[i]) return false;
    return true;
  }

  private isBlank(at: number, lineEnd: number): boolean {
    return this.firstInk(at) >= lineEnd;
  }
}

function contentType(
  raw: Buffer,
  fields: readonly HeaderField[],
  defaultType: string,
): Pick<MimePart, 'type' | 'parameters' | 'encoding'> {
  const value = (name: string): string => {
    const field = fields.find((one) => one.name === name);
    return field
      ? unfoldedValue(raw, { ...field, end: Math.min(field.end, field.start + CONTENT_TYPE_OCTETS_MAX) })
      : '';
  };
  const { value: type, parameters } = parseParameters(value('content-type'));
  const encoding = value('content-transfer-encoding').replace(/[;(\s].*$/s, '');
  return { type: /^[^\s/]+\/[^\s/]+$/.test(type) ? type : defaultType, parameters, encoding: encoding.toLowerCase() };
}

/** RFC 2046 section 5.2.1, RFC 6532 section 3.7; an encoded one is to be decoded and read by itself. */
function isPlainMessage({ type, encoding }: MimePart): boolean {
  return (
    (type === 'message/rfc822' || type === 'message/global' || type === 'message/news') &&
    !/^(?:base64|quoted-printable|x-uu)/.test(encoding)
  );
}
