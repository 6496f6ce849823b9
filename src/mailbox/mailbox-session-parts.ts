/** What a session of IMAP or POP3 is made of. */
import type { LineConnection } from '../listeners/line-connection.js';
import type { ContentRoom } from './content-room.js';
import type { MailboxAccess } from './mailbox-access.js';

export interface MailboxSessionParts {
  readonly connection: LineConnection;
  /** Goes on under TLS; what comes before that is nobody's. */
  readonly startTls: () => Promise<void>;
  readonly hostname: string;
  readonly access: MailboxAccess;
  /** Of the process, for all its sessions. */
  readonly room: ContentRoom;
}
