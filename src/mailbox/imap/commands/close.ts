/** RFC 3501 section 6.4.2: what is marked as deleted goes, without a word. */
import { ok } from '../completion.js';
import { removeDeleted } from '../deleted-reports.js';
import type { ImapCommand } from '../imap-command.js';

export const close: ImapCommand = {
  name: 'CLOSE',
  state: 'selected',
  async run(session, args) {
    args.end();
    await removeDeleted(session);
    session.select(undefined);
    return ok('CLOSE completed');
  },
};
