/** RFC 3501 section 6.2.2, with PLAIN (RFC 4616) and an initial response (RFC 4959). */
import { readPlainResponse } from '../../sasl-plain.js';
import { bad, no, REFUSED, type Completion } from '../completion.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { logIn } from '../log-in.js';

const RESPONSE_MS = 2 * 60_000;

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

async function answerTo(session: CommandSession, line: string): Promise<Completion> {
  const response = readPlainResponse(line);
  switch (response.kind) {
    case 'login':
      return logIn(session, response.user, response.password);
    case 'cancelled':
      return bad('AUTHENTICATE was cancelled');
    case 'malformed':
      return bad(response.text);
    case 'not_permitted':
      return no('AUTHORIZATIONFAILED', response.text);
    default:
      return response satisfies never;
  }
}
