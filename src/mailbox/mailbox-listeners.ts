/** Opens the doors of the mailbox, IMAP and POP3, keeps their certificate fresh, and closes them when the process drains. */
import type { Settings } from '../config/settings.js';
import type { ConnectionGate } from '../listeners/connection-gate.js';
import { LineDoor, type LineDoorOwner } from '../listeners/line-door.js';
import { watchCertificate, type CertificateFiles, type TlsCertificate } from '../listeners/tls-certificate.js';
import { blockListOf } from '../network/client-networks.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { ContentRoom } from './content-room.js';
import { ImapSession } from './imap/imap-session.js';
import type { MailboxAccess, MailboxProtocol } from './mailbox-access.js';
import { Pop3Session } from './pop3/pop3-session.js';

export interface MailboxListenerParts {
  readonly access: MailboxAccess;
  readonly gate: ConnectionGate;
  readonly metrics: Metrics;
  readonly log: Log;
}

export class MailboxListeners {
  private readonly doors: LineDoor[] = [];
  private readonly room = new ContentRoom();
  private stopWatching: () => void = () => undefined;

  constructor(
    private readonly settings: Settings,
    private readonly parts: MailboxListenerParts,
  ) {}

  /** Binds every port that is switched on, and says which; rejects with the fault of the first that cannot be. */
  async open(certificate: TlsCertificate, files: CertificateFiles): Promise<{ name: string; port: number }[]> {
    const { imapsPort, imapPort, pop3sPort, pop3Port } = this.settings;
    const wanted = [
      { name: 'bounce reports, IMAP with TLS', port: imapsPort, protocol: 'imap', kind: 'implicit' },
      { name: 'bounce reports, IMAP with STARTTLS', port: imapPort, protocol: 'imap', kind: 'starttls' },
      { name: 'bounce reports, POP3 with TLS', port: pop3sPort, protocol: 'pop3', kind: 'implicit' },
      { name: 'bounce reports, POP3 with STLS', port: pop3Port, protocol: 'pop3', kind: 'starttls' },
    ] as const;
    const open: { name: string; port: number }[] = [];
    for (const { name, port, protocol, kind } of wanted) {
      if (port === 0) continue;
      const door = this.door(protocol, kind, certificate);
      await door.listen(port, this.settings.listen);
      this.doors.push(door);
      open.push({ name, port });
      this.parts.metrics.mailboxSessions.inc({ protocol }, 0);
    }
    const { log } = this.parts;
    this.stopWatching = watchCertificate(
      files,
      (fresh) => {
        for (const door of this.doors) door.replaceCertificate(fresh);
        log.info('tls.certificate_reloaded');
      },
      (fault) => {
        log.warn('tls.certificate_unusable', { fault });
      },
    );
    return open;
  }

  /** Takes no more connections, says goodbye to those that are open, and resolves when all are over. */
  async close(): Promise<void> {
    this.stopWatching();
    this.parts.gate.close();
    await Promise.all(this.doors.map((door) => door.close()));
  }

  private door(protocol: MailboxProtocol, kind: 'starttls' | 'implicit', certificate: TlsCertificate): LineDoor {
    const proxies = blockListOf(this.settings.proxyNetworks);
    return new LineDoor({ kind, certificate, gate: this.parts.gate, proxies }, this.owner(protocol));
  }

  private owner(protocol: MailboxProtocol): LineDoorOwner {
    const { access, metrics, log } = this.parts;
    const { room } = this;
    const { hostname } = this.settings;
    const Session = protocol === 'imap' ? ImapSession : Pop3Session;
    return {
      serve: (connection, startTls) => new Session({ connection, startTls, hostname, access, room }).run(),
      refusal: (fault, detail) => {
        const words =
          fault === 'too_many_connections'
            ? `Too many connections (${detail}): close some`
            : `Too many failed logins: try again in ${detail}`;
        return protocol === 'imap' ? `* BYE ${words}\r\n` : `-ERR [SYS/TEMP] ${words}\r\n`;
      },
      tlsOpened: (version) => metrics.tlsSessions.inc({ direction: 'inbound', version, policy: 'require' }),
      proxyFault: (fault, address) => log.warn('proxy.header_refused', { fault, client: address }),
      failed: (error) => log.error('mailbox.session_failed', error, { protocol }),
    };
  }
}
