/** What a part of a message holds, decoded: RFC 2045 section 6, leniently. Broken encodings give what can be read of them. */
import { decodeCharset } from './charset.js';
import type { MimePart } from './mime-tree.js';

/** Where the content of a part lies, and how it is encoded. */
export type ContentPlace = Pick<MimePart, 'bodyStart' | 'end' | 'encoding'>;

/** The content of `part` without its transfer encoding; of a longer one, about the first `octetsMax` octets. */
export function contentOf(raw: Buffer, part: ContentPlace, octetsMax = raw.length): Buffer {
  const encoded = raw.subarray(part.bodyStart, Math.min(part.end, part.bodyStart + octetsMax));
  if (part.encoding === 'base64') return Buffer.from(encoded.toString('latin1'), 'base64');
  if (part.encoding === 'quoted-printable') return fromQuotedPrintable(encoded);
  if (/^(?:x-)?uu/.test(part.encoding)) return fromUuencode(encoded);
  return encoded;
}

/** The content of `part` as text, its lines ending in LF. */
export function textOf(raw: Buffer, part: ContentPlace & Pick<MimePart, 'parameters'>, octetsMax: number): string {
  const bytes = contentOf(raw, part, octetsMax);
  return decodeCharset(bytes, part.parameters.get('charset') ?? '').replace(/\r{0,2}\n|\r/g, '\n');
}

/** RFC 2045 section 6.7. An equals sign that encodes nothing stays. */
function fromQuotedPrintable(encoded: Buffer): Buffer {
  const text = encoded
    .toString('latin1')
    .replace(/=(?:([0-9A-F]{2})|[ \t]*(?:\r\n|\r|\n|$))/gi, (_, hex?: string) =>
      hex === undefined ? '' : String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return Buffer.from(text, 'latin1');
}

/** The file between `begin` and `end`, each line with its length in its first character: POSIX uuencode. */
function fromUuencode(encoded: Buffer): Buffer {
  const lines = encoded.toString('latin1').split(/\r\n|\r|\n/);
  const begin = lines.findIndex((line) => /^begin [0-7]{3,4} /.test(line));
  const decoded: Buffer[] = [];
  for (const line of lines.slice(begin + 1)) {
    if (/^end\s*$/.test(line)) break;
    const octets = Buffer.alloc(Math.ceil(line.length / 4) * 3);
    const bits = (at: number): number => (line.charCodeAt(at) - 32) & 63;
    for (let i = 1, at = 0; i < line.length; i += 4, at += 3) {
      octets.writeUIntBE((bits(i) << 18) | (bits(i + 1) << 12) | (bits(i + 2) << 6) | bits(i + 3), at, 3);
    }
    decoded.push(octets.subarray(0, (line.charCodeAt(0) - 32) & 63));
  }
  return Buffer.concat(decoded);
}
