/** RFC 1939 sections 4 and 6: the only way to remove what is marked. */
import type { CommandSession, Pop3Command } from '../pop3-command.js';
import { ok, REFUSED } from '../reply.js';

export const quit: Pop3Command = {
  name: 'QUIT',
  state: 'any',
  argument: 'none',
  async run(session) {
    session.end();
    if (session.isLoggedIn && !(await remove(session))) return REFUSED.notRemoved;
    return ok('Until next time');
  },
};

/** Whether what is marked is gone, taken away by whom ever. */
async function remove({ maildrop, user, access }: CommandSession): Promise<boolean> {
  const uids = maildrop.deletedUids();
  if (!user.mayWrite || uids.length === 0) return true;
  try {
    await user.mailbox.remove(uids);
    return true;
  } catch (error) {
    access.failed(error, 'pop3');
    return false;
  }
}
