/**
 * The header block of a message: RFC 5322 section 2.2. Works on bytes and never rewrites a field, because what is
 * sent on must be what was sent: mail in the wild holds 8-bit headers, lines that are no fields and mbox `From ` lines.
 */

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;

/** More than any mail has: those that are longer are made to hold a reader up. */
export const HEADER_FIELDS_MAX = 20_000;

export interface HeaderField {
  /** Lower-case name; empty for a line that is no field. */
  readonly name: string;
  /** Offset of the first byte, and of the byte after the last CRLF of the (folded) field. */
  readonly start: number;
  readonly end: number;
}

export interface HeaderBlock {
  readonly fields: readonly HeaderField[];
  /** Offset where the header ends: of the empty line, or of the end of a message that has no body. */
  readonly end: number;
}

/** Finds the fields of `message`, whose lines end in CRLF. It stops at HEADER_FIELDS_MAX, as if the header ended there. */
export function parseHeaderBlock(message: Buffer): HeaderBlock {
  const fields: HeaderField[] = [];
  let position = 0;
  while (position < message.length && fields.length < HEADER_FIELDS_MAX) {
    if (message[position] === CR && message[position + 1] === LF) break;
    const start = position;
    do position = nextLine(message, position);
    while (message[position] === SPACE || message[position] === TAB);
    fields.push({ name: fieldName(message, start, position), start, end: position });
  }
  return { fields, end: position };
}

/** The value of a field: unfolded, trimmed, its bytes as latin1 where they are not UTF-8. */
export function fieldValue(message: Buffer, field: HeaderField): string {
  const whole = message.subarray(field.start, field.end);
  const raw = whole.subarray(whole.indexOf(COLON) + 1);
  const text = raw.toString('utf8');
  return (text.includes('\ufffd') ? raw.toString('latin1') : text).replace(/\r\n(?=[ \t])/g, '').trim();
}

/** `message` without the fields that `unwanted` names (lower case). The same buffer where there are none. */
export function withoutFields(message: Buffer, block: HeaderBlock, unwanted: ReadonlySet<string>): Buffer {
  const parts: Buffer[] = [];
  let kept = 0;
  for (const field of block.fields) {
    if (!unwanted.has(field.name)) continue;
    parts.push(message.subarray(kept, field.start));
    kept = field.end;
  }
  return kept === 0 && parts.length === 0 ? message : Buffer.concat([...parts, message.subarray(kept)]);
}

function nextLine(message: Buffer, from: number): number {
  const lf = message.indexOf(LF, from);
  return lf === -1 ? message.length : lf + 1;
}

function fieldName(message: Buffer, start: number, end: number): string {
  // Only within the field: lines without a colon would each be looked for one to the end of the message.
  const colon = message.subarray(start, end).indexOf(COLON);
  if (colon === -1) return '';
  const name = message.toString('latin1', start, start + colon).trimEnd();
  // RFC 5322 section 2.2: printable ASCII without the colon; section 4.5 allows white space before the colon.
  return /^[\x21-\x7e]+$/.test(name) ? name.toLowerCase() : '';
}
