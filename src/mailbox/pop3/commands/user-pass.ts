/** RFC 1939 section 7. */
import type { Pop3Command } from '../pop3-command.js';
import { bad, ok, REFUSED } from '../reply.js';
import { logIn } from '../log-in.js';

export const user: Pop3Command = {
  name: 'USER',
  state: 'stranger',
  argument: 'needed',
  run(session, name) {
    if (!session.isSecure) return REFUSED.tlsFirst;
    session.userName = name;
    // Whoever it is, so that nobody learns who there is.
    return ok('Say the password');
  },
};

export const pass: Pop3Command = {
  name: 'PASS',
  state: 'stranger',
  // A password may have spaces, and be of nothing else.
  argument: 'needed',
  async run(session, password) {
    if (!session.isSecure) return REFUSED.tlsFirst;
    const { userName } = session;
    if (userName === undefined) return bad('Say USER first');
    session.userName = undefined;
    return logIn(session, userName, password);
  },
};
