/** What LOGIN and AUTHENTICATE end with. */
import type { MailboxLogin } from '../mailbox-access.js';
import { no, ok, type Completion } from './completion.js';
import type { CommandSession } from './imap-command.js';

/** RFC 5530 section 3. */
const CODES: Record<Extract<MailboxLogin, { kind: 'refused' }>['why'], string> = {
  wrong_password: 'AUTHENTICATIONFAILED',
  locked: 'AUTHENTICATIONFAILED',
  no_scope: 'AUTHORIZATIONFAILED',
  too_many_sessions: 'LIMIT',
  unavailable: 'UNAVAILABLE',
};

/** So many in one session; who does not know it by then guesses. */
const FAILURES_MAX = 10;

export async function logIn(session: CommandSession, user: string, password: string): Promise<Completion> {
  const login = await session.access.logIn(user, password, session.connection, 'imap');
  if (login.kind === 'accepted') {
    session.logIn(login.user);
    return ok('Logged in', `CAPABILITY ${session.capabilities}`);
  }
  session.loginFailures += 1;
  if (session.loginFailures >= FAILURES_MAX) session.end('Too many failed logins');
  return no(CODES[login.why], login.text);
}
