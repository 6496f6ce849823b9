/** RFC 3501 section 6.2.3. */
import type { ImapCommand } from '../imap-command.js';
import { REFUSED } from '../completion.js';
import { logIn } from '../log-in.js';

export const login: ImapCommand = {
  name: 'LOGIN',
  state: 'stranger',
  async run(session, args) {
    args.space();
    const user = args.astring('a user name');
    args.space();
    const password = args.astring('a password');
    args.end();
    if (!session.isSecure) return REFUSED.tlsFirst;
    return logIn(session, utf8(user), utf8(password));
  },
};

/** Of octets that stand as characters. */
function utf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString();
}
