/** Reads the encoded words of a header field, RFC 2047, for people to see. What cannot be read stays as it is. */

const WORD = /=\?([^?\s]{1,40})\?([QB])\?([^?\s]*)\?=/gi;

export function decodeWords(text: string): string {
  // RFC 2047 section 6.2: white space between two encoded words is not shown.
  return text.replace(/(\?=)\s+(?==\?[^?\s]+\?[QB]\?[^?\s]*\?=)/gi, '$1').replace(WORD, decodeWord);
}

function decodeWord(word: string, charset: string, encoding: string, encoded: string): string {
  const bytes = encoding.toUpperCase() === 'B' ? Buffer.from(encoded, 'base64') : fromQ(encoded);
  try {
    // RFC 2231 section 5: a language may follow the charset.
    return new TextDecoder(charset.replace(/\*.*/, '')).decode(bytes);
  } catch {
    return word;
  }
}

/** RFC 2047 section 4.2. */
function fromQ(encoded: string): Buffer {
  const text = encoded
    .replaceAll('_', ' ')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}
