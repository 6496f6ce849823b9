/** What the doors for websites and apps (587, 465) and the trusted one say to their clients. RFC 6409, RFC 4954. */
import { BlockList, isIPv6 } from 'node:net';
import type { Credential, Credentials } from '../accounts/credentials.js';
import type {
  AuthenticateResult,
  SmtpDoorOwner,
  SmtpEnvelope,
  SmtpFault,
  SmtpReply,
  SmtpSession,
} from '../listeners/smtp-session.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { AcceptMessage, MailSender } from './accept-message.js';
import { refusal, smtpReply, type Refusal } from './refusals.js';

/** Who is on the other side: a client that must log in, or a network that the operator trusts to be one account. */
export type DoorKind =
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'trusted'; readonly account: string; readonly networks: readonly string[] };

export class SubmissionDoor implements SmtpDoorOwner {
  private readonly trusted: BlockList | undefined;

  constructor(
    private readonly kind: DoorKind,
    private readonly acceptMessage: AcceptMessage,
    private readonly credentials: Credentials,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {
    if (kind.kind === 'trusted') this.trusted = blockListOf(kind.networks);
  }

  connect(session: SmtpSession): Promise<SmtpReply | undefined> {
    const { clientAddress } = session;
    if (!this.trusted || this.trusted.check(clientAddress, isIPv6(clientAddress) ? 'ipv6' : 'ipv4')) {
      return Promise.resolve(undefined);
    }
    return Promise.resolve(this.refuse(refusal('network_not_trusted', clientAddress)));
  }

  async authenticate(user: string, password: string, session: SmtpSession): Promise<AuthenticateResult> {
    const door = this.door;
    if (!session.secure) return { kind: 'refused', reply: this.refuse(refusal('tls_required')) };
    try {
      const credential = await this.credentials.checkSmtp(user, password);
      this.metrics.authAttempts.inc({ door, outcome: credential ? 'accepted' : 'refused' });
      if (!credential) {
        this.log.info('auth.refused', { door, client: session.clientAddress });
        return { kind: 'refused', reply: this.refuse(refusal('bad_credentials')) };
      }
      if (!credential.scopes.includes('smtp')) {
        return { kind: 'refused', reply: this.refuse(refusal('missing_scope', 'send over SMTP')) };
      }
      return { kind: 'accepted', user: credential };
    } catch (error) {
      this.metrics.authAttempts.inc({ door, outcome: 'error' });
      this.log.error('auth.failed', error, { door });
      // RFC 4954 section 4.7: a temporary failure to authenticate.
      return { kind: 'refused', reply: { ...this.refuse(refusal('queue_unavailable')), code: 454 } };
    }
  }

  async mailFrom(reversePath: string, session: SmtpSession): Promise<SmtpReply | undefined> {
    const sender = this.senderOf(session);
    // RFC 3207 section 4: who cannot log in yet must hear of TLS first.
    if (!sender) return this.refuse(refusal(session.secure ? 'authentication_required' : 'tls_required'));
    const refused = await this.acceptMessage.checkReversePath(sender, reversePath, session);
    return refused && this.refuse(refused);
  }

  async rcptTo(recipient: string, session: SmtpSession): Promise<SmtpReply | undefined> {
    const refused = await this.acceptMessage.checkRecipient(this.senderOf(session), recipient, session);
    return refused && this.refuse(refused);
  }

  async message(body: Buffer, envelope: SmtpEnvelope, session: SmtpSession): Promise<SmtpReply> {
    const sender = this.senderOf(session);
    if (!sender) return this.refuse(refusal('authentication_required'));
    const acceptance = await this.acceptMessage.accept({
      ...sender,
      door: this.door,
      options: {},
      reversePath: envelope.reversePath,
      recipients: envelope.recipients,
      content: body,
      source: { kind: 'smtp', session },
    });
    if (acceptance.kind === 'refused') return smtpReply(acceptance.refusal);
    return { code: 250, text: `2.0.0 Ok: queued as ${acceptance.id}` };
  }

  faultReply(fault: SmtpFault): SmtpReply {
    const { messageBytesMax, recipientsMax } = this.acceptMessage.limits;
    switch (fault) {
      case 'early_talker':
        return this.refuse(refusal('early_talker'));
      case 'tls_required':
        return this.refuse(refusal('tls_required'));
      case 'message_too_large':
        return this.refuse(refusal('message_too_large', messageBytesMax));
      case 'too_many_recipients':
        return this.refuse(refusal('too_many_recipients', recipientsMax));
      case 'over_budget':
        return this.refuse(refusal('receiving_too_much'));
      case 'shutting_down':
        return this.refuse(refusal('shutting_down'));
      default:
        return fault satisfies never;
    }
  }

  connectionsChanged(by: 1 | -1): void {
    this.metrics.connections.inc({ direction: 'inbound', state: 'open' }, by);
  }

  tlsOpened(version: string): void {
    this.metrics.tlsSessions.inc({ direction: 'inbound', version, policy: 'require' });
  }

  private get door(): 'smtp' | 'trusted' {
    return this.kind.kind === 'trusted' ? 'trusted' : 'smtp';
  }

  private senderOf(session: SmtpSession): MailSender | undefined {
    if (this.kind.kind === 'trusted') return { account: this.kind.account };
    const credential = session.user as Credential | undefined;
    return credential && { account: credential.account, credential };
  }

  private refuse(refused: Refusal): SmtpReply {
    this.metrics.submissionsRejected.inc({ door: this.door, reason: refused.cause });
    return smtpReply(refused);
  }
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const slash = network.lastIndexOf('/');
    const address = network.slice(0, slash);
    list.addSubnet(address, Number(network.slice(slash + 1)), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
}
