/** RFC 3501 section 6.1.3. */
import { ok } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

export const logout: ImapCommand = {
  name: 'LOGOUT',
  state: 'any',
  async run(session, args) {
    args.end();
    await session.say('* BYE Until next time\r\n');
    session.end('');
    return ok('LOGOUT completed');
  },
};
