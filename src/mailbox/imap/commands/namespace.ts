/** RFC 2342: one namespace, in which nothing stands below anything. */
import { ok } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

export const namespace: ImapCommand = {
  name: 'NAMESPACE',
  state: 'user',
  async run(session, args) {
    args.end();
    await session.say('* NAMESPACE (("" "/")) NIL NIL\r\n');
    return ok('NAMESPACE completed');
  },
};
