/**
 * What the intake on port 25 says to the mail servers that bring back what we sent, and complaints about it: who is no
 * address of ours hears so at RCPT, and what is taken is in Redis before its 250. It never sends mail by itself, so that
 * a bounce of a bounce ends here. RFC 5321 sections 4.5.5 and 6.
 */
import { createHash } from 'node:crypto';
import type {
  AuthenticateResult,
  SmtpDoorOwner,
  SmtpEnvelope,
  SmtpFault,
  SmtpReply,
  SmtpSession,
} from '../../listeners/smtp-session.js';
import { receivedField } from '../../listeners/trace-fields.js';
import type { Clock } from '../../mail/clock.js';
import { parseHeaderBlock } from '../../mail/header-block.js';
import { newMessageId } from '../../mail/message-id.js';
import { SHARD } from '../../store/keyspace.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { IntakeRecipient, IntakeRecipients } from './intake-recipients.js';
import { intakeRefusal, type IntakeRefusal } from './intake-refusals.js';
import type { ReturnedMailQueue } from './returned-mail-queue.js';

export interface IntakeLimits {
  readonly hostname: string;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
}

/** RFC 5321 section 6.3: a limit of 100 Received fields or more tells a loop from a long way. */
const RECEIVED_MAX = 100;

export class IntakeDoor implements SmtpDoorOwner {
  constructor(
    private readonly recipients: IntakeRecipients,
    private readonly queue: ReturnedMailQueue,
    private readonly limits: IntakeLimits,
    private readonly clock: Clock,
    private readonly telemetry: { readonly metrics: Metrics; readonly log: Log },
  ) {}

  connect(): undefined {
    return undefined;
  }

  /** Never asked: the door knows no AUTH. */
  async authenticate(): Promise<AuthenticateResult> {
    return { kind: 'refused', reply: this.refuse('other_identity') };
  }

  /** Bounces have the null reverse path, complaints and answers anybody's: it is kept and not judged. */
  async mailFrom(): Promise<undefined> {
    return undefined;
  }

  async rcptTo(address: string, session: SmtpSession): Promise<SmtpReply | undefined> {
    const { log } = this.telemetry;
    try {
      const reading = await this.recipients.read(address);
      if (reading.kind === 'taken') return undefined;
      const { cause } = reading;
      log.info('intake.refused', { cause, address: log.address(address), client: session.clientAddress });
      return this.refuse(cause, address);
    } catch (error) {
      return this.unavailable(error);
    }
  }

  /** Never rejects: what Redis did not confirm is to be sent again. */
  async message(body: Buffer, envelope: SmtpEnvelope, session: SmtpSession): Promise<SmtpReply> {
    const { log } = this.telemetry;
    const hops = parseHeaderBlock(body).fields.filter(({ name }) => name === 'received').length;
    if (hops > RECEIVED_MAX) {
      log.warn('intake.loop', { hops, client: session.clientAddress, from: log.address(envelope.reversePath) });
      return this.refuse('looping', hops);
    }
    try {
      return await this.keep(body, envelope, session);
    } catch (error) {
      return this.unavailable(error);
    }
  }

  faultReply(fault: SmtpFault, detail: string): SmtpReply {
    const { messageBytesMax, recipientsMax } = this.limits;
    switch (fault) {
      case 'message_too_large':
        return this.refuse(fault, messageBytesMax);
      case 'too_many_recipients':
        return this.refuse(fault, recipientsMax);
      default:
        return this.refuse(fault, detail);
    }
  }

  connectionsChanged(by: 1 | -1): void {
    this.telemetry.metrics.connections.inc({ direction: 'inbound', state: 'open' }, by);
  }

  tlsOpened(version: string): void {
    this.telemetry.metrics.tlsSessions.inc({ direction: 'inbound', version, policy: 'opportunistic' });
  }

  proxyFault(fault: string, address: string): void {
    this.telemetry.log.warn('proxy.header_refused', { fault, client: address });
  }

  private async keep(body: Buffer, envelope: SmtpEnvelope, session: SmtpSession): Promise<SmtpReply> {
    const { log } = this.telemetry;
    const { reversePath } = envelope;
    const recipients = await this.readRecipients(envelope.recipients);
    // All were taken at RCPT; since then their message has gone.
    if (recipients.length === 0) return this.refuse('gone', envelope.recipients[0]);
    const at = this.clock.now();
    const id = newMessageId(at, SHARD);
    const received = receivedField({ id, hostname: this.limits.hostname, source: { kind: 'smtp', session }, atMs: at });
    // RFC 5321 section 4.4: who makes final delivery writes down the reverse path.
    const trace = Buffer.from(`Return-Path: <${reversePath}>\r\n${received}`);
    const { clientAddress } = session;
    const digest = createHash('sha256').update(body).digest('base64url');
    const content = Buffer.concat([trace, body]);
    const result = await this.queue.append({ at, reversePath, clientAddress, recipients, digest, content });
    if (result.kind === 'no_room') {
      log.warn('intake.no_room', { why: result.why });
      return this.refuse('no_room');
    }
    log.info('intake.taken', {
      id,
      from: log.address(reversePath),
      to: envelope.recipients.slice(0, 10).map((address) => log.address(address)),
      client: clientAddress,
      bytes: body.length,
    });
    return { code: 250, text: `2.0.0 Ok: taken as ${id}` };
  }

  private async readRecipients(addresses: readonly string[]): Promise<IntakeRecipient[]> {
    const readings = await Promise.all(addresses.map((address) => this.recipients.read(address)));
    return readings.flatMap((reading) => (reading.kind === 'taken' ? [reading.recipient] : []));
  }

  private unavailable(error: unknown): SmtpReply {
    this.telemetry.log.error('intake.unavailable', error);
    return this.refuse('unavailable');
  }

  private refuse(cause: IntakeRefusal, detail?: string | number): SmtpReply {
    this.telemetry.metrics.intakeRefused.inc({ reason: cause });
    return intakeRefusal(cause, detail);
  }
}
