/**
 * The options of a message that stand in its own header, as `X-Posthorn-Tag: welcome`: for clients that speak SMTP, and for
 * finished messages over HTTP. They mean what they mean in the API, are judged by the same schemas, and never leave: every
 * field of that prefix is stripped, and one that nobody knows is refused, because a misspelt option must not go unnoticed.
 */
import { isDeepStrictEqual } from 'node:util';
import { nearestName } from '../config/nearest-name.js';
import { decodeWords } from '../mail/encoded-words.js';
import { fieldValue, type HeaderBlock, type HeaderField } from '../mail/header-block.js';
import { readOptions, type MessageOptions } from './option-schemas.js';
import { refusal, type Refusal } from './refusals.js';

export const OPTION_PREFIX = 'x-posthorn-';
const METADATA_PREFIX = 'metadata-';
/** A header of more option fields is refused before they are read: ten tags, twenty entries and the rest fit. */
const FIELDS_MAX = 50;

/** The name of the option by the name of its field, without the prefix. */
const OPTIONS: ReadonlyMap<string, keyof MessageOptions> = new Map([
  ['stream', 'stream'],
  ['tag', 'tags'],
  ['send-at', 'sendAt'],
  ['expires-in', 'expiresIn'],
  ['supersede-key', 'supersedeKey'],
  ['idempotency-key', 'idempotencyKey'],
]);
/** Named in the contract, and not built yet: who sends them must not believe that they work. */
const LATER: ReadonlySet<string> = new Set(['sandbox', 'require-tls']);

/** What a relay like this one has put there on the way: it says nothing to us, and goes like the rest. */
const ON_THE_WAY = 'ref';

/** The fields of the header that are options, to be stripped. */
export function optionFields(header: HeaderBlock): HeaderField[] {
  return header.fields.filter(({ name }) => name.startsWith(OPTION_PREFIX));
}

/** What the header's options and those `given` beside the message say together; one that both give must be equal. */
export function messageOptions(
  message: Buffer,
  fields: readonly HeaderField[],
  given: MessageOptions,
): MessageOptions | Refusal {
  if (fields.length === 0) return given;
  const raw = rawOptions(message, fields);
  if ('cause' in raw) return raw;
  const reading = readOptions(raw);
  if (reading.kind === 'fault') return badOption(fieldNameOf(reading.option, reading.path), reading.why);
  for (const option of Object.keys(reading.options) as (keyof MessageOptions)[]) {
    if (given[option] !== undefined && !isDeepStrictEqual(given[option], reading.options[option])) {
      return badOption(fieldNameOf(option), 'is given twice: another value stands beside the message');
    }
  }
  return { ...given, ...reading.options };
}

/** A refusal that names the option as its client wrote it. */
export function badOption(name: string, why: string): Refusal {
  return refusal('bad_option', `${name} ${printable(why)}`);
}

/** The options as they would stand in a body of the API. */
function rawOptions(message: Buffer, fields: readonly HeaderField[]): Record<string, unknown> | Refusal {
  if (fields.length > FIELDS_MAX) return badOption('X-Posthorn-...', `may come ${FIELDS_MAX} times in a message`);
  const raw: Record<string, unknown> = {};
  const tags: string[] = [];
  const metadata = new Map<string, string>();
  for (const field of fields) {
    const name = field.name.slice(OPTION_PREFIX.length);
    const value = fieldValue(message, field);
    const option = OPTIONS.get(name);
    if (name === ON_THE_WAY) continue;
    if (name.startsWith(METADATA_PREFIX)) {
      // Names of header fields have no case, so the keys have none: they are lower-case.
      const key = name.slice(METADATA_PREFIX.length);
      if (metadata.has(key)) return badOption(titled(name), 'is given twice');
      metadata.set(key, decodeWords(value));
    } else if (option === 'tags') tags.push(decodeWords(value));
    else if (option === undefined) return unknownOption(name);
    else if (option in raw) return badOption(titled(name), 'is given twice');
    else if (option === 'expiresIn') raw[option] = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    else raw[option] = option === 'supersedeKey' ? decodeWords(value) : value;
  }
  if (tags.length > 0) raw.tags = tags;
  // Not by assignment: a key may be `__proto__`, and is then refused as any other.
  if (metadata.size > 0) raw.metadata = Object.fromEntries(metadata);
  return raw;
}

function unknownOption(name: string): Refusal {
  if (LATER.has(name)) return badOption(titled(name), 'is not supported by this version');
  const nearest = nearestName(name, [...OPTIONS.keys(), 'metadata-...']);
  const hint = nearest === undefined ? '' : `: did you mean ${titled(nearest)}?`;
  return badOption(titled(name), `is no option that is known here${hint}`);
}

/** The field that the schema's finding is about. */
function fieldNameOf(option: keyof MessageOptions, path: readonly string[] = []): string {
  if (option === 'metadata') return titled(`${METADATA_PREFIX}${path[0] ?? '...'}`);
  const [name = option] = [...OPTIONS].find(([, known]) => known === option) ?? [];
  return titled(name);
}

/** `x-posthorn-send-at` as people write it. */
function titled(name: string): string {
  const full = `${OPTION_PREFIX}${printable(name).slice(0, 76)}`;
  return full.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** Fit for a reply line. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
