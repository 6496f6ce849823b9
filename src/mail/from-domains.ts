/**
 * The domains that a From header speaks for: RFC 5322 sections 3.4 and 3.6.2. Display names, comments and quoted
 * strings are skipped, whatever they look like; groups and several mailboxes are read through.
 */
import { parseAddress } from './address.js';

export type FromReading =
  /** `domains`: lower-case A-labels, without repeats; empty for `From: <>`. */
  | { readonly kind: 'read'; readonly domains: readonly string[] }
  /** `text` is the part that is no address. */
  | { readonly kind: 'unreadable'; readonly text: string };

/** A longer From header is nobody's. */
const FROM_CHARACTERS_MAX = 16_384;
/** What is told of a part that cannot be read. */
const TOLD_CHARACTERS_MAX = 100;

export function fromDomains(value: string): FromReading {
  const unreadable = (text: string): FromReading => ({ kind: 'unreadable', text: text.slice(0, TOLD_CHARACTERS_MAX) });
  if (value.length > FROM_CHARACTERS_MAX) return unreadable(value);
  const mailboxes = splitMailboxes(value);
  if (mailboxes === undefined) return unreadable(value);
  const domains = new Set<string>();
  for (const mailbox of mailboxes) {
    const address = parseAddress(mailbox);
    if (!address) return unreadable(mailbox);
    domains.add(address.domain);
  }
  return { kind: 'read', domains: [...domains] };
}

/**
 * The addr-specs of a mailbox list, in order. Undefined for whatever two readers might read in two ways: a quote, comment
 * or bracket that is not closed, a second bracket, text after one, an address before a colon.
 */
function splitMailboxes(value: string): string[] | undefined {
  const found: string[] = [];
  let bare = '';
  let angled: string | undefined;
  let inAngle = false;
  const finish = (): void => {
    const text = (angled ?? bare).replace(/[ \t\r\n]+/g, '');
    // RFC 5322 section 4.4: an obsolete route before the address names hosts, not the author.
    const address = angled === undefined ? text : text.replace(/^@[^:]*:/, '');
    if (address !== '') found.push(address);
    bare = '';
    angled = undefined;
  };
  for (let i = 0; i < value.length; i++) {
    const character = value.charAt(i);
    if (character === '"' || character === '(') {
      const end = character === '"' ? endOfQuoted(value, i) : endOfComment(value, i);
      if (end === undefined) return undefined;
      const quoted = character === '"' ? value.slice(i, end + 1) : '';
      if (inAngle) angled += quoted;
      // Only a quoted local part is followed by an at sign; anything else quoted is a display name.
      else if (/^\s*@/.test(value.slice(end + 1))) bare += quoted;
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
      if (bare.includes('@')) return undefined;
      bare = '';
    } else bare += character;
  }
  if (inAngle) return undefined;
  finish();
  return found;
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
