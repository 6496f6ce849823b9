/** The one spelling of an address under which its suppression is kept and asked for. */
import { formatAddress, parseAddress } from '../mail/address.js';

/** What is no address stands in no envelope, so it is only ever cut, never looked up for mail. */
const CHARACTERS_MAX = 320;

/** Lower case, the domain as A-labels: who is known to be dead as `Ann@example.org` is so as `ann@EXAMPLE.org`. */
export function suppressedAddress(text: string): string {
  const address = parseAddress(text);
  const spelt = address ? formatAddress(address) : text.slice(0, CHARACTERS_MAX);
  return spelt.normalize('NFC').toLowerCase();
}
