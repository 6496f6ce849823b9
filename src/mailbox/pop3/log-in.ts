/** What PASS and AUTH end with. */
import type { MailboxLogin } from '../mailbox-access.js';
import type { CommandSession } from './pop3-command.js';
import { err, ok, type Reply } from './reply.js';

/** RFC 3206: AUTH where the user has to do something about the login, SYS/TEMP where time does. */
const CODES: Record<Extract<MailboxLogin, { kind: 'refused' }>['why'], NonNullable<Reply['code']>> = {
  wrong_password: 'AUTH',
  // Who has the right password is let in all the same.
  locked: 'AUTH',
  no_scope: 'AUTH',
  too_many_sessions: 'SYS/TEMP',
  unavailable: 'SYS/TEMP',
};

/** So many in one session; who does not know it by then guesses. */
const FAILURES_MAX = 10;

export async function logIn(session: CommandSession, user: string, password: string): Promise<Reply> {
  const login = await session.access.logIn(user, password, session.connection, 'pop3');
  if (login.kind === 'accepted') {
    session.logIn(login.user);
    const { count, octets } = session.maildrop.size();
    return ok(`Logged in: ${count} messages (${octets} octets)`);
  }
  session.loginFailures += 1;
  if (session.loginFailures >= FAILURES_MAX) session.end();
  return err(login.text, CODES[login.why]);
}
