/** The reports that an expunge takes: RFC 3501 section 6.4.3. */
import type { CommandSession } from './imap-command.js';

export const DELETED = '\\Deleted';

/** Uids of those in the selected folder that are marked as deleted; none where this session may change nothing. */
export async function deletedReports({
  mailbox,
  folder,
  mayWrite,
}: Pick<CommandSession, 'mailbox' | 'folder' | 'mayWrite'>): Promise<number[]> {
  if (folder.readOnly || !mayWrite) return [];
  // Somebody may have set a mark in another process, and been told OK.
  await mailbox.refresh();
  return mailbox
    .folder(folder.name)
    .reports.filter(({ flags }) => flags.includes(DELETED))
    .map(({ uid }) => uid);
}
