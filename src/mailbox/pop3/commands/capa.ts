/** RFC 2449 section 5. */
import { ok, formatReply } from '../reply.js';
import type { Pop3Command } from '../pop3-command.js';

/** RFC 2449 section 6, AUTH-RESP-CODE of RFC 3206 section 6. */
const ALWAYS = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'IMPLEMENTATION Posthorn'];
/** RFC 5034 section 6. */
const UNDER_TLS = ['USER', 'SASL PLAIN'];
/** RFC 2595 section 4. */
const BEFORE_TLS = ['STLS'];

export const capa: Pop3Command = {
  name: 'CAPA',
  state: 'any',
  argument: 'none',
  async run(session) {
    const lines = [...ALWAYS, ...(session.isSecure ? UNDER_TLS : BEFORE_TLS), '.'];
    await session.say(formatReply(ok('This is offered')) + lines.map((line) => `${line}\r\n`).join(''));
    return undefined;
  },
};
