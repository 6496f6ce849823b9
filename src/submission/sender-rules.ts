/**
 * Who may be named as the sender of a message: the envelope's reverse path, and in the header From, Sender, Resent-From
 * and Resent-Sender, because each is shown by some readers (Outlook: "Sender on behalf of From"). All must be of
 * verified domains of the account. What two readers might understand differently is refused, not guessed. Reply-To is
 * free: it is where a contact form puts the visitor.
 */
import { ANY_DOMAIN, maySendAs, type SendingDomain } from '../accounts/sending-domains.js';
import { domainOf, formatAddress, parseAddress } from '../mail/address.js';
import { fromDomains, isReadOneWay, type FromReading } from '../mail/from-domains.js';
import type { HeaderBlock, HeaderField } from '../mail/header-block.js';
import { refusal, type Refusal } from './refusals.js';

/** What a header says of who sends. */
export interface Senders {
  /** What From says; undefined where there is none, and we write one of the reverse path. */
  readonly author: FromReading | undefined;
  readonly others: readonly { readonly field: string; readonly reading: FromReading }[];
  /** Why some readers may find others than we do. */
  readonly hidden: string | undefined;
}

const OTHER_FIELDS: ReadonlyMap<string, string> = new Map([
  ['sender', 'Sender'],
  ['resent-from', 'Resent-From'],
  ['resent-sender', 'Resent-Sender'],
]);
const SHOWN_CHARACTERS_MAX = 100;

export function readSenders(content: Buffer, header: HeaderBlock): Senders {
  const from = header.fields.filter(({ name }) => name === 'from');
  const others = header.fields.flatMap((field) => {
    const name = OTHER_FIELDS.get(field.name);
    return name === undefined ? [] : [{ field: name, reading: fromDomains(senderText(content, field)) }];
  });
  const hidden = hiddenSender(content, header);
  // RFC 5322 section 3.6 allows one From header; of more, the reader decides which one is shown, so none is trusted.
  if (from.length > 1) return { author: { kind: 'unreadable', text: 'a second From header' }, others, hidden };
  const [field] = from;
  return { author: field && namedAuthor(senderText(content, field)), others, hidden };
}

/** Why an account with these domains may not name these senders. */
export function forbiddenSender(
  domains: readonly SendingDomain[],
  reversePath: string,
  { author, others, hidden }: Senders,
): Refusal | undefined {
  if (maySendAs(domains, ANY_DOMAIN)) return undefined;
  const envelope = forbiddenReversePath(domains, reversePath);
  if (envelope) return envelope;
  if (hidden !== undefined) return refusal('bad_from_header', hidden);
  if (author?.kind === 'unreadable') return refusal('bad_from_header', shown(author.text));
  for (const { field, reading } of others) {
    if (reading.kind === 'unreadable')
      return refusal('bad_sender_header', `${field} cannot be read near ${shown(reading.text)}`);
  }
  const named = [author, ...others.map(({ reading }) => reading)];
  const spoken = named.flatMap((reading) => (reading?.kind === 'read' ? reading.domains : []));
  const forbidden = spoken.find((domain) => !maySendAs(domains, domain));
  return forbidden === undefined ? undefined : notAllowed(domains, forbidden);
}

/** Why an account with these domains may not use this reverse path; the null one is everybody's. */
export function forbiddenReversePath(domains: readonly SendingDomain[], reversePath: string): Refusal | undefined {
  if (reversePath === '') return undefined;
  const address = parseAddress(reversePath);
  if (!address) return refusal('bad_sender', shown(reversePath));
  if (maySendAs(domains, ANY_DOMAIN)) return undefined;
  if (!isReadOneWay(address, formatAddress(address))) return refusal('bad_sender', shown(reversePath));
  return maySendAs(domains, address.domain) ? undefined : notAllowed(domains, address.domain);
}

/** What would be right depends on what the account has: the domain but no proof, the domain above it, or neither. */
function notAllowed(domains: readonly SendingDomain[], domain: string): Refusal {
  if (domains.some(({ name }) => name === domain)) return refusal('sender_not_verified', domain);
  if (domains.some(({ name }) => domain.endsWith(`.${name}`))) return refusal('subdomain_not_added', domain);
  return refusal('sender_not_allowed', domain);
}

/** The domain that the message speaks for first; empty where it names none. */
export function authorDomain({ author }: Senders, reversePath: string): string {
  const [first] = author?.kind === 'read' ? author.domains : [];
  return first ?? (reversePath === '' ? '' : domainOf(reversePath));
}

/** What a client wrote, fit for a reply line. */
export function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, SHOWN_CHARACTERS_MAX);
}

/** RFC 5322 section 3.6.2: From names an author. One without an address would be sent by no domain at all. */
function namedAuthor(text: string): FromReading {
  const reading = fromDomains(text);
  if (reading.kind === 'unreadable' || reading.domains.length > 0) return reading;
  return { kind: 'unreadable', text: `"${shown(text)}", which names no address` };
}

/** Octets that are not UTF-8 become U+FFFD, which no domain has: each reader would guess another charset for them. */
function senderText(content: Buffer, field: HeaderField): string {
  const colon = content.indexOf(':', field.start);
  const text = content.toString('utf8', colon + 1, field.end);
  return text.replace(/\r\n(?=[ \t])/g, '').trim();
}

/**
 * A sender that some readers do not see, or see alone: after a line that is no field, at which many end the header (an mbox
 * `From ` line, a line of white space), or in a name that is From but for characters that some readers drop.
 */
function hiddenSender(content: Buffer, { fields }: HeaderBlock): string | undefined {
  const lookalike = fields.find((field) => field.name === '' && isLikeSender(content, field));
  if (lookalike) return `"${firstLine(content, lookalike)}", which looks like a From header`;
  const last = fields.findLast(({ name }) => isSender(name));
  if (!last) return undefined;
  const stray = fields.find((field) => field.name === '' && field.start < last.start);
  if (stray) return `"${firstLine(content, stray)}", which is no header field and stands before it`;
  const before = content.toString('latin1', 0, last.end);
  return /\r\n[ \t]+\r\n/.test(before) ? 'a line of white space before its end' : undefined;
}

function isLikeSender(content: Buffer, field: HeaderField): boolean {
  const line = content.toString('latin1', field.start, field.end);
  const colon = line.indexOf(':');
  return (
    colon !== -1 &&
    isSender(
      line
        .slice(0, colon)
        .replace(/[^A-Za-z-]/g, '')
        .toLowerCase(),
    )
  );
}

function isSender(name: string): boolean {
  return name === 'from' || OTHER_FIELDS.has(name);
}

function firstLine(content: Buffer, { start, end }: HeaderField): string {
  const line = content.toString('latin1', start, Math.min(end, start + SHOWN_CHARACTERS_MAX));
  return shown(line.split('\r\n')[0] ?? '').slice(0, 40);
}
