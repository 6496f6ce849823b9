/** Opens the SMTP doors, keeps their certificate fresh, and closes them when the process drains. */
import type { BlockList } from 'node:net';
import type { ConnectionGate } from '../listeners/connection-gate.js';
import { RECEIVING_BYTES_MAX } from '../listeners/receive-message.js';
import { SmtpServerDoor } from '../listeners/smtp-server-door.js';
import { keepCertificate } from '../listeners/keep-certificate.js';
import type { CertificateFiles, TlsCertificate } from '../listeners/tls-certificate.js';
import { ByteBudget } from '../mail/byte-budget.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { blockListOf } from '../network/client-networks.js';
import type { AcceptMessage } from './accept-message.js';
import type { SmtpLogin } from './smtp-login.js';
import { SubmissionDoor, type DoorKind } from './submission-door.js';

export interface DoorParts {
  readonly acceptMessage: AcceptMessage;
  readonly login: SmtpLogin;
  readonly gate: ConnectionGate;
  readonly metrics: Metrics;
  readonly log: Log;
}

export class SubmissionListeners {
  private readonly doors: SmtpServerDoor[] = [];
  private readonly budget = new ByteBudget(RECEIVING_BYTES_MAX);
  private readonly proxies: BlockList;
  private stopWatching: () => void = () => undefined;

  constructor(
    private readonly settings: Settings,
    private readonly parts: DoorParts,
  ) {
    this.proxies = blockListOf(settings.proxyNetworks);
  }

  /** Binds every port that is switched on, and says which; rejects with the fault of the first that cannot be. */
  async open(certificate: TlsCertificate, files: CertificateFiles): Promise<{ name: string; port: number }[]> {
    const { submissionPort, submissionsPort, trustedPort, trustedNetworks, trustedAccount } = this.settings;
    const authenticated: DoorKind = { kind: 'authenticated' };
    const open: { name: string; port: number }[] = [];
    if (submissionPort !== 0) {
      await this.openDoor('starttls', submissionPort, authenticated, certificate);
      open.push({ name: 'SMTP submission, STARTTLS', port: submissionPort });
    }
    if (submissionsPort !== 0) {
      await this.openDoor('implicit', submissionsPort, authenticated, certificate);
      open.push({ name: 'SMTP submission, TLS', port: submissionsPort });
    }
    if (trustedPort !== 0 && trustedNetworks.length > 0) {
      const trusted: DoorKind = { kind: 'trusted', account: trustedAccount, networks: trustedNetworks };
      await this.openDoor('trusted', trustedPort, trusted, undefined);
      open.push({ name: `SMTP for ${trustedNetworks.join(', ')}`, port: trustedPort });
    }
    this.stopWatching = keepCertificate(files, this.doors, this.parts.log);
    return open;
  }

  /** Stops taking connections and waits for those that are open. */
  async close(): Promise<void> {
    this.stopWatching();
    this.parts.gate.close();
    await Promise.all(this.doors.map((door) => door.close()));
  }

  private async openDoor(
    kind: 'starttls' | 'implicit' | 'trusted',
    port: number,
    clients: DoorKind,
    certificate: TlsCertificate | undefined,
  ): Promise<void> {
    const { hostname, messageBytesMax, recipientsMax, listen } = this.settings;
    const { acceptMessage, login, gate, metrics, log } = this.parts;
    const owner = new SubmissionDoor(clients, acceptMessage, login, metrics, log);
    const shared = { budget: this.budget, gate, proxies: this.proxies };
    const options = { hostname, kind, certificate, messageBytesMax, recipientsMax, ...shared };
    const door = new SmtpServerDoor(options, owner, (error) => {
      log.debug('smtp.session_error', { error: error.message });
    });
    await door.listen(port, listen);
    this.doors.push(door);
  }
}
