/** RFC 3501 section 6.3.11: refused. With a literal it is refused before that comes; without one it is written wrongly. */
import { bad } from '../completion.js';
import type { ImapCommand } from '../imap-command.js';

export const append: ImapCommand = {
  name: 'APPEND',
  state: 'user',
  async run() {
    return bad('APPEND: expected a folder and a literal');
  },
};
