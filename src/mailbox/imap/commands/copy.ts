/** RFC 3501 section 6.4.7: refused. A report stands in one place. */
import { REFUSED } from '../completion.js';
import { folderNamed } from '../folder-names.js';
import type { ImapCommand } from '../imap-command.js';
import { readMove } from './move.js';

export const copy = refusingCopy('COPY', 'all but expunges');
export const uidCopy = refusingCopy('UID COPY', 'all');

function refusingCopy(name: string, tells: 'all' | 'all but expunges'): ImapCommand {
  return {
    name,
    state: 'selected',
    tells,
    async run(_session, args) {
      const { target } = readMove(args);
      return folderNamed(target) ? REFUSED.noCopy : REFUSED.noFolder;
    },
  };
}
