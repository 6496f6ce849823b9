/** RFC 3501 sections 6.3.6 and 6.3.7. At first all folders are subscribed to. */
import type { ArgumentReader } from '../argument-reader.js';
import { ok, REFUSED, type Completion } from '../completion.js';
import { folderNamed } from '../folder-names.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';

export const subscribe: ImapCommand = {
  name: 'SUBSCRIBE',
  state: 'user',
  run: (session, args) => setSubscribed(session, args, true),
};

export const unsubscribe: ImapCommand = {
  name: 'UNSUBSCRIBE',
  state: 'user',
  run: (session, args) => setSubscribed(session, args, false),
};

async function setSubscribed(session: CommandSession, args: ArgumentReader, subscribed: boolean): Promise<Completion> {
  args.space();
  const name = folderNamed(args.astring('a folder'));
  args.end();
  if (!name) return REFUSED.noFolder;
  if (!session.mayWrite) return REFUSED.readOnlyLogin;
  await session.mailbox.setSubscribed(name, subscribed);
  return ok(`${subscribed ? 'SUBSCRIBE' : 'UNSUBSCRIBE'} completed`);
}
