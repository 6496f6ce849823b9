/** RFC 3501 section 6.2.2, with PLAIN (RFC 4616) and an initial response (RFC 4959). */
import { bad, no, REFUSED, type Completion } from '../completion.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { logIn } from './log-in.js';

const RESPONSE_MS = 2 * 60_000;
/** RFC 4648 section 4, with the padding that it wants. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const authenticate: ImapCommand = {
  name: 'AUTHENTICATE',
  state: 'stranger',
  async run(session, args) {
    args.space();
    const mechanism = args.word('a mechanism');
    let initial: string | undefined;
    if (!args.atEnd) {
      args.space();
      initial = args.initialResponse();
    }
    args.end();
    if (!session.isSecure) return REFUSED.tlsFirst;
    if (mechanism !== 'PLAIN') return no('CANNOT', 'Only PLAIN is offered');
    const response = initial ?? (await askFor(session));
    return response === undefined ? undefined : answerTo(session, response);
  },
};

async function askFor(session: CommandSession): Promise<string | undefined> {
  await session.say('+ \r\n');
  return session.nextLine(RESPONSE_MS);
}

async function answerTo(session: CommandSession, response: string): Promise<Completion> {
  if (response === '*') return bad('AUTHENTICATE was cancelled');
  // RFC 4959 section 3: `=` is a response of no octets.
  const text = response === '=' ? '' : response;
  if (!BASE64.test(text)) return bad('The response is no base64');
  // RFC 4616 section 2: to act as, NUL, user, NUL, password.
  const [, actAs = '', user = '', password] = /^([^\0]*)\0([^\0]+)\0([^\0]*)$/.exec(decoded(text)) ?? [];
  if (password === undefined) return bad('The response is none of PLAIN');
  if (actAs !== '' && actAs !== user) return no('AUTHORIZATIONFAILED', 'Nobody may act as somebody else');
  return logIn(session, user, password);
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
