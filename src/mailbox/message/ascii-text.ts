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

/** In Q or in B, whichever is shorter. */
function encodeWords(text: string): string {
  const characters = [...Buffer.from(text, 'latin1').toString('utf8')].map((character) => Buffer.from(character));
  const q = wordsOf(characters.map(inQ), 'Q', WORD_CONTENT_MAX, (content) => content);
  const b = wordsOf(
    characters.map((octets) => octets.toString('latin1')),
    'B',
    B_OCTETS_MAX,
    (content) => Buffer.from(content, 'latin1').toString('base64'),
  );
  return q.length <= b.length ? q : b;
}

/** No character is cut in two: RFC 2047 section 5. */
function wordsOf(characters: readonly string[], encoding: string, max: number, encode: (content: string) => string) {
  const contents: string[] = [];
  let content = '';
  for (const character of characters) {
    if (content.length + character.length > max) {
      contents.push(content);
      content = '';
    }
    content += character;
  }
  return [...contents, content].map((each) => `=?${CHARSET}?${encoding}?${encode(each)}?=`).join(' ');
}

/** RFC 2047 section 5 (3): what may stand in a phrase; it may in a subject too. */
function inQ(octets: Buffer): string {
  return Array.from(octets, (octet) => {
    const char = String.fromCharCode(octet);
    if (char === ' ') return '_';
    return /[a-zA-Z0-9!*+\-/]/.test(char) ? char : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}
