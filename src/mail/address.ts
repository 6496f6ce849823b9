/**
 * Mail addresses as they stand in an envelope: RFC 5321 section 4.1.2, with RFC 6531 local parts and IDN domains.
 * The domain is kept as a lower-case A-label, so that two spellings of one domain compare equal.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** RFC 5321 section 4.5.3.1: octets of a local part, of a domain, of a path without its brackets. */
const LOCAL_PART_OCTETS_MAX = 64;
const DOMAIN_OCTETS_MAX = 253;
const ADDRESS_OCTETS_MAX = 254;

export interface MailAddress {
  /** As the user wrote it, quotes included; case matters to its owner (RFC 5321 section 2.4). */
  readonly localPart: string;
  /** Lower-case A-labels, or an address literal in brackets. */
  readonly domain: string;
}

// RFC 5322 section 3.2.3 atext, and beyond ASCII what RFC 6531 section 3.3 adds.
const ATEXT = "[\\p{L}\\p{N}\\p{M}\\p{So}!#$%&'*+\\-/=?^_`{|}~]+";
const ATOM = new RegExp(`^${ATEXT}(?:\\.${ATEXT})*$`, 'u');
// RFC 5321 section 4.1.2: qtextSMTP and quoted-pairSMTP.
const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\u{10ffff}]|\\[\x20-\x7e])*"$/u;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Reads `local@domain`. Returns undefined where the text is no address that may stand in an envelope. */
export function parseAddress(text: string): MailAddress | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const localPart = text.slice(0, at);
  if (Buffer.byteLength(localPart) > LOCAL_PART_OCTETS_MAX) return undefined;
  if (!ATOM.test(localPart) && !QUOTED.test(localPart)) return undefined;
  const domain = normalizeDomain(text.slice(at + 1));
  if (domain === undefined || Buffer.byteLength(localPart) + 1 + domain.length > ADDRESS_OCTETS_MAX) return undefined;
  return { localPart, domain };
}

/** The address as text, ready for `MAIL FROM:<...>`. */
export function formatAddress(address: MailAddress): string {
  return `${address.localPart}@${address.domain}`;
}

/** A domain as lower-case A-labels, or an address literal; undefined where it is neither. */
export function normalizeDomain(text: string): string | undefined {
  if (text.startsWith('[')) return isAddressLiteral(text) ? text.toLowerCase() : undefined;
  if (text.length > DOMAIN_OCTETS_MAX * 4) return undefined;

  const ascii = /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : domainToASCII(text);
  if (ascii.length === 0 || ascii.length > DOMAIN_OCTETS_MAX || isIP(ascii) !== 0) return undefined;
  return ascii.split('.').every((label) => LABEL.test(label)) ? ascii : undefined;
}

/** The domain of an address that `parseAddress` has already accepted. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

// RFC 5321 section 4.1.3.
function isAddressLiteral(text: string): boolean {
  const inner = /^\[(?:IPv6:)?([0-9a-f:.]+)\]$/i.exec(text)?.[1];
  if (inner === undefined) return false;
  return isIP(inner) === (/^\[ipv6:/i.test(text) ? 6 : 4);
}
