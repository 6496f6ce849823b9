/** Reads a Content-Type field: RFC 2045 section 5.1. */
import { readParameters, type Parameter } from './parameters.js';
import { TokenReader } from './token-reader.js';

export interface ContentType {
  /** As they are written. Both are empty where the field cannot be read. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  readonly kind: 'multipart' | 'message' | 'text' | 'other';
  readonly isDigest: boolean;
  readonly boundary: string | undefined;
}

export function readContentType(text: string): ContentType {
  const reader = new TokenReader(text);
  const readable = takeType(reader);
  const [type = '', subtype = ''] = reader.taken.split('/', 2);
  const name = reader.taken.toLowerCase();
  const parameters = readable ? readParameters(reader) : [];
  return {
    ...{ type, subtype, parameters },
    kind: kindOf(name),
    isDigest: name === 'multipart/digest',
    boundary: parameters.find((parameter) => parameter.name.toLowerCase() === 'boundary')?.value,
  };
}

function kindOf(name: string): ContentType['kind'] {
  if (name === 'message/rfc822') return 'message';
  if (name.startsWith('multipart/')) return 'multipart';
  return name === 'text' || name.startsWith('text/') ? 'text' : 'other';
}

/** False where no parameters are to be read; a type that stands alone is kept, a broken one is not. */
function takeType(reader: TokenReader): boolean {
  if (reader.skipBlanks() !== 'more') return false;
  if (reader.token() !== 'more' || reader.taken === '') return false;
  const slashed = `${reader.taken}/`;
  if (reader.pass('/') && reader.skipBlanks() === 'more') {
    reader.taken = slashed;
    const after = reader.token();
    if (after !== 'broken' && reader.taken !== slashed && (after === 'end' || reader.next === ';')) return true;
  }
  reader.taken = '';
  return false;
}
