/** Opens the doors of the mailbox, IMAP and POP3, keeps their certificate fresh, and closes them when the process drains. */
import type { Settings } from '../config/settings.js';
import type { ConnectionGate } from '../listeners/connection-gate.js';
import { LineDoor } from '../listeners/line-door.js';
import { keepCertificate } from '../listeners/keep-certificate.js';
import type { CertificateFiles, TlsCertificate } from '../listeners/tls-certificate.js';
import { blockListOf } from '../network/client-networks.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { ContentRoom } from './content-room.js';
import { doorOwner } from './door-owner.js';
import type { MailboxAccess, MailboxProtocol } from './mailbox-access.js';

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
    this.stopWatching = keepCertificate(files, this.doors, this.parts.log);
    return open;
  }

  /** Takes no more connections, says goodbye to those that are open, and resolves when all are over. */
  async close(): Promise<void> {
    this.stopWatching();
    this.parts.gate.close();
    await Promise.all(this.doors.map((door) => door.close()));
  }

  private door(protocol: MailboxProtocol, kind: 'starttls' | 'implicit', certificate: TlsCertificate): LineDoor {
    const { hostname, proxyNetworks } = this.settings;
    const { gate, ...parts } = this.parts;
    const owner = doorOwner(protocol, { hostname, room: this.room, ...parts });
    return new LineDoor({ kind, certificate, gate, proxies: blockListOf(proxyNetworks) }, owner);
  }
}
