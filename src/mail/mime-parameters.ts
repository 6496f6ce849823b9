/** Reads a structured field such as Content-Type: RFC 2045 section 5.1, with the long and foreign values of RFC 2231. */
import { decodeCharset } from './charset.js';

export interface ParameterizedValue {
  /** What stands before the parameters, in lower case. */
  readonly value: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const PARAMETERS_MAX = 100;
// A name, then a quoted string or whatever comes before the next semicolon.
const PARAMETER = /;\s*([^\s=;]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/gs;
// RFC 2231 sections 3 and 4: `name*`, `name*1`, `name*1*`.
const EXTENDED_NAME = /^([^*]+)(?:\*(\d{1,3}))?(\*)?$/;

interface Segment {
  readonly index: number;
  readonly encoded: boolean;
  readonly text: string;
}

export function parseParameters(field: string): ParameterizedValue {
  const value = (/^[^;]*/.exec(field)?.[0] ?? '').replace(/\(.*$/s, '').trim().toLowerCase();
  const segments = new Map<string, Segment[]>();
  let left = PARAMETERS_MAX;
  for (const [, name = '', quoted, bare = ''] of field.matchAll(PARAMETER)) {
    if (left-- === 0) break;
    const text = quoted === undefined ? bare.trim() : quoted.replace(/\\(.)/gs, '$1');
    const [, base = name, index = '0', star] = EXTENDED_NAME.exec(name.toLowerCase()) ?? [];
    const segment = { index: Number(index), encoded: star !== undefined, text };
    const known = segments.get(base);
    if (known) known.push(segment);
    else segments.set(base, [segment]);
  }
  return { value, parameters: new Map([...segments].map(([name, parts]) => [name, joined(parts)])) };
}

function joined(segments: readonly Segment[]): string {
  const sorted = segments.toSorted((a, b) => a.index - b.index);
  const first = sorted[0];
  if (!first?.encoded) {
    // Of a name that is repeated the first value counts.
    return sorted
      .filter(({ index }, i) => i === 0 || index !== sorted[i - 1]?.index)
      .reduce((all, one) => all + plain(one), '');
  }
  const [, charset = '', encoded = first.text] = /^([^']*)'[^']*'(.*)$/s.exec(first.text) ?? [];
  const bytes = [encoded, ...sorted.slice(1).map(({ text }) => text)].map(fromPercent);
  return decodeCharset(Buffer.concat(bytes), charset);
}

function plain({ encoded, text }: Segment): string {
  return encoded ? fromPercent(text).toString('utf8') : text;
}

function fromPercent(text: string): Buffer {
  const bytes = text.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
