/** What would change the folders: RFC 3501 sections 6.3.3 to 6.3.5. They are what they are, and say so. */
import { REFUSED } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

function refusing(name: string, names: number): ImapCommand {
  return {
    name,
    state: 'user',
    async run(_session, args) {
      for (let i = 0; i < names; i++) {
        args.space();
        args.astring('a folder');
      }
      return REFUSED.fixedFolders;
    },
  };
}

export const create = refusing('CREATE', 1);
export const deleteFolder = refusing('DELETE', 1);
export const rename = refusing('RENAME', 2);
