/**
 * How much is read of the headers of one message, all its parts together. Anybody can send a header of megabytes to a
 * postmaster, and reading one takes a process a second for each of them, in which nobody else is served.
 */

/** More than thousands of recipients take. */
const OCTETS_MAX = 1024 * 1024;
/** Each is an object, of which two octets may be all that came. */
export const ADDRESSES_MAX = 10_000;

export class HeaderLimit {
  octetsLeft = OCTETS_MAX;
  addressesLeft = ADDRESSES_MAX;
}
