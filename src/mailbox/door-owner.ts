/** What the doors of IMAP and POP3 say and do with a connection, whoever opens them. */
import type { LineDoorOwner } from '../listeners/line-door.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ContentRoom } from './content-room.js';
import { ImapSession } from './imap/imap-session.js';
import type { MailboxAccess, MailboxProtocol } from './mailbox-access.js';
import { Pop3Session } from './pop3/pop3-session.js';

export interface DoorOwnerParts {
  readonly hostname: string;
  readonly access: MailboxAccess;
  readonly room: ContentRoom;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function doorOwner(protocol: MailboxProtocol, parts: DoorOwnerParts): LineDoorOwner {
  const { hostname, access, room, metrics, log } = parts;
  const Session = protocol === 'imap' ? ImapSession : Pop3Session;
  return {
    serve: (connection, startTls) => new Session({ connection, startTls, hostname, access, room }).run(),
    refusal: (fault, detail) => {
      const words =
        fault === 'too_many_connections'
          ? `Too many connections (${detail}) without a login: try again in a minute`
          : `Too many failed logins: try again in ${detail}`;
      return protocol === 'imap' ? `* BYE ${words}\r\n` : `-ERR [SYS/TEMP] ${words}\r\n`;
    },
    tlsOpened: (version) => metrics.tlsSessions.inc({ direction: 'inbound', version, policy: 'require' }),
    proxyFault: (fault, address) => log.warn('proxy.header_refused', { fault, client: address }),
    failed: (error) => log.error('mailbox.session_failed', error, { protocol }),
  };
}
