/** The reports that an expunge takes: RFC 3501 section 6.4.3. */
import type { CommandSession } from './imap-command.js';

/** Uids of those in the selected folder that are marked as deleted; none where this session may change nothing. */
export function deletedReports({ mailbox, folder, mayWrite }: CommandSession): number[] {
  if (folder.readOnly || !mayWrite) return [];
  return mailbox
    .folder(folder.name)
    .reports.filter(({ flags }) => flags.includes('\\Deleted'))
    .map(({ uid }) => uid);
}
