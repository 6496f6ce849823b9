/** The octets that FETCH BODY[section] asks for: RFC 3501 section 6.4.5. */
import { parseHeaderBlock, withoutFields } from '../../mail/header-block.js';
import { headerFields, type HeaderPlace } from './header-texts.js';
import type { MessagePart } from './message-parts.js';

export interface Section {
  /** The numbers of the part, from outside to inside; empty for the message itself. */
  readonly part: readonly number[];
  readonly what: '' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME';
  /** Names of fields, in any case; empty but for HEADER.FIELDS and HEADER.FIELDS.NOT. */
  readonly fields: readonly string[];
}

const CRLF = Buffer.from('\r\n');
const NUL = 0;

/** undefined where there is no such part, or it has no such thing: IMAP answers an empty string then, as Dovecot does. */
export function sectionOf(raw: Buffer, root: MessagePart, section: Section): Buffer | undefined {
  const octets = octetsOf(raw, root, section);
  return octets && withoutNul(octets);
}

/** RFC 3501 section 9, CHAR8: a literal holds no NUL. Dovecot sends 0x80 for it. */
export function withoutNul(octets: Buffer): Buffer {
  return octets.includes(NUL) ? Buffer.from(octets.map((octet) => (octet === NUL ? 0x80 : octet))) : octets;
}

function octetsOf(raw: Buffer, root: MessagePart, { part: path, what, fields }: Section): Buffer | undefined {
  const found = partAt(root, path);
  if (!found) return undefined;
  if (what === '') return path.length === 0 ? raw : raw.subarray(found.bodyStart, found.end);
  if (what === 'MIME') return path.length === 0 ? undefined : headerOf(raw, found);
  // The others are asked of a message: of the one that a message/rfc822 holds.
  const message = path.length === 0 ? root : found.kind === 'message' ? found.children[0] : undefined;
  if (!message) return undefined;
  switch (what) {
    case 'TEXT':
      return raw.subarray(message.bodyStart, message.end);
    case 'HEADER':
      return headerOf(raw, message);
    case 'HEADER.FIELDS':
      return fieldsOf(wholeHeaderOf(raw, message), lowerCase(fields));
    case 'HEADER.FIELDS.NOT':
      return fieldsButOf(wholeHeaderOf(raw, message), lowerCase(fields));
    default:
      return what satisfies never;
  }
}

/**
 * Part 1 of what is no multipart is it itself, and the numbers go on through a message to the parts of the one it holds.
 * Dovecot calls the single part n of a multipart n.1 as well; nothing is deeper.
 */
function partAt(root: MessagePart, path: readonly number[]): MessagePart | undefined {
  let part: MessagePart | undefined = root;
  for (const [depth, number] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (part.kind === 'multipart') part = part.children[number - 1];
    else if (number !== 1 || (!isLast && part.kind !== 'message')) return undefined;
    if (part?.kind === 'message' && !isLast) part = part.children[0];
    if (!part) return undefined;
  }
  return part;
}

function headerOf(raw: Buffer, { start, bodyStart }: HeaderPlace): Buffer {
  return raw.subarray(start, bodyStart);
}

/** With its empty line even where that is counted to the boundary after it. */
function wholeHeaderOf(raw: Buffer, { start, bodyStart }: HeaderPlace): Buffer {
  const isCut = parseHeaderBlock(raw.subarray(start, bodyStart)).end === bodyStart - start;
  const lineEnd = raw.subarray(bodyStart, bodyStart + CRLF.length);
  return isCut && lineEnd.equals(CRLF)
    ? raw.subarray(start, bodyStart + CRLF.length)
    : headerOf(raw, { start, bodyStart });
}

function fieldsOf(header: Buffer, names: ReadonlySet<string>): Buffer {
  const wanted = headerFields(header).filter(({ name }) => names.has(name));
  const octets = wanted.map(({ start, end }) => header.subarray(start, end));
  // A header that breaks off may do so within a line.
  const isCut = octets.length > 0 && !octets.at(-1)?.subarray(-CRLF.length).equals(CRLF);
  return Buffer.concat([...octets, ...(isCut ? [CRLF] : []), CRLF]);
}

/** As the header ends: Dovecot makes up no empty line here. */
function fieldsButOf(header: Buffer, names: ReadonlySet<string>): Buffer {
  return withoutFields(header, { fields: headerFields(header), end: header.length }, names);
}

function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}
