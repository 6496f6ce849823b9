/** RFC 3691: the folder is left, and nothing goes. */
import { ok } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

export const unselect: ImapCommand = {
  name: 'UNSELECT',
  state: 'selected',
  async run(session, args) {
    args.end();
    session.select(undefined);
    return ok('UNSELECT completed');
  },
};
