/** How a command ends: RFC 3501 section 7.1, with the response codes of RFC 5530. */
import { REPORT_FOLDERS } from '../../bounces/reports/report-folders.js';

export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** Without its brackets. */
  readonly code?: string;
  readonly text: string;
}

export function ok(text: string, code?: string): Completion {
  return { status: 'OK', text, ...(code !== undefined && { code }) };
}

export function no(code: string, text: string): Completion {
  return { status: 'NO', code, text };
}

export function bad(text: string): Completion {
  return { status: 'BAD', text };
}

export function formatCompletion(tag: string, { status, code, text }: Completion): string {
  return `${tag} ${status} ${code === undefined ? '' : `[${code}] `}${text}\r\n`;
}

/** What is refused because of what this mailbox is: each once, in words that say what to do. */
export const REFUSED = {
  fixedFolders: no('CANNOT', 'The folders of this mailbox are fixed: none can be made, renamed or deleted'),
  noAppend: no(
    'CANNOT',
    'Only bounce reports are kept here: switch off storing copies of sent mail and drafts on this server',
  ),
  noCopy: no('CANNOT', 'A report stands in one place: MOVE it to Archive'),
  onlyArchive: no('CANNOT', 'Reports can be moved to the folder Archive only'),
  noFolder: no(
    'NONEXISTENT',
    `There is no such folder: there are ${REPORT_FOLDERS.map(({ name }) => name).join(', ')}`,
  ),
  notSoMany: bad('There are not so many messages'),
  readOnlyFolder: no('READ-ONLY', 'The folder was opened by EXAMINE: SELECT it to change something'),
  readOnlyLogin: no('NOPERM', 'This login may only read'),
  someGone: no('EXPUNGEISSUED', 'Some of these messages are gone'),
  tlsFirst: no('PRIVACYREQUIRED', 'Log in under TLS: use STARTTLS first, or the port for TLS'),
  unavailable: no('UNAVAILABLE', 'The mailbox cannot be reached at the moment: try again later'),
} as const satisfies Record<string, Completion>;
