/** RFC 1939 section 5. */
import type { Pop3Command } from '../pop3-command.js';
import { ok } from '../reply.js';

export const stat: Pop3Command = {
  name: 'STAT',
  state: 'user',
  argument: 'none',
  run({ maildrop }) {
    const { count, octets } = maildrop.size();
    return ok(`${count} ${octets}`);
  },
};
