/** RFC 3501 section 6.1.1. */
import { ok } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

export const capability: ImapCommand = {
  name: 'CAPABILITY',
  state: 'any',
  async run(session, args) {
    args.end();
    await session.say(`* CAPABILITY ${session.capabilities}\r\n`);
    return ok('CAPABILITY completed');
  },
};
