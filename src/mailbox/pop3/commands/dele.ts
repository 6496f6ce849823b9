/** RFC 1939 section 5: what is marked is removed by QUIT. */
import type { Pop3Command } from '../pop3-command.js';
import { ok } from '../reply.js';

export const dele: Pop3Command = {
  name: 'DELE',
  state: 'user',
  argument: 'needed',
  run({ maildrop, user }, argument) {
    const named = maildrop.named(argument);
    if (named.kind === 'refused') return named.reply;
    maildrop.delete(named.message);
    // Mail programs that are told -ERR fetch no further.
    return ok(user.mayWrite ? 'Marked as deleted' : 'Marked, but it stays: this login may only read');
  },
};

export const rset: Pop3Command = {
  name: 'RSET',
  state: 'user',
  argument: 'none',
  run({ maildrop }) {
    maildrop.reset();
    return ok('Nothing is marked as deleted');
  },
};
