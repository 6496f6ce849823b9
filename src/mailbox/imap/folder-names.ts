/** The folders by the names that clients give them, and as they are listed. They are flat. */
import { REPORT_FOLDERS, type FolderName, type ReportFolder } from '../../bounces/reports/report-folders.js';

/** RFC 3501 section 5.1: INBOX has no case, all others have. */
export function folderNamed(name: string): FolderName | undefined {
  if (name.toUpperCase() === 'INBOX') return 'INBOX';
  return REPORT_FOLDERS.find((folder) => folder.name === name)?.name;
}

/** RFC 3501 section 7.2.2, RFC 3348, RFC 6154. */
export function attributesOf(folder: ReportFolder, subscribed: boolean): string {
  const all = [
    // RFC 3501 section 7.2.2: none can be made below. Thunderbird then archives into the folder itself, not into one of a year.
    '\\Noinferiors',
    '\\HasNoChildren',
    ...(folder.specialUse ? [folder.specialUse] : []),
    ...(subscribed ? ['\\Subscribed'] : []),
  ];
  return all.join(' ');
}

/** `*` is anything; `%` is anything without the delimiter, which no name holds. INBOX has no case. */
export function matchesPattern(name: FolderName, pattern: string): boolean {
  const parts = pattern.split(/[*%]+/);
  const [text, wanted] = name === 'INBOX' ? [name, parts.map((part) => part.toUpperCase())] : [name, parts];
  const [first = '', ...rest] = wanted;
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
