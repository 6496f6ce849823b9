/**
 * Writes the lines of a report: RFC 5322 section 2.1.1 (998 octets, CRLF), RFC 2047 for words beyond ASCII. What it is given
 * comes from outside, and can end no line and begin no field.
 */

/** RFC 5322 section 2.1.1: what a line should have, without its CRLF; and what it must not exceed, with room for an indent. */
const LINE_CHARACTERS = 76;
const LINE_OCTETS_MAX = 990;
/** Octets of UTF-8 in one encoded word, which may have 75 characters (RFC 2047 section 2). */
const WORD_OCTETS = 42;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** One line of text: controls become spaces. */
export function oneLine(text: string): string {
  // Unicode has line ends of its own: NEL, LS and PS.
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ').trim();
}

export function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

/** A field as it is, folded at its spaces. Its value may hold UTF-8 where the reader knows RFC 6532. */
export function field(name: string, value: string): string {
  return fold(`${name}: ${oneLine(value)}`);
}

/** A field of free text, in ASCII: RFC 2047. */
export function textField(name: string, value: string): string {
  const text = oneLine(value);
  return isAscii(text) && !text.includes('=?') ? field(name, text) : `${name}: ${encodedWords(text).join('\r\n ')}`;
}

/** RFC 5322 section 3.3, in UTC. */
export function mailDate(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  const day = `${DAYS[date.getUTCDay()] ?? ''}, ${String(date.getUTCDate())} ${MONTHS[date.getUTCMonth()] ?? ''}`;
  return `${day} ${String(date.getUTCFullYear())} ${time} +0000`;
}

/** A paragraph in lines for people to read. */
export function paragraph(text: string): string[] {
  return fold(oneLine(text))
    .split('\r\n')
    .map((line) => line.trim());
}

/** Word for word, in as few lines as may be. */
export function verbatim(text: string, indent = '    '): string[] {
  return piecesOf(oneLine(text), LINE_OCTETS_MAX).map((piece) => indent + piece);
}

/** Folds before a space where a line gets too long, and inside a word only where no line could hold it. */
function fold(line: string): string {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    // A fold before the first word of a value would leave a line with the name alone.
    if (longer.length <= LINE_CHARACTERS || current === '' || current.endsWith(':')) current = longer;
    else {
      lines.push(current);
      current = word;
    }
  }
  lines.push(current);
  return lines.flatMap((part) => piecesOf(part, LINE_OCTETS_MAX)).join('\r\n ');
}

function encodedWords(text: string): string[] {
  return piecesOf(text, WORD_OCTETS).map((piece) => `=?utf-8?B?${Buffer.from(piece).toString('base64')}?=`);
}

/** Pieces of at most so many octets of UTF-8, none of which ends inside a character. */
function piecesOf(text: string, octetsMax: number): string[] {
  if (Buffer.byteLength(text) <= octetsMax) return [text];
  const pieces: string[] = [];
  let piece = '';
  let octets = 0;
  for (const character of text) {
    const more = Buffer.byteLength(character);
    if (octets + more > octetsMax) {
      pieces.push(piece);
      piece = '';
      octets = 0;
    }
    piece += character;
    octets += more;
  }
  pieces.push(piece);
  return pieces;
}
