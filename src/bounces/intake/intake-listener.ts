/** Opens the intake's port, keeps its certificate fresh, and closes it when the process drains. */
import type { Settings } from '../../config/settings.js';
import type { ConnectionGate } from '../../listeners/connection-gate.js';
import { RECEIVING_BYTES_MAX } from '../../listeners/receive-message.js';
import { SmtpServerDoor } from '../../listeners/smtp-server-door.js';
import { keepCertificate } from '../../listeners/keep-certificate.js';
import type { CertificateFiles, TlsCertificate } from '../../listeners/tls-certificate.js';
import { ByteBudget } from '../../mail/byte-budget.js';
import type { Clock } from '../../mail/clock.js';
import { blockListOf } from '../../network/client-networks.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { IntakeDoor, type IntakeLimits } from './intake-door.js';
import type { IntakeRecipients } from './intake-recipients.js';
import type { ReturnedMailQueue } from './returned-mail-queue.js';

/** RFC 5321 section 4.5.3.1.8. A bounce has one recipient. */
const RECIPIENTS_MAX = 100;
/** Whatever we send ourselves: others bring back mail as large as this. */
const BYTES_MAX_AT_LEAST = 26_214_400;
/** A bounce holds all of the message that it returns, and says something about it. */
const REPORT_BYTES = 1_048_576;

/** The largest message that the intake takes. */
export function returnedBytesMax(messageBytesMax: number): number {
  return Math.max(messageBytesMax, BYTES_MAX_AT_LEAST) + REPORT_BYTES;
}

export interface IntakeParts {
  readonly recipients: IntakeRecipients;
  readonly queue: ReturnedMailQueue;
  readonly gate: ConnectionGate;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

export class IntakeListener {
  private door: SmtpServerDoor | undefined;
  private stopWatching: () => void = () => undefined;

  constructor(
    private readonly settings: Settings,
    private readonly parts: IntakeParts,
  ) {}

  /** Binds the port where it is switched on, and says which; rejects with the fault where it cannot be. */
  async open(certificate: TlsCertificate, files: CertificateFiles): Promise<{ name: string; port: number }[]> {
    const { hostname, bouncePort, listen, messageBytesMax, proxyNetworks } = this.settings;
    if (bouncePort === 0) return [];
    const { recipients, queue, gate, clock, metrics, log } = this.parts;
    const limits = { hostname, messageBytesMax: returnedBytesMax(messageBytesMax), recipientsMax: RECIPIENTS_MAX };
    const door = new SmtpServerDoor(
      {
        ...limits,
        kind: 'intake',
        certificate,
        budget: new ByteBudget(Math.max(RECEIVING_BYTES_MAX, limits.messageBytesMax)),
        gate,
        proxies: blockListOf(proxyNetworks),
      },
      new IntakeDoor(recipients, queue, limits satisfies IntakeLimits, clock, { metrics, log }),
      (error) => log.debug('smtp.session_error', { error: error.message }),
    );
    await door.listen(bouncePort, listen);
    this.door = door;
    this.stopWatching = keepCertificate(files, [door], log);
    return [{ name: 'bounces and complaints', port: bouncePort }];
  }

  /** Stops taking connections and waits for those that are open. */
  async close(): Promise<void> {
    this.stopWatching();
    this.parts.gate.close();
    await this.door?.close();
  }
}
