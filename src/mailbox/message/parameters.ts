/**
 * Reads the parameters of Content-Type and Content-Disposition: RFC 2045 section 5.1. Long values that RFC 2231 section 3
 * cuts in pieces are joined; what section 4 encodes stays so, under a name with a star, for the mail program to read.
 */
import type { After, TokenReader } from './token-reader.js';

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/** More than any field has. */
export const PARAMETERS_MAX = 1_000;

interface Piece extends Parameter {
  readonly index: number;
  readonly encoded: boolean;
}

// RFC 2231: `name*`, `name*1`, `name*1*`. Dovecot takes `name**` as well.
const PIECE_NAME = /^([^*]*)\*(\d{0,9})(\*?)$/;

/** Reads from `reader`, which stands behind the value of the field. What is broken is passed over to the next semicolon. */
export function readParameters(reader: TokenReader): readonly Parameter[] {
  const whole: Parameter[] = [];
  const pieces: Piece[] = [];
  while (!reader.atEnd && whole.length + pieces.length < PARAMETERS_MAX) {
    const parameter = readParameter(reader);
    if (!parameter) {
      reader.position++;
      continue;
    }
    const piece = asPiece(parameter);
    if (piece) pieces.push(piece);
    else whole.push(parameter);
  }
  pieces.sort((a, b) => compare(a.name, b.name) || a.index - b.index);
  return [...whole, ...runsOf(pieces).flatMap(joined)];
}

/** `;name=value` at the place of the reader, if it is one. */
function readParameter(reader: TokenReader): Parameter | undefined {
  if (!reader.pass(';') || reader.skipBlanks() !== 'more') return undefined;
  reader.taken = '';
  if (reader.token() !== 'more' || reader.next !== '=') return undefined;
  const name = reader.taken;
  reader.position++;
  reader.taken = '';
  let after = reader.skipBlanks();
  if (after === 'more') after = readValue(reader);
  return after === 'broken' ? undefined : { name, value: reader.taken };
}

function readValue(reader: TokenReader): After {
  if (reader.next === '"') return reader.quotedString();
  if (reader.next !== '=') return reader.token();
  // An encoded word of RFC 2047, which has no place here, but is written.
  while (!reader.atEnd && !/[; \t\r\n]/.test(reader.next)) {
    reader.taken += reader.next;
    reader.position++;
  }
  return 'more';
}

function asPiece({ name, value }: Parameter): Piece | undefined {
  const [, base, digits = '', star] = PIECE_NAME.exec(name) ?? [];
  if (base === undefined) return undefined;
  return { name: base, value, index: Number(digits), encoded: star === '*' || digits === '' };
}

function runsOf(pieces: readonly Piece[]): Piece[][] {
  const runs: Piece[][] = [];
  for (const piece of pieces) {
    const run = runs.at(-1);
    if (run?.[0]?.name.toLowerCase() === piece.name.toLowerCase()) run.push(piece);
    else runs.push([piece]);
  }
  return runs;
}

/** The pieces of one name; where one is missing they are shown as they came. */
function joined(pieces: readonly Piece[]): readonly Parameter[] {
  const [first] = pieces;
  if (!first) return [];
  if (pieces.some(({ index }, i) => index !== i)) {
    return pieces.map(({ name, index, encoded, value }) => ({ name: `${name}*${index}${encoded ? '*' : ''}`, value }));
  }
  if (!pieces.some(({ encoded }) => encoded)) {
    return [{ name: first.name, value: pieces.map(({ value }) => value).join('') }];
  }
  // RFC 2231 section 4.1: the first piece names charset and language. A piece that is not encoded is made so.
  const encoded = pieces.map((piece) => (piece.encoded ? piece.value : piece.value.replaceAll('%', '%25')));
  return [{ name: `${first.name}*`, value: `${first.encoded ? '' : "''"}${encoded.join('')}` }];
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
