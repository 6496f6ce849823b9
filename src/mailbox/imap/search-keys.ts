/** What SEARCH is asked for: RFC 3501 section 6.4.4. */
import type { ArgumentReader } from './argument-reader.js';
import { parseDay } from './date-time.js';
import { readSequenceSet } from './named-reports.js';
import type { SequenceSet } from './sequence-set.js';

export type SearchKey =
  | { readonly kind: 'all' | 'recent' }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'numbers' | 'uids'; readonly set: SequenceSet }
  | {
      readonly kind: 'day';
      readonly of: 'internal' | 'sent';
      readonly relation: 'before' | 'on' | 'since';
      readonly day: number;
    }
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number }
  /** `text` is what the client wrote, in Unicode. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  | { readonly kind: 'body' | 'text'; readonly text: string }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] };

/** How the octets of a string become text. */
export type TextOf = (octets: string) => string;

/** In one command. Each may have all of a message looked through. */
const KEYS_MAX = 200;

const FLAGS: Readonly<Record<string, string>> = {
  ANSWERED: '\\Answered',
  DELETED: '\\Deleted',
  DRAFT: '\\Draft',
  FLAGGED: '\\Flagged',
  SEEN: '\\Seen',
};
const FIELDS = ['BCC', 'CC', 'FROM', 'SUBJECT', 'TO'];
const DAYS: Readonly<Record<string, readonly ['internal' | 'sent', 'before' | 'on' | 'since']>> = {
  BEFORE: ['internal', 'before'],
  ON: ['internal', 'on'],
  SINCE: ['internal', 'since'],
  SENTBEFORE: ['sent', 'before'],
  SENTON: ['sent', 'on'],
  SENTSINCE: ['sent', 'since'],
};

/** All keys up to the end of the command. */
export function readSearchKeys(args: ArgumentReader, textOf: TextOf): SearchKey {
  const key = new KeyReader(args, textOf).all();
  args.end();
  return key;
}

class KeyReader {
  private left = KEYS_MAX;

  constructor(
    private readonly args: ArgumentReader,
    private readonly textOf: TextOf,
  ) {}

  all(): SearchKey {
    const keys = [this.one()];
    while (this.args.sees(' ')) {
      this.args.space();
      if (this.args.atEnd) break;
      keys.push(this.one());
    }
    const [only] = keys;
    return keys.length === 1 && only ? only : { kind: 'and', keys };
  }

  private one(): SearchKey {
    const { args } = this;
    // So it bounds also how deep they stand in each other.
    if (this.left-- <= 0) throw args.fault(`at most ${KEYS_MAX} keys before this`);
    if (args.takes('(')) {
      const key = this.all();
      args.expect(')', 'the end of the keys in parentheses');
      return key;
    }
    if (args.seesDigit || args.sees('*')) return { kind: 'numbers', set: readSequenceSet(args) };
    return this.named(args.itemName());
  }

  private named(name: string): SearchKey {
    const flag = FLAGS[name];
    if (flag !== undefined) return { kind: 'flag', flag };
    const unset = name.startsWith('UN') ? FLAGS[name.slice(2)] : undefined;
    if (unset !== undefined) return not({ kind: 'flag', flag: unset });
    if (FIELDS.includes(name)) return { kind: 'header', field: name.toLowerCase(), text: this.text() };
    const [of, relation] = DAYS[name] ?? [];
    if (of && relation) return { kind: 'day', of, relation, day: this.day() };
    return this.other(name);
  }

  private other(name: string): SearchKey {
    switch (name) {
      case 'ALL':
        return { kind: 'all' };
      case 'RECENT':
        return { kind: 'recent' };
      case 'OLD':
        return not({ kind: 'recent' });
      case 'NEW':
        return { kind: 'and', keys: [{ kind: 'recent' }, not({ kind: 'flag', flag: '\\Seen' })] };
      case 'KEYWORD':
        return this.keyword();
      case 'UNKEYWORD':
        return not(this.keyword());
      case 'LARGER':
      case 'SMALLER':
        this.args.space();
        return { kind: name === 'LARGER' ? 'larger' : 'smaller', octets: this.args.number() };
      case 'UID':
        this.args.space();
        return { kind: 'uids', set: readSequenceSet(this.args) };
      case 'HEADER':
        return this.header();
      case 'BODY':
      case 'TEXT':
        return { kind: name === 'BODY' ? 'body' : 'text', text: this.text() };
      case 'NOT':
        this.args.space();
        return not(this.one());
      case 'OR':
        return this.either();
      default:
        throw this.args.fault('a search key before this');
    }
  }

  private either(): SearchKey {
    this.args.space();
    const neither = [not(this.one())];
    this.args.space();
    neither.push(not(this.one()));
    return not({ kind: 'and', keys: neither });
  }

  private header(): SearchKey {
    this.args.space();
    const field = this.args.astring('the name of a field').toLowerCase();
    return { kind: 'header', field, text: this.text() };
  }

  private keyword(): SearchKey {
    this.args.space();
    return { kind: 'flag', flag: this.args.atom('a keyword') };
  }

  private text(): string {
    this.args.space();
    return this.textOf(this.args.astring('a text to look for'));
  }

  private day(): number {
    this.args.space();
    const day = parseDay(this.args.sees('"') ? this.args.string('a date') : this.args.atom('a date'));
    if (day === undefined) throw this.args.fault('a date such as 1-Dec-2026 before this');
    return day;
  }
}

function not(key: SearchKey): SearchKey {
  return { kind: 'not', key };
}
