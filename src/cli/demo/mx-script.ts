/**
 * What a scripted MX says at each stage of the dialogue, as plain data or as functions of what it has seen. What the
 * script leaves out is what a willing, modern MX would say.
 */
import type { ReceivedMessage } from './received-message.js';

/** A reply as it goes on the wire without the last CRLF: `550 5.1.1 no`, or lines joined by CRLF. */
export type SmtpReply = `${number}${' ' | '-'}${string}`;

/**
 * What the MX does when it is its turn. After a reply whose last line says 421 it closes the connection (RFC 5321
 * section 3.8). `drop before reply` closes it without a word, `stall` leaves the client waiting.
 */
export type MxAnswer = SmtpReply | 'drop before reply' | 'stall';

/** What a scripted function may look at. */
export interface MxContext {
  /** Which connection to this MX it is, from 1. */
  readonly connection: number;
  /** Messages taken on this connection so far. */
  readonly messages: number;
  /** What the client called itself in EHLO or HELO; empty before that. */
  readonly helo: string;
  /** The reverse path of the open transaction; empty for bounces and where none is open. */
  readonly from: string;
  /** Whether the connection is encrypted. */
  readonly tls: boolean;
  readonly remoteAddress: string;
}

export interface RecipientContext extends MxContext {
  /** Which RCPT for this address (without case) at this MX it is, from 1: `attempt === 1` greylists. */
  readonly attempt: number;
}

export type MxStage = 'greeting' | 'ehlo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'dot' | 'rset';

export interface MxScript {
  /** Accept the TCP connection and say nothing, ever. */
  readonly silent?: boolean;
  /** After a refusal other than 421 only QUIT is heard (RFC 5321 section 3.1). */
  readonly greeting?: MxAnswer | ((context: MxContext) => MxAnswer);
  /** In place of the capabilities. `502 5.5.1 no` makes a server that knows only HELO. */
  readonly ehlo?: MxAnswer | ((context: MxContext) => MxAnswer);
  /** `refuse` and `break the handshake` offer STARTTLS even where the MX has no certificate. */
  readonly starttls?: 'ok' | 'refuse' | 'break the handshake';
  readonly mail?: MxAnswer | ((from: string, context: MxContext) => MxAnswer);
  readonly rcpt?: MxAnswer | ((address: string, context: RecipientContext) => MxAnswer);
  /** Any reply but 354 refuses the message before it is sent. */
  readonly data?: MxAnswer | ((context: MxContext) => MxAnswer);
  /** A message counts as received where this is a 2xx, `drop before reply` or `stall`: the MX has it (RFC 1047). */
  readonly dot?: MxAnswer | ((message: ReceivedMessage, context: MxContext) => MxAnswer);
  readonly rset?: MxAnswer | ((context: MxContext) => MxAnswer);
  /** After so many messages on a connection the next MAIL is answered with 421. */
  readonly closeAfterMessages?: number;
  /** Capabilities that are not offered, by keyword: `PIPELINING`, `8BITMIME`, `SIZE`. */
  readonly without?: readonly string[];
  /** How long it thinks before the answer of a stage. */
  readonly delaysMs?: Readonly<Partial<Record<MxStage, number>>>;
}
