/**
 * Reads the tokens of structured header fields, RFC 5322 section 3.2 with the obsolete forms of section 4, and RFC 2045
 * section 5.1, from text of which a char is an octet. What it reads of broken fields is what Dovecot reads.
 */

/** What follows what was read and the blanks and comments after it. `broken`: the text ended within it, or it is none. */
export type After = 'more' | 'end' | 'broken';

/** U+FFFD in UTF-8: NUL has no place in a string of IMAP. */
export const NUL_STANDS_FOR = '\xef\xbf\xbd';

const NUL = 0;
const LF = 10;
const CR = 13;
const BACKSLASH = 92;

const BLANK_OCTETS = octets(/[ \t\r\n]/);
// RFC 5322 section 3.2.3; octets of other than ASCII are letters, RFC 6532 section 3.2.
const ATOM_OCTETS = octets(/[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff]/);
const ATOM_OR_DOT_OCTETS = octets(/[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff.]/);
// RFC 2045 section 5.1.
const TOKEN_OCTETS = octets(/[a-zA-Z0-9!#$%&'*+\-^_`{|}~\x80-\xff.]/);

export class TokenReader {
  position = 0;
  /** Every reader of a token adds to it, even where the token is broken. */
  taken = '';
  lastComment = '';

  constructor(readonly text: string) {}

  /** The next char; empty at the end. */
  get next(): string {
    return this.text.charAt(this.position);
  }

  get atEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** Passes `char` where it is next. */
  pass(char: string): boolean {
    if (this.next !== char) return false;
    this.position++;
    return true;
  }

  /** Skips blanks, line ends and comments. */
  skipBlanks(): After {
    for (;;) {
      while (this.isAt(BLANK_OCTETS)) this.position++;
      if (!this.pass('(')) return this.atEnd ? 'end' : 'more';
      let level = 1;
      const comment = this.enclosed((char) => {
        if (char === '(') level++;
        return char === ')' && --level === 0;
      });
      this.lastComment = comment.text;
      if (!comment.closed) return 'broken';
    }
  }

  atom(): After {
    return this.takeAll(ATOM_OCTETS) ? this.skipBlanks() : 'broken';
  }

  /** Atoms with dots between them, and blanks around these. */
  dotAtom(): After {
    for (;;) {
      if (!this.takeAll(ATOM_OCTETS)) return 'broken';
      const after = this.skipBlanks();
      if (after !== 'more' || !this.pass('.')) return after;
      this.taken += '.';
      if (this.skipBlanks() !== 'more') return 'broken';
    }
  }

  /** RFC 2045 section 5.1, with dots; it may be empty. */
  token(): After {
    this.takeAll(TOKEN_OCTETS);
    return this.skipBlanks();
  }

  quotedString(): After {
    this.position++;
    const { text, closed } = this.enclosed((char) => char === '"');
    this.taken += text;
    return closed ? this.skipBlanks() : 'broken';
  }

  phrase(): After {
    if (this.atEnd) return 'end';
    if (this.next === '.') return 'broken';
    for (;;) {
      const after = this.next === '"' ? this.quotedString() : this.atomOrDots();
      if (after !== 'more') return after;
      if (this.next !== '"' && !this.isAt(ATOM_OR_DOT_OCTETS)) return this.skipBlanks();
      this.taken += ' ';
    }
  }

  /** After the `@`. */
  domain(): After {
    if (this.skipBlanks() !== 'more') return 'broken';
    return this.next === '[' ? this.domainLiteral() : this.dotAtom();
  }

  private atomOrDots(): After {
    this.takeAll(ATOM_OR_DOT_OCTETS);
    return this.skipBlanks();
  }

  /** Its quoted pairs stay as they are; a bracket inside breaks it. */
  private domainLiteral(): After {
    const from = this.position++;
    for (; !this.atEnd && this.next !== ']'; this.position++) {
      if (this.next === '[') return 'broken';
      if (this.next === '\\' && !this.isPairOfControl()) this.position++;
    }
    if (!this.pass(']')) return 'broken';
    const literal = this.text.slice(from, this.position);
    this.taken += literal.replace(/\r?\n/g, '').replaceAll('\0', NUL_STANDS_FOR);
    return this.skipBlanks();
  }

  /** RFC 5322 section 4.1: a backslash before one of these is but a backslash. */
  private isPairOfControl(): boolean {
    return /[\r\n\0]/.test(this.text.charAt(this.position + 1));
  }

  private isAt(set: Uint8Array): boolean {
    return set[this.text.charCodeAt(this.position)] === 1;
  }

  private takeAll(set: Uint8Array): boolean {
    const from = this.position;
    while (this.isAt(set)) this.position++;
    this.taken += this.text.slice(from, this.position);
    return this.position > from;
  }

  /** What comes before the char that closes it: unfolded, its quoted pairs undone. */
  private enclosed(closes: (char: string) => boolean): { text: string; closed: boolean } {
    let text = '';
    let from = this.position;
    const takeTo = (end: number): void => {
      text += this.text.slice(from, end);
      from = this.position + 1;
    };
    for (; !this.atEnd; this.position++) {
      const octet = this.text.charCodeAt(this.position);
      if (closes(this.next)) {
        takeTo(this.position++);
        return { text, closed: true };
      }
      if (octet === NUL) {
        takeTo(this.position);
        text += NUL_STANDS_FOR;
      } else if (octet === LF) {
        const foldStart = this.position - 1;
        takeTo(foldStart >= from && this.text.charCodeAt(foldStart) === CR ? foldStart : this.position);
      } else if (octet === BACKSLASH && this.position + 1 === this.text.length) {
        this.position++;
        break;
      } else if (octet === BACKSLASH && !this.isPairOfControl()) {
        takeTo(this.position);
        this.position++;
      }
    }
    return { text, closed: false };
  }
}

function octets(set: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => Number(set.test(String.fromCharCode(octet))));
}
