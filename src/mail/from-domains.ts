/**
 * The domains that a From header speaks for: RFC 5322 sections 3.4 and 3.6.2. Display names, comments and quoted strings
 * are skipped, whatever they look like; groups and several mailboxes are read through. What two readers might
 * understand differently is not read at all: some of them would show an author that was never checked.
 */
import { parseAddress, type MailAddress } from './address.js';

export type FromReading =
  /** `domains`: lower-case A-labels, without repeats; empty for `From: <>`. */
  | { readonly kind: 'read'; readonly domains: readonly string[] }
  /** `text` is the part that is no address. */
  | { readonly kind: 'unreadable'; readonly text: string };

/** A longer From header is nobody's. */
const FROM_CHARACTERS_MAX = 16_384;
/** What is told of a part that cannot be read. */
const TOLD_CHARACTERS_MAX = 100;

// RFC 5322 section 2.2 allows none but tab; an ESC begins another charset (ISO-2022-JP), in which `<` is half a letter.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
// RFC 2047 section 5: no encoded word in an addr-spec, but there are readers that decode it.
const ENCODED_WORD = /=\?[^?]*\?[bq]\?/i;
const ANGLED_ADDRESS = /<[^<>@]*@[^<>]*>/;

export function fromDomains(value: string): FromReading {
  const unreadable = (text: string): FromReading => ({ kind: 'unreadable', text: text.slice(0, TOLD_CHARACTERS_MAX) });
  if (value.length > FROM_CHARACTERS_MAX || CONTROL.test(value)) return unreadable(value);
  const mailboxes = splitMailboxes(value);
  if (mailboxes === undefined) return unreadable(value);
  const domains = new Set<string>();
  for (const mailbox of mailboxes) {
    const address = parseAddress(mailbox);
    if (!address || !isReadOneWay(address, mailbox)) return unreadable(mailbox);
    domains.add(address.domain);
  }
  return { kind: 'read', domains: [...domains] };
}

/**
 * Whether every reader finds the same domain in the address. `"a@b"@c` has two at signs, and a domain with characters
 * that are not seen is another one to whoever drops them.
 *
 * @param text the address as it was written
 */
export function isReadOneWay({ localPart }: MailAddress, text: string): boolean {
  if (ENCODED_WORD.test(text)) return false;
  if (localPart.startsWith('"') && /[@<>,;:()[\]\\]/.test(localPart)) return false;
  return !/[\s\p{C}]/u.test(text.slice(text.lastIndexOf('@')));
}

/**
 * The addr-specs of a mailbox list, in order, and whatever is written like one before a bracket. Undefined where a quote,
 * comment or bracket is not closed, a second bracket or text follows one, or an address stands before a colon.
 */
function splitMailboxes(value: string): string[] | undefined {
  const found: string[] = [];
  /** What stands outside of brackets and comments; `unquoted` without its quoted strings. */
  let [bare, unquoted] = ['', ''];
  let angled: string | undefined;
  let inAngle = false;
  const finish = (): void => {
    // Some readers take the first address of `a@b <c@d>`, so both are spoken for.
    if (angled !== undefined && unquoted.includes('@')) found.push(unquoted.trim());
    const address = (angled ?? bare).trim();
    if (address !== '') found.push(address);
    [bare, unquoted, angled] = ['', '', undefined];
  };
  for (let i = 0; i < value.length; i++) {
    const character = value.charAt(i);
    if (character === '"') {
      const end = endOfQuoted(value, i);
      const quoted = end === undefined ? undefined : value.slice(i, end + 1);
      if (end === undefined || quoted === undefined || isEscapeTrick(quoted)) return undefined;
      if (inAngle) angled += quoted;
      else if (angled !== undefined) return undefined;
      bare += quoted;
      unquoted += ' ';
      i = end;
    } else if (character === '(') {
      const end = endOfComment(value, i);
      // RFC 5322 section 3.2.2 allows a comment within an address, where some readers end it.
      if (end === undefined || inAngle || isNestingTrick(value.slice(i, end + 1))) return undefined;
      bare += ' ';
      unquoted += ' ';
      i = end;
    } else if (inAngle) {
      if (character === '<') return undefined;
      if (character === '>') inAngle = false;
      else angled += character;
    } else if (character === ',' || character === ';') finish();
    else if (angled !== undefined) {
      if (!/\s/.test(character)) return undefined;
    } else if (character === '<') {
      inAngle = true;
      angled = '';
    } else if (character === ':') {
      if (unquoted.includes('@')) return undefined;
      [bare, unquoted] = ['', ''];
    } else {
      bare += character;
      unquoted += character;
    }
  }
  if (inAngle) return undefined;
  finish();
  return found;
}

/** To a reader who knows no backslash, or for whom it is half a letter, the quote ends before an address in brackets. */
function isEscapeTrick(quoted: string): boolean {
  return quoted.includes('\\"') && ANGLED_ADDRESS.test(quoted);
}

/** To a reader who knows no comment in a comment, it ends before an address. */
function isNestingTrick(comment: string): boolean {
  return /[(\\]/.test(comment.slice(1)) && comment.includes('@');
}

function endOfQuoted(value: string, start: number): number | undefined {
  for (let i = start + 1; i < value.length; i++) {
    if (value[i] === '\\') i++;
    else if (value[i] === '"') return i;
  }
  return undefined;
}

function endOfComment(value: string, start: number): number | undefined {
  let depth = 0;
  for (let i = start; i < value.length; i++) {
    if (value[i] === '\\') i++;
    else if (value[i] === '(') depth++;
    else if (value[i] === ')' && --depth === 0) return i;
  }
  return undefined;
}
