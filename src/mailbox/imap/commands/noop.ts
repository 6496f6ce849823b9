/** RFC 3501 section 6.1.2: what has happened meanwhile, in whatever process, is told. */
import { ok } from '../completion.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import type { ArgumentReader } from '../argument-reader.js';

/** As CHECK does too. */
export const refreshing = (name: string) => async (session: CommandSession, args: ArgumentReader) => {
  args.end();
  if (session.isSelected) await session.mailbox.refresh();
  return ok(`${name} completed`);
};

export const noop: ImapCommand = { name: 'NOOP', state: 'any', tells: 'all', run: refreshing('NOOP') };
