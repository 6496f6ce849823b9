/** RFC 5034 section 4, with PLAIN (RFC 4616). */
import { readPlainResponse } from '../../sasl-plain.js';
import type { CommandSession, Pop3Command } from '../pop3-command.js';
import { bad, err, REFUSED, type Reply } from '../reply.js';
import { logIn } from '../log-in.js';

/** Longer ones hold no name and password of ours. */
const RESPONSE_OCTETS_MAX = 8 * 1024;

export const auth: Pop3Command = {
  name: 'AUTH',
  state: 'stranger',
  argument: 'needed',
  async run(session, argument) {
    if (!session.isSecure) return REFUSED.tlsFirst;
    const [mechanism = '', initial, ...more] = argument.trim().split(/ +/);
    if (mechanism.toUpperCase() !== 'PLAIN') return err('Only PLAIN is offered');
    if (more.length > 0) return bad('There is one word too many');
    if (initial !== undefined) return answerTo(session, initial);
    await session.say('+ \r\n');
    const read = await session.readLine(RESPONSE_OCTETS_MAX);
    if (read.kind === 'too_long') return bad('The response is too long');
    return read.kind === 'line' ? answerTo(session, read.bytes.toString('latin1')) : undefined;
  },
};

async function answerTo(session: CommandSession, line: string): Promise<Reply> {
  const response = readPlainResponse(line);
  switch (response.kind) {
    case 'login':
      return logIn(session, response.user, response.password);
    case 'cancelled':
      return err('AUTH was cancelled');
    case 'malformed':
      return bad(response.text);
    case 'not_permitted':
      return err(response.text, 'AUTH');
    default:
      return response satisfies never;
  }
}
