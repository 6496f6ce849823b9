/** RFC 2595 section 4. */
import { bad, formatReply, ok, REFUSED } from '../reply.js';
import type { Pop3Command } from '../pop3-command.js';

export const stls: Pop3Command = {
  name: 'STLS',
  state: 'stranger',
  argument: 'none',
  async run(session) {
    if (session.isSecure) return bad('The connection is under TLS already');
    // What was sent in the clear must not be taken for what comes under TLS: CVE-2011-0411.
    if (session.connection.hasMore) {
      session.end();
      return REFUSED.pipelinedTls;
    }
    await session.say(formatReply(ok('Begin TLS now')));
    await session.startTls();
    return undefined;
  },
};
