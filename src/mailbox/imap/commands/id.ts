/** RFC 2971: who is who. What the client says of itself is read and not kept. */
import { ok } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

/** Section 3.3: 30 pairs of a field and a value. */
const WORDS_MAX = 60;

export const id: ImapCommand = {
  name: 'ID',
  state: 'any',
  async run(session, args) {
    args.space();
    if (!args.takesNil()) args.list(() => args.nstring(), WORDS_MAX, 'a list or NIL');
    args.end();
    await session.say('* ID ("name" "Posthorn")\r\n');
    return ok('ID completed');
  },
};
