/** What the doors for websites and apps (587, 465) and the trusted one say to their clients. RFC 6409, RFC 4954. */
import type { BlockList } from 'node:net';
import type { Credential } from '../accounts/credentials.js';
import type {
  AuthenticateResult,
  SmtpDoorOwner,
  SmtpEnvelope,
  SmtpFault,
  SmtpReply,
  SmtpSession,
} from '../listeners/smtp-session.js';
import { blockListOf, isListed } from '../network/client-networks.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { AcceptMessage, MailSender } from './accept-message.js';
import { refusal, smtpReply, type Refusal } from './refusals.js';
import type { SmtpLogin } from './smtp-login.js';

/** Who is on the other side: a client that must log in, or a network that the operator trusts to be one account. */
export type DoorKind =
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'trusted'; readonly account: string; readonly networks: readonly string[] };

export class SubmissionDoor implements SmtpDoorOwner {
  private readonly trusted: BlockList | undefined;

  constructor(
    private readonly kind: DoorKind,
    private readonly acceptMessage: AcceptMessage,
    private readonly login: SmtpLogin,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {
    if (kind.kind === 'trusted') this.trusted = blockListOf(kind.networks);
  }

  connect(clientAddress: string): SmtpReply | undefined {
    if (!this.trusted || isListed(this.trusted, clientAddress)) return undefined;
    return this.refuse(refusal('network_not_trusted', clientAddress));
  }

  async authenticate(user: string, password: string, session: SmtpSession): Promise<AuthenticateResult> {
    if (!session.secure) return { kind: 'refused', reply: this.refuse(refusal('tls_required')) };
    const login = await this.login.logIn(user, password, session.clientAddress, this.door);
    if (login.kind === 'refused') return { kind: 'refused', reply: this.refuse(login.refusal) };
    return { kind: 'accepted', user: login.credential };
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

  faultReply(fault: SmtpFault, detail: string): SmtpReply {
    const { messageBytesMax, recipientsMax } = this.acceptMessage.limits;
    switch (fault) {
      case 'message_too_large':
        return this.refuse(refusal(fault, messageBytesMax));
      case 'too_many_recipients':
        return this.refuse(refusal(fault, recipientsMax));
      case 'over_budget':
        return this.refuse(refusal('receiving_too_much'));
      default:
        return this.refuse(refusal(fault, detail));
    }
  }

  connectionsChanged(by: 1 | -1): void {
    this.metrics.connections.inc({ direction: 'inbound', state: 'open' }, by);
  }

  tlsOpened(version: string): void {
    this.metrics.tlsSessions.inc({ direction: 'inbound', version, policy: 'require' });
  }

  proxyFault(fault: string, address: string): void {
    this.log.warn('proxy.header_refused', { fault, client: address });
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
