/** What an SMTP door tells its owner, and what the owner answers. The adapter beside it speaks the protocol. */

/** Facts of the session that a message is traced with. */
export interface SmtpSession {
  readonly id: string;
  /** Address of the client, without an IPv4-mapped prefix; behind a load balancer, what its PROXY header said. */
  readonly clientAddress: string;
  /** What the client calls itself in EHLO or HELO. */
  readonly clientName: string;
  readonly secure: boolean;
  /** `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPSA`: RFC 3848. */
  readonly protocol: string;
  /** What `authenticate` gave for this session. */
  readonly user?: unknown;
  /** MAIL FROM said SMTPUTF8: RFC 6531. */
  readonly smtpUtf8: boolean;
  /** What MAIL FROM said in SIZE: RFC 1870. */
  readonly declaredBytes?: number;
  /** Recipients of the message that were taken so far. */
  readonly recipients: number;
}

/** A reply of ours: code, then text that begins with the enhanced status code. The code 421 ends the session. */
export interface SmtpReply {
  readonly code: number;
  readonly text: string;
}

export type AuthenticateResult =
  { readonly kind: 'accepted'; readonly user: unknown } | { readonly kind: 'refused'; readonly reply: SmtpReply };

export interface SmtpEnvelope {
  /** Empty for the null reverse path. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
}

/** What the protocol itself finds wrong; the owner has the words for it. */
export type SmtpFault =
  | 'early_talker'
  | 'tls_required'
  | 'message_too_large'
  | 'too_many_recipients'
  | 'over_budget'
  | 'shutting_down'
  /** Detail: the address. */
  | 'too_many_connections'
  /** Detail: how long to stay away. */
  | 'too_many_failed_logins'
  /** Detail: what takes too long. */
  | 'too_slow'
  /** Detail: octets that the line may have. */
  | 'command_too_long'
  | 'command_not_ascii'
  | 'bare_line_ending'
  | 'too_many_errors'
  | 'pipelined_before_tls'
  /** Detail: how the command is written. */
  | 'unreadable_path'
  /** Detail: the parameter. */
  | 'unknown_parameter'
  | 'other_identity';

/** The owner of a door. An answer of undefined means accepted. */
export interface SmtpDoorOwner {
  /** Asked of every client before it has anything of the process; a refused one is closed. */
  connect(clientAddress: string): SmtpReply | undefined;
  authenticate(user: string, password: string, session: SmtpSession): Promise<AuthenticateResult>;
  mailFrom(reversePath: string, session: SmtpSession): Promise<SmtpReply | undefined>;
  rcptTo(recipient: string, session: SmtpSession): Promise<SmtpReply | undefined>;
  /** The whole message, as received between DATA and the final dot. The reply goes out when this resolves. */
  message(body: Buffer, envelope: SmtpEnvelope, session: SmtpSession): Promise<SmtpReply>;
  /** What to say of a fault; called once for each time that it is said. */
  faultReply(fault: SmtpFault, detail: string): SmtpReply;
  /** A connection was opened (+1) or closed (-1). */
  connectionsChanged(by: 1 | -1): void;
  tlsOpened(version: string): void;
  /** A load balancer's PROXY header could not be read; its connection was closed. */
  proxyFault(fault: string, address: string): void;
}
