/** RFC 3501 section 6.2.1. */
import { bad, formatCompletion, ok } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

export const starttls: ImapCommand = {
  name: 'STARTTLS',
  state: 'stranger',
  async run(session, args, tag) {
    args.end();
    if (session.isSecure) return bad('The connection is under TLS already');
    // What was sent in the clear must not be taken for what comes under TLS: CVE-2011-0411.
    if (session.connection.hasMore) {
      session.end('Commands came behind STARTTLS');
      return bad('STARTTLS must be the last command before TLS begins');
    }
    await session.say(formatCompletion(tag, ok('Begin TLS now')));
    await session.startTls();
    return undefined;
  },
};
