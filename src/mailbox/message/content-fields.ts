/** What the Content- fields of a part say: RFC 2045, RFC 2183, RFC 1864, RFC 3282, RFC 2557. */
import { readContentType, type ContentType } from './content-type.js';
import type { HeaderLimit } from './header-limit.js';
import { headerTexts } from './header-texts.js';
import type { MessagePart } from './message-parts.js';
import { readParameters, type Parameter } from './parameters.js';
import { NUL_STANDS_FOR, TokenReader } from './token-reader.js';

export interface ContentFields {
  readonly type?: ContentType;
  readonly id?: string;
  readonly description?: string;
  readonly encoding?: string;
  readonly md5?: string;
  readonly disposition?: { readonly value: string; readonly parameters: readonly Parameter[] };
  readonly languages?: readonly string[];
  readonly location?: string;
}

const NO_FIELDS: ContentFields = {};

/** Of a field that stands twice the first that can be read counts. */
export function contentFields(raw: Buffer, part: MessagePart, limit?: HeaderLimit): ContentFields {
  if (!part.isMime) return NO_FIELDS;
  const fields: { -readonly [Field in keyof ContentFields]: ContentFields[Field] } = {};
  for (const { name, text } of headerTexts(raw, part, (field) => field.startsWith('content-'), limit)) {
    const plain = text.replaceAll('\0', NUL_STANDS_FOR);
    if (name === 'content-type') fields.type ??= readContentType(text);
    else if (name === 'content-id') fields.id ??= plain;
    else if (name === 'content-description') fields.description ??= plain;
    else if (name === 'content-md5') fields.md5 ??= plain;
    else if (name === 'content-location') fields.location ??= plain;
    else if (name === 'content-transfer-encoding') fields.encoding ??= readEncoding(text);
    else if (name === 'content-language') fields.languages ??= readLanguages(text);
    else if (name === 'content-disposition' && !fields.disposition?.parameters.length) {
      fields.disposition = readDisposition(text) ?? fields.disposition;
    }
  }
  return fields;
}

function readEncoding(text: string): string | undefined {
  const reader = new TokenReader(text);
  reader.skipBlanks();
  return reader.token() === 'end' && reader.taken !== '' ? reader.taken : undefined;
}

/** RFC 2183 section 2. */
function readDisposition(text: string): ContentFields['disposition'] {
  const reader = new TokenReader(text);
  reader.skipBlanks();
  if (reader.token() === 'broken') return undefined;
  return { value: reader.taken, parameters: readParameters(reader) };
}

/** RFC 3282 section 2. */
function readLanguages(text: string): readonly string[] | undefined {
  const reader = new TokenReader(text);
  const languages: string[] = [];
  reader.skipBlanks();
  while (reader.atom() !== 'broken') {
    languages.push(reader.taken);
    reader.taken = '';
    if (!reader.pass(',')) break;
    reader.skipBlanks();
  }
  return languages.length > 0 ? languages : undefined;
}
