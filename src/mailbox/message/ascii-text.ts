/**
 * Text of a header that goes out in ASCII: RFC 2047. Raw UTF-8 stands in many headers, by RFC 6532 or against all rules,
 * and mail programs choke on it in an answer of IMAP.
 */
import { isUtf8 } from 'node:buffer';

const CHARSET = 'UTF-8';
/** RFC 2047 section 2. */
const WORD_CHARS_MAX = 75;
const WORD_CONTENT_MAX = WORD_CHARS_MAX - `=?${CHARSET}?Q??=`.length;
/** Three octets of content are four chars. */
const B_OCTETS_MAX = Math.floor(WORD_CONTENT_MAX / 4) * 3;

const ENCODED_WORD = /(=\?[^?\s]{1,40}\?[QB]\?[^?\s]*\?=)/i;

/**
 * `text`, a char an octet, with its UTF-8 in encoded words and those that stand in it left as they are. The same text
 * where it is ASCII, or no UTF-8 either.
 */
export function asciiOf(text: string): string {
  if (!/[\x80-\xff]/.test(text) || !isUtf8(Buffer.from(text, 'latin1'))) return text;
  const pieces = text.split(ENCODED_WORD).filter((piece) => piece !== '');
  let ascii = '';
  let wasEncoded = false;
  for (const piece of pieces) {
    const encoded = /[\x80-\xff]/.test(piece) ? encodeWords(piece) : undefined;
    // RFC 2047 section 6.2: encoded words stand apart by a space that is not shown.
    if (ascii !== '' && (encoded !== undefined || wasEncoded) && !/[ \t]$/.test(ascii)) ascii += ' ';
    ascii += encoded ?? piece;
    wasEncoded = encoded !== undefined;
  }
  return ascii;
}

/** In Q or in B, whichever is shorter: RFC 2047 section 4. */
function encodeWords(text: string): string {
  const octets = Buffer.from(text, 'latin1');
  const q = wordsOf('Q', piecesOf(octets, inQ, WORD_CONTENT_MAX));
  const b = wordsOf(
    'B',
    piecesOf(octets, () => '.', B_OCTETS_MAX),
    (piece) => piece.toString('base64'),
  );
  return q.length <= b.length ? q : b;
}

function wordsOf(encoding: 'Q' | 'B', pieces: readonly Buffer[], encode = allInQ): string {
  return pieces.map((piece) => `=?${CHARSET}?${encoding}?${encode(piece)}?=`).join(' ');
}

/** RFC 2047 section 5: no character is cut in two. An octet takes as many chars as `encode` makes of it. */
function piecesOf(octets: Buffer, encode: (octet: number) => string, charsMax: number): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  let chars = 0;
  for (let at = 0; at < octets.length;) {
    let end = at + 1;
    while (((octets[end] ?? 0) & 0xc0) === 0x80) end++;
    const size = encode(octets[at] ?? 0).length * (end - at);
    if (chars + size > charsMax) {
      pieces.push(octets.subarray(from, at));
      [from, chars] = [at, 0];
    }
    chars += size;
    at = end;
  }
  return [...pieces, octets.subarray(from)];
}

function allInQ(octets: Buffer): string {
  return Array.from(octets, inQ).join('');
}

/** RFC 2047 section 5 (3): what may stand in a phrase; it may in a subject too. */
function inQ(octet: number): string {
  return IN_Q[octet] ?? '';
}

const IN_Q = Array.from({ length: 256 }, (_, octet) => {
  const char = String.fromCharCode(octet);
  if (char === ' ') return '_';
  return /[a-zA-Z0-9!*+\-/]/.test(char) ? char : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
});
