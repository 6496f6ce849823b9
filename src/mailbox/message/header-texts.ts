/** The values of header fields as octets: RFC 5322 section 2.2. */
import { parseHeaderBlock, type HeaderField } from '../../mail/header-block.js';
import { HeaderLimit } from './header-limit.js';

export interface HeaderText {
  /** Lower case. */
  readonly name: string;
  /** What comes after the colon and blanks, a char an octet. Its folds are LFs, the last line end is left out. */
  readonly text: string;
}

/** Where the header of a part lies. */
export interface HeaderPlace {
  readonly start: number;
  readonly bodyStart: number;
}

const LF = 10;
const COLON = 58;

/** The fields of a header. A line without a colon is none, whatever the lines say that go on with it. */
export function headerFields(header: Buffer): readonly HeaderField[] {
  return parseHeaderBlock(header).fields.map((field) => {
    if (field.name === '') return field;
    return header.subarray(field.start, header.indexOf(COLON, field.start)).includes(LF)
      ? { ...field, name: '' }
      : field;
  });
}

/** The fields of `part` whose names `wanted` tells, in their order, as far as `limit` goes. */
export function headerTexts(
  raw: Buffer,
  { start, bodyStart }: HeaderPlace,
  wanted: (name: string) => boolean,
  limit = new HeaderLimit(),
): readonly HeaderText[] {
  const header = raw.subarray(start, bodyStart);
  return headerFields(header)
    .filter(({ name }) => wanted(name))
    .flatMap(({ name, start: from, end }) => {
      const field = header.subarray(from, Math.min(end, from + limit.octetsLeft));
      limit.octetsLeft -= field.length;
      return field.includes(COLON) ? [{ name, text: valueOf(field) }] : [];
    });
}

function valueOf(field: Buffer): string {
  const text = field.toString('latin1', field.indexOf(COLON) + 1);
  return (
    text
      .replace(/\r?\n$/, '')
      .replaceAll('\r\n', '\n')
      // Where blanks are all that the first line holds, but one of them counts.
      .replace(/^(?:[ \t]+(?=[^ \t\n])|[ \t])/, '')
      // A line that goes on with one blank and nothing else is no line of its own to Dovecot.
      .replace(/\n(?=[ \t](?:\n|$))/g, '')
  );
}
