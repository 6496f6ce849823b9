/**
 * RFC 1939 section 7: the uid that IMAP has. It is never given twice while the mailbox is the same; one that is made anew
 * has another login too.
 */
import { listing } from '../listing.js';

export const uidl = listing('UIDL', ({ uid }) => uid);
