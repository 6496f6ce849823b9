/** The folders by the names that clients give them. */
import { REPORT_FOLDERS, type FolderName } from '../../bounces/reports/report-folders.js';

/** RFC 3501 section 5.1: INBOX has no case, all others have. */
export function folderNamed(name: string): FolderName | undefined {
  if (name.toUpperCase() === 'INBOX') return 'INBOX';
  return REPORT_FOLDERS.find((folder) => folder.name === name)?.name;
}
