/** The one spelling of an address under which its suppression is kept and asked for. */
import { formatAddress, parseAddress, type MailAddress } from '../../mail/address.js';

/** What is no address stands in no envelope, so it is only ever cut, never looked up for mail. */
const CHARACTERS_MAX = 320;

/** Lower case, the domain as A-labels: who is known to be dead as `Ann@example.org` is so as `ann@EXAMPLE.org`. */
export function suppressedAddress(text: string): string {
  const address = parseAddress(text);
  const spelt = address ? formatAddress(withoutQuotes(address)) : text.slice(0, CHARACTERS_MAX);
  return spelt.normalize('NFC').toLowerCase();
}

/** RFC 5321 section 4.1.2: quotes and backslashes that nothing calls for mean nothing, `"an\n"@a.example` is `ann@a.example`. */
function withoutQuotes(address: MailAddress): MailAddress {
  if (!address.localPart.startsWith('"')) return address;
  const meant = address.localPart.slice(1, -1).replaceAll(/\\(.)/gs, '$1');
  // What begins with a quote would be read as a quoted text once more.
  const plain = meant.startsWith('"') ? undefined : parseAddress(`${meant}@${address.domain}`);
  return plain ?? { ...address, localPart: `"${meant.replaceAll(/["\\]/g, '\\$&')}"` };
}
