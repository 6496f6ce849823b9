/** What FETCH is asked for: RFC 3501 section 6.4.5. */
import type { ArgumentReader } from './argument-reader.js';
import { imapAstring } from '../message/imap-string.js';
import type { Section } from '../message/section.js';

export type FetchItem =
  | { readonly kind: 'FLAGS' | 'INTERNALDATE' | 'RFC822.SIZE' | 'UID' }
  | { readonly kind: 'ENVELOPE' }
  | { readonly kind: 'structure'; readonly extended: boolean }
  | {
      readonly kind: 'section';
      /** As the response names it, with the octet that a partial one begins at. */
      readonly label: string;
      readonly section: Section;
      readonly partial?: { readonly from: number; readonly octets: number };
      /** Reading it marks the message as seen. */
      readonly marksSeen: boolean;
    };

/** In one command. */
const ITEMS_MAX = 200;
const FIELDS_MAX = 1_000;
const PART_DEPTH_MAX = 100;

const MACROS: Readonly<Record<string, readonly string[]>> = {
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
};

export function readFetchItems(args: ArgumentReader): FetchItem[] {
  if (args.sees('(')) return withoutRepeats(args.filledList(() => readItem(args), ITEMS_MAX, 'a list of data items'));
  const name = args.itemName();
  const macro = MACROS[name];
  return macro ? macro.map((item) => itemNamed(item, args)) : [itemNamed(name, args)];
}

/** A report is sent once, however often it is asked for in one command. */
function withoutRepeats(items: readonly FetchItem[]): FetchItem[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function readItem(args: ArgumentReader): FetchItem {
  return itemNamed(args.itemName(), args);
}

function itemNamed(name: string, args: ArgumentReader): FetchItem {
  switch (name) {
    case 'FLAGS':
    case 'INTERNALDATE':
    case 'RFC822.SIZE':
    case 'UID':
    case 'ENVELOPE':
      return { kind: name };
    case 'BODYSTRUCTURE':
      return { kind: 'structure', extended: true };
    case 'BODY':
      return args.sees('[') ? readSection(args, true) : { kind: 'structure', extended: false };
    case 'BODY.PEEK':
      return readSection(args, false);
    case 'RFC822':
      return whole(name, '', true);
    case 'RFC822.HEADER':
      return whole(name, 'HEADER', false);
    case 'RFC822.TEXT':
      return whole(name, 'TEXT', true);
    default:
      throw args.fault('a data item such as FLAGS or BODY[] before this');
  }
}

function whole(label: string, what: Section['what'], marksSeen: boolean): FetchItem {
  return { kind: 'section', label, section: { part: [], what, fields: [] }, marksSeen };
}

function readSection(args: ArgumentReader, marksSeen: boolean): FetchItem {
  args.expect('[', 'a section in brackets');
  const { part, isOpen } = readPart(args);
  const isWhole = !isOpen || (part.length === 0 && args.sees(']'));
  const what = isWhole ? '' : readSectionText(args, part.length > 0);
  const fields = what.startsWith('HEADER.FIELDS') ? readFields(args) : [];
  args.expect(']', 'the end of the section');
  const partial = args.takes('<') ? readPartial(args) : undefined;
  const section: Section = { part, what, fields };
  const name = [...part.map(String), ...(what === '' ? [] : [what])].join('.');
  const named = fields.length === 0 ? name : `${name} (${fields.map(imapAstring).join(' ')})`;
  const label = `BODY[${named}]${partial ? `<${partial.from}>` : ''}`;
  return { kind: 'section', label, section, marksSeen, ...(partial && { partial }) };
}

/** `isOpen`: what of the part is meant may follow. */
function readPart(args: ArgumentReader): { part: number[]; isOpen: boolean } {
  const part: number[] = [];
  while (args.seesDigit) {
    const number = args.number();
    if (number === 0 || part.length >= PART_DEPTH_MAX) throw args.fault('the number of a part before this');
    part.push(number);
    if (!args.takes('.')) return { part, isOpen: false };
  }
  return { part, isOpen: true };
}

function readSectionText(args: ArgumentReader, isPart: boolean): Section['what'] {
  const what = args.itemName();
  switch (what) {
    case 'HEADER':
    case 'TEXT':
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT':
      return what;
    case 'MIME':
      if (isPart) return what;
      throw args.fault('the number of a part before MIME');
    default:
      throw args.fault('HEADER, TEXT or MIME before this');
  }
}

function readFields(args: ArgumentReader): string[] {
  args.space();
  return args.filledList(() => args.astring('the name of a field'), FIELDS_MAX, 'a list of fields');
}

function readPartial(args: ArgumentReader): { from: number; octets: number } {
  const from = args.number('the octet to begin at');
  args.expect('.', 'a point');
  const octets = args.number('how many octets');
  if (octets === 0) throw args.fault('a number above 0 before this');
  args.expect('>', 'the end of the partial');
  return { from, octets };
}
