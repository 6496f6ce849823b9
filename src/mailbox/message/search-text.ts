/** What SEARCH looks at: RFC 3501 section 6.4.4, header and body of a message as people read them. */
import { decodeWords } from '../../mail/encoded-words.js';
import { fieldValue, parseHeaderBlock } from '../../mail/header-block.js';
import { textOf } from '../../mail/mime-content.js';
import { parseParameters } from '../../mail/mime-parameters.js';
import type { HeaderPlace } from './header-texts.js';
import type { MessagePart } from './message-parts.js';

/** Of the text of a message so much is looked at: more than people write, and little enough to hold no process up. */
const SEARCHED_OCTETS_MAX = 2 * 1024 * 1024;

export interface SearchableField {
  /** Lower case. */
  readonly name: string;
  /** Unfolded, its encoded words decoded. */
  readonly text: string;
}

/** The fields of the header of `part` whose names `isWanted` tells, in their order. */
export function searchableHeader(
  raw: Buffer,
  { start, bodyStart }: HeaderPlace,
  isWanted: (name: string) => boolean = () => true,
): readonly SearchableField[] {
  const header = raw.subarray(start, Math.min(bodyStart, start + SEARCHED_OCTETS_MAX));
  return parseHeaderBlock(header)
    .fields.filter(({ name }) => name !== '' && isWanted(name))
    .map((field) => ({ name: field.name, text: decodeWords(fieldValue(header, field)) }));
}

/** The texts of `root` and what is inside it, each decoded; of the messages inside, their headers too. */
export function* searchableBody(
  raw: Buffer,
  root: MessagePart,
  octetsMax = SEARCHED_OCTETS_MAX,
): Generator<string, void, void> {
  let octetsLeft = octetsMax;
  // And as much of headers: that of each part inside is read, shown or not.
  let headersLeft = octetsMax;
  const waiting: MessagePart[] = [root];
  for (let part = waiting.pop(); part && octetsLeft > 0 && headersLeft > 0; part = waiting.pop()) {
    if (part.parent) headersLeft -= part.bodyStart - part.start;
    if (part.parent?.kind === 'message') {
      for (const { name, text } of searchableHeader(raw, part)) yield `${name}: ${text}`;
      octetsLeft -= part.bodyStart - part.start;
    }
    waiting.push(...part.children.toReversed());
    if (part.kind === 'multipart' || part.kind === 'message') continue;
    const { isText, holdsFields, content } = contentOfPart(raw, part);
    if (!isText || octetsLeft <= 0) continue;
    const text = textOf(raw, content, octetsLeft);
    octetsLeft -= part.end - part.bodyStart;
    yield holdsFields ? decodeWords(text) : text;
  }
}

/**
 * What two texts have in common when they are to be found alike: i;unicode-casemap of RFC 5051 in essence, as Dovecot
 * searches. Decomposed, so that an accent written either way is found, and in upper case, which unlike lower case does
 * not depend on the neighbours of a letter: a needle may be cut anywhere.
 */
export function foldForSearch(text: string): string {
  return text.normalize('NFKD').toUpperCase();
}

function contentOfPart(raw: Buffer, part: MessagePart) {
  const fields = part.isMime ? searchableHeader(raw, part, (name) => name.startsWith('content-')) : [];
  const { value: type, parameters } = parseParameters(valueOf(fields, 'content-type'));
  const { value: encoding } = parseParameters(valueOf(fields, 'content-transfer-encoding'));
  // A delivery status or the header of a message: its fields may hold encoded words.
  const holdsFields = type.startsWith('message/') || type === 'text/rfc822-headers';
  const content = { bodyStart: part.bodyStart, end: part.end, encoding, parameters };
  return { isText: part.kind === 'text' || holdsFields, holdsFields, content };
}

function valueOf(fields: readonly SearchableField[], name: string): string {
  return fields.find((field) => field.name === name)?.text ?? '';
}
