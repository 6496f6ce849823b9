/** RFC 1939 section 5: how large a message is, as RETR sends it but for the dots that it adds (section 11). */
import { listing } from '../listing.js';

export const list = listing('LIST', ({ octets }) => octets);
