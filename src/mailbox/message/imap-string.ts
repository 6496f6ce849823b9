/** Strings as IMAP sends them: RFC 3501 section 4.3, where Dovecot quotes and where it sends a literal. A char is an octet. */
import { asciiOf } from './ascii-text.js';

/** With so many quotes or backslashes to escape a literal is shorter. */
const ESCAPED_MAX = 4;

/** NIL, a quoted string, or a literal where the text holds CR, LF, NUL or octets of other than ASCII. */
export function imapString(text: string | undefined): string {
  if (text === undefined) return 'NIL';
  const escapes = text.match(/["\\]/g)?.length ?? 0;
  if (escapes > ESCAPED_MAX || /[\0\r\n\x80-\xff]/.test(text)) return imapLiteral(text);
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** `text` on one line, RFC 5322 section 2.2.3: a fold is the blank that it began with. */
export function unfolded(text: string | undefined): string | undefined {
  return text?.replace(/[\r\n](?![ \t\r\n]|$)/g, ' ').replace(/[\r\n]/g, '');
}

/** An atom where it can be one, as the name of a mailbox: RFC 3501 section 9, astring. */
export function imapAstring(text: string): string {
  const isAtom = /^[\x21\x23\x24&'+-[\]^-z|}~]+$/.test(text) && !/^nil$/i.test(text);
  return isAtom ? text : imapString(text);
}

function imapLiteral(text: string): string {
  // A literal holds no NUL either; Dovecot sends 0x80 for it.
  return `{${text.length}}\r\n${text.replaceAll('\0', '\x80')}`;
}

/** What people read, a subject or a name: blanks and folds are one space each, and none at the ends. */
export function imapProse(text: string): string {
  const shown = text.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '');
  const encoded = asciiOf(shown);
  if (encoded !== shown) return imapString(encoded);
  if (shown === '') return '""';
  return shown === text && !/[\0"\\\x80-\xff]/.test(text) ? `"${text}"` : imapLiteral(shown);
}
