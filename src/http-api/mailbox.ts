/**
 * Mailboxes as API clients and headers write them: `a@b`, `<a@b>`, `Name <a@b>`, `"Name, Inc." <a@b>`, and lists of them.
 * RFC 5322 section 3.4 without comments, groups and routes; names are Unicode text, not encoded words.
 */
import { formatAddress, parseAddress } from '../mail/address.js';

export interface Mailbox {
  /** Empty where there is none. */
  readonly name: string;
  /** As it stands in an envelope. */
  readonly address: string;
}

export type MailboxList =
  | { readonly kind: 'read'; readonly mailboxes: readonly Mailbox[] }
  /** `text` is what is no mailbox, fit to be shown. */
  | { readonly kind: 'unreadable'; readonly text: string };

/** Longer ones are no mailbox: an address has 254 characters, and nobody reads such a name. */
export const MAILBOX_CHARACTERS_MAX = 1_000;
const SHOWN_CHARACTERS = 80;

/** Undefined where `text` is not exactly one mailbox. */
export function parseMailbox(text: string): Mailbox | undefined {
  if (text.length > MAILBOX_CHARACTERS_MAX || /[\x00-\x1f\x7f]/.test(text) || !text.isWellFormed()) return undefined;
  const trimmed = text.trim();
  const angled = /^([^]*?)<([^<>]*)>$/.exec(trimmed);
  const name = angled ? displayName((angled[1] ?? '').trim()) : '';
  const address = parseAddress(angled ? (angled[2] ?? '') : trimmed);
  return address && name !== undefined ? { name, address: formatAddress(address) } : undefined;
}

/**
 * The mailboxes of a list with commas. A comma separates where what stands before it is a mailbox, so that
 * `Example, Inc. <a@b>` is one, as people mean it.
 */
export function parseMailboxList(text: string): MailboxList {
  const mailboxes: Mailbox[] = [];
  let start = 0;
  for (const end of commas(text)) {
    // What is too long to be a mailbox does not become one further on.
    if (end - start > MAILBOX_CHARACTERS_MAX) break;
    const mailbox = parseMailbox(text.slice(start, end));
    if (!mailbox) continue;
    mailboxes.push(mailbox);
    start = end + 1;
  }
  const last = parseMailbox(text.slice(start));
  if (!last) return { kind: 'unreadable', text: shown(text.slice(start)) };
  return { kind: 'read', mailboxes: [...mailboxes, last] };
}

/** Fit for an error message: short, and without control characters. */
export function shown(text: string): string {
  const clean = text
    .toWellFormed()
    .trim()
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
  return clean.length > SHOWN_CHARACTERS ? `${clean.slice(0, SHOWN_CHARACTERS)}...` : clean;
}

/** A name without its quotes; undefined where the quotes do not match. */
function displayName(text: string): string | undefined {
  if (!text.startsWith('"')) return text;
  const quoted = /^"((?:[^"\\]|\\[^])*)"$/.exec(text)?.[1];
  return quoted?.replace(/\\([^])/g, '$1');
}

/** Offsets of the commas outside of quotes. */
function* commas(text: string): Generator<number> {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '\\' && quoted) i++;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) yield i;
  }
}
