/** What an expunge takes: RFC 3501 section 6.4.3. */
import type { CommandSession } from './imap-command.js';

const DELETED = '\\Deleted';

/**
 * Removes those in the selected folder that are marked as deleted, of `among` where it is given; none where this session
 * may change nothing.
 */
export async function removeDeleted(
  { mailbox, folder, mayWrite }: Pick<CommandSession, 'mailbox' | 'folder' | 'mayWrite'>,
  among?: ReadonlySet<number>,
): Promise<void> {
  if (folder.readOnly || !mayWrite) return;
  // Somebody may have set a mark in another process, and been told OK.
  await mailbox.refresh();
  const uids = mailbox
    .folder(folder.name)
    .reports.filter(({ uid, flags }) => flags.includes(DELETED) && (among?.has(uid) ?? true))
    .map(({ uid }) => uid);
  if (uids.length > 0) await mailbox.remove(uids, DELETED);
}
