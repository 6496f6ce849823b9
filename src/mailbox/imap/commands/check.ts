/** RFC 3501 section 6.4.1: there is nothing to be written down that is not, so it is as NOOP. */
import type { ImapCommand } from '../imap-command.js';
import { refreshing } from './noop.js';

export const check: ImapCommand = { name: 'CHECK', state: 'selected', tells: 'all', run: refreshing('CHECK') };
