/**
 * Reads the arguments of an IMAP command: RFC 3501 section 9. The text is one character an octet, literals in place
 * (`{5}CRLF` and five octets). A fault is thrown, because it ends the reading however deep it is met, and is caught in
 * the one place that answers BAD.
 */
export class SyntaxFault extends Error {}

const NUMBER_MAX = 0xffff_ffff;
/** atom-specials, section 9: what an atom does not hold. */
const ATOM = /[^\x00-\x20\x7f-\xff(){%*"\\\]]+/y;
const ASTRING_CHARS = /[^\x00-\x20\x7f-\xff(){%*"\\]+/y;
const LIST_CHARS = /[^\x00-\x20\x7f-\xff(){"\\]+/y;
const DIGITS = /\d{1,10}/y;
const SEQUENCE = /[0-9*:,]+/y;
const QUOTED = /"((?:[^"\\\r\n\0]|\\["\\])*)"/y;
const LITERAL = /\{(\d{1,10})\+?\}\r\n/y;
const NIL = /NIL(?![^ )])/iy;
const FLAG = /\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+/y;

export class ArgumentReader {
  private at = 0;

  constructor(private readonly text: string) {}

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** Whether `text` comes next. */
  sees(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  get seesDigit(): boolean {
    return /\d/.test(this.text.charAt(this.at));
  }

  /** Reads `text` if it comes next. */
  takes(text: string): boolean {
    if (!this.sees(text)) return false;
    this.at += text.length;
    return true;
  }

  expect(text: string, what: string): void {
    if (!this.takes(text)) throw this.fault(what);
  }

  space(): void {
    if (!this.takes(' ')) throw this.fault('a space');
    // Some clients write two; nothing can begin with one.
    while (this.takes(' '));
  }

  end(): void {
    while (this.takes(' '));
    if (!this.atEnd) throw this.fault('the end of the command');
  }

  atom(what = 'an atom'): string {
    return this.match(ATOM)?.[0] ?? this.missing(what);
  }

  /** Upper case. */
  word(what = 'a word'): string {
    return this.atom(what).toUpperCase();
  }

  /** Reads `word`, in whatever case, if it comes next and is whole. */
  takesWord(word: string): boolean {
    return this.match(new RegExp(`${word}(?![^ )])`, 'iy')) !== null;
  }

  /** Letters, digits, dots, as names of data items are; upper case. */
  itemName(): string {
    return (this.match(/[A-Za-z0-9.]+/y)?.[0] ?? this.missing('a data item')).toUpperCase();
  }

  number(what = 'a number'): number {
    const value = Number(this.match(DIGITS)?.[0] ?? this.missing(what));
    if (value > NUMBER_MAX) throw this.fault(`${what}, of 32 bits at most`);
    return value;
  }

  /** A flag or a keyword as it is written. */
  flag(): string {
    return this.match(FLAG)?.[0] ?? this.missing('a flag');
  }

  /** The text of a sequence set; what it means is for `sequence-set.ts`. */
  sequence(): string | undefined {
    return this.match(SEQUENCE)?.[0];
  }

  astring(what = 'a string'): string {
    return this.match(ASTRING_CHARS)?.[0] ?? this.string(what);
  }

  /** list-mailbox: with wildcards. */
  listPattern(): string {
    return this.match(LIST_CHARS)?.[0] ?? this.string('a mailbox pattern');
  }

  /** Quoted, or a literal. */
  string(what = 'a string'): string {
    const quoted = this.match(QUOTED)?.[1];
    if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1');
    const octets = this.match(LITERAL)?.[1];
    if (octets === undefined) throw this.fault(what);
    const start = this.at;
    this.at += Number(octets);
    if (this.at > this.text.length) throw this.fault('the whole of a literal');
    return this.text.slice(start, this.at);
  }

  nstring(): string | undefined {
    return this.takesNil() ? undefined : this.string('a string or NIL');
  }

  takesNil(): boolean {
    return this.match(NIL) !== null;
  }

  /** RFC 4959 section 3: base64, or `=` for nothing. What it is made of is judged by who reads it. */
  initialResponse(): string {
    return this.match(/[^\x00-\x20]+/y)?.[0] ?? this.missing('an initial response');
  }

  /** What stands in parentheses, separated by spaces: at least one. */
  filledList<T>(item: () => T, itemsMax: number, what: string): T[] {
    const items = this.list(item, itemsMax, what);
    if (items.length === 0) throw this.fault(`${what} that is not empty before this`);
    return items;
  }

  /** What stands in parentheses, separated by spaces. May be empty. */
  list<T>(item: () => T, itemsMax: number, what: string): T[] {
    this.expect('(', what);
    const items: T[] = [];
    while (!this.takes(')')) {
      if (items.length > 0) this.space();
      if (items.length >= itemsMax) throw this.fault(`at most ${itemsMax} in a list`);
      items.push(item());
    }
    return items;
  }

  /** To be thrown. */
  fault(expected: string): SyntaxFault {
    const found = this.atEnd ? 'the end' : `"${printable(this.text.slice(this.at, this.at + SHOWN_OCTETS))}"`;
    return new SyntaxFault(`expected ${expected}, found ${found}`);
  }

  private missing(what: string): never {
    throw this.fault(what);
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at = pattern.lastIndex;
    return match;
  }
}

const SHOWN_OCTETS = 20;

/** What a client wrote, fit to be quoted in an answer. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, '?');
}
