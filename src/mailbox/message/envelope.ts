/** The envelope of a message: RFC 3501 section 7.4.2, the fields of RFC 5322 section 3.6 that a list of mails shows. */
import { readAddresses, type Address } from './addresses.js';
import { asciiOf } from './ascii-text.js';
import { HeaderLimit } from './header-limit.js';
import { headerTexts, type HeaderPlace } from './header-texts.js';
import { imapProse, imapString, unfolded } from './imap-string.js';
import { NUL_STANDS_FOR } from './token-reader.js';

const FIELDS = new Set([
  ...['date', 'subject', 'from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'in-reply-to', 'message-id'],
]);

/** The parenthesized list that ENVELOPE answers, of the message whose header is that of `part`. */
export function envelope(raw: Buffer, part: HeaderPlace, limit = new HeaderLimit()): string {
  const texts = new Map<string, string>();
  const addresses = new Map<string, Address[]>();
  for (const { name, text } of headerTexts(raw, part, (field) => FIELDS.has(field), limit)) {
    // Of a field that stands twice the last text counts, and all addresses do.
    texts.set(name, text.replaceAll('\0', NUL_STANDS_FOR));
    if (!ADDRESS_FIELDS.has(name)) continue;
    const more = readAddresses(text, limit.addressesLeft);
    limit.addressesLeft -= more.length;
    const known = addresses.get(name);
    if (known) known.push(...more);
    else addresses.set(name, [...more]);
  }
  const line = (name: string): string => asciiString(unfolded(texts.get(name)));
  const subject = texts.get('subject');
  const list = (name: string): string => addressList(addresses.get(name) ?? []);
  // RFC 3501 section 7.4.2: who names no sender or reply address means the author.
  const orFrom = (name: string): string => list(addresses.get(name)?.length ? name : 'from');
  const fields = [
    ...[line('date'), subject === undefined ? 'NIL' : imapProse(subject)],
    ...[list('from'), orFrom('sender'), orFrom('reply-to'), list('to'), list('cc'), list('bcc')],
    ...[line('in-reply-to'), line('message-id')],
  ];
  return `(${fields.join(' ')})`;
}

const ADDRESS_FIELDS = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc']);

function addressList(addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'NIL';
  return `(${addresses.map(addressOf).join('')})`;
}

function addressOf({ name, route, mailbox, domain }: Address): string {
  const shown = name === undefined ? 'NIL' : imapProse(name);
  return `(${[shown, ...[route, mailbox, domain].map(asciiString)].join(' ')})`;
}

function asciiString(text: string | undefined): string {
  return imapString(text && asciiOf(text));
}
