/** RFC 3501 sections 6.3.1 and 6.3.2. */
import type { ArgumentReader } from '../argument-reader.js';
import { ok, REFUSED, type Completion } from '../completion.js';
import { folderNamed } from '../folder-names.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { SelectedFolder } from '../selected-folder.js';

export const select: ImapCommand = {
  name: 'SELECT',
  state: 'user',
  run: (session, args) => open(session, args, false),
};

export const examine: ImapCommand = {
  name: 'EXAMINE',
  state: 'user',
  run: (session, args) => open(session, args, true),
};

async function open(session: CommandSession, args: ArgumentReader, readOnly: boolean): Promise<Completion> {
  args.space();
  const given = args.astring('a folder');
  args.end();
  // Also where the new one cannot be: section 6.3.1.
  session.select(undefined);
  const name = folderNamed(given);
  if (!name) return REFUSED.noFolder;
  const { mailbox } = session;
  await mailbox.refresh();
  const before = mailbox.folder(name);
  const hasNews = (before.reports.at(-1)?.uid ?? 0) > before.recentUid;
  const recentFrom = hasNews ? await session.claimRecent({ name, readOnly }) : Infinity;
  const snapshot = mailbox.folder(name);
  const folder = new SelectedFolder(name, readOnly, snapshot, recentFrom);
  session.select(folder);
  await session.tellKeywords();
  const unseen = folder.reports.findIndex(({ flags }) => !flags.includes('\\Seen'));
  await session.say(
    `* ${folder.reports.length} EXISTS\r\n* ${folder.recentCount} RECENT\r\n` +
      (unseen === -1 ? '' : `* OK [UNSEEN ${unseen + 1}] The first that was not seen\r\n`) +
      `* OK [UIDVALIDITY ${mailbox.uidValidity}] These uids are good\r\n` +
      `* OK [UIDNEXT ${snapshot.uidNext}] No uid below comes any more\r\n`,
  );
  // Not READ-ONLY for a login that may only read: programs give up on it, and take STORE that changes nothing.
  return readOnly ? ok('EXAMINE completed', 'READ-ONLY') : ok('SELECT completed', 'READ-WRITE');
}
