/**
 * One SMTP session with a receiver, on nodemailer's SMTPConnection: pipelined MAIL, RCPT and DATA on a socket that is
 * already open. What the server says becomes an outcome for each recipient.
 *
 * BUGS of the library that are met here: no RSET after a transaction whose recipients were all refused; a connection
 * lost during DATA is reported without saying whether the final dot had left; a TLS handshake that breaks is reported
 * as a fault of the socket; the 503s that follow a refused MAIL are reported as the recipients' own.
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { DataContent } from './data-content.js';
import type { DialogueStage } from '../mail/classification.js';
import { outcomeOfReply, type AttemptOutcome } from '../mail/outcome.js';
import { parseReply } from '../mail/reply.js';
import {
  authFailed,
  connectionLost,
  lostAfterFinalDot,
  needsSmtputf8,
  tlsFailed,
  tooLargeForServer,
  unsendableAddress,
} from './local-reply.js';
import type { TlsMode } from './routing.js';

// RFC 5321 section 4.5.3.2: 5 minutes for the greeting and for each command, 10 for the reply to the final dot.
const GREETING_TIMEOUT_MS = 5 * 60_000;
const REPLY_TIMEOUT_MS = 10 * 60_000;

export interface SessionTarget {
  readonly socket: Socket | TLSSocket;
  /** The peer's name, for SNI. */
  readonly hostname: string;
  /** `name[address]:port`, for events. */
  readonly label: string;
  /** The socket speaks TLS already. */
  readonly secured: boolean;
  readonly tls: TlsMode;
  /** Refuse a certificate that cannot be verified. */
  readonly verify: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
}

export type SessionOpening =
  | { readonly kind: 'open'; readonly session: SmtpClientSession }
  /** `tls`: the handshake broke, so that plaintext may be tried where the mode allows it. */
  | { readonly kind: 'failed'; readonly outcome: AttemptOutcome; readonly tls: boolean };

/** An error as nodemailer reports it. */
interface SmtpError extends Error {
  code?: string;
  response?: string;
  command?: string;
  recipient?: string;
  rejectedErrors?: SmtpError[];
}

/** What a transfer met: an outcome for each recipient, by address. */
export interface TransferResult {
  readonly outcomes: ReadonlyMap<string, AttemptOutcome>;
  /** Nothing of this transaction was sent before the connection proved dead: it may be tried on another at once. */
  readonly neverBegan: boolean;
}

/** Greets the server, and speaks STARTTLS and AUTH as the target says. `name` is what we call ourselves. */
export function openSession(target: SessionTarget, name: string, signal: AbortSignal): Promise<SessionOpening> {
  const connection = new SMTPConnection({
    connection: target.socket,
    host: target.hostname,
    name,
    secure: target.secured,
    secured: target.secured,
    ignoreTLS: target.tls === 'none',
    opportunisticTLS: target.tls === 'opportunistic',
    requireTLS: target.tls === 'require' && !target.secured,
    tls: { servername: target.hostname, rejectUnauthorized: target.verify, minVersion: 'TLSv1.2' },
    connectionTimeout: GREETING_TIMEOUT_MS,
    greetingTimeout: GREETING_TIMEOUT_MS,
    socketTimeout: REPLY_TIMEOUT_MS,
    logger: false,
  });
  return new Promise((resolve) => {
    const fail = (error: SmtpError): void => {
      signal.removeEventListener('abort', giveUp);
      const tls = error.code === 'ETLS' || (connection as unknown as { upgrading?: boolean }).upgrading === true;
      connection.close();
      resolve({ kind: 'failed', outcome: openingOutcome(error, target.label, tls), tls });
    };
    const giveUp = (): void => {
      fail(new Error('the relay is stopping'));
    };
    signal.addEventListener('abort', giveUp);
    connection.once('error', fail);
    if (signal.aborted) {
      giveUp();
      return;
    }
    connection.connect((error) => {
      if (error) {
        fail(error);
        return;
      }
      const ready = (): void => {
        connection.off('error', fail);
        signal.removeEventListener('abort', giveUp);
        resolve({ kind: 'open', session: new SmtpClientSession(connection, target) });
      };
      if (!target.auth) {
        ready();
        return;
      }
      connection.login({ user: target.auth.user, pass: target.auth.pass }, (loginError) => {
        if (loginError) fail(loginError);
        else ready();
      });
    });
  });
}

export class SmtpClientSession {
  readonly label: string;
  readonly secure: boolean;
  readonly tlsVersion: string | undefined;
  /** Messages sent over it. */
  used = 0;
  private needsReset = false;
  private dead = false;

  constructor(
    private readonly connection: SMTPConnection,
    target: SessionTarget,
  ) {
    this.label = target.label;
    this.secure = connection.secure;
    const tlsSocket = this.secure ? (this.socket as TLSSocket | undefined) : undefined;
    this.tlsVersion = tlsSocket?.getProtocol() ?? undefined;
    connection.on('error', () => {
      this.dead = true;
    });
    connection.once('end', () => {
      this.dead = true;
    });
  }

  /** Whether another message may be sent over it. */
  get alive(): boolean {
    return !this.dead && !this.connection.destroyed;
  }

  /** Sends one message. Never rejects. */
  async transfer(reversePath: string, recipients: readonly string[], message: Buffer): Promise<TransferResult> {
    if (!this.alive || !(await this.resetIfNeeded())) {
      const lost = connectionLost(`${this.label} closed the connection`);
      // A new session that is dead already is the server's answer; an old one had merely gone cold.
      return { outcomes: forAll(recipients, lost), neverBegan: this.used > 0 };
    }
    const utf8Refusal = this.refuseUtf8(reversePath, recipients);
    if (utf8Refusal) return { outcomes: utf8Refusal, neverBegan: false };
    this.used++;
    const content = new DataContent(message, this.socket);
    const envelope = {
      from: reversePath,
      to: [...recipients],
      size: message.length,
      use8BitMime: hasEightBit(message),
    };
    return new Promise((resolve) => {
      this.connection.send(envelope, content as unknown as Readable, (error: SmtpError | null, info) => {
        const mailRefused = error?.command === 'MAIL FROM' && error.response !== undefined;
        // The library itself refused: nothing of this transaction was sent.
        const unsent = error !== null && error.response === undefined && this.alive;
        const refused =
          mailRefused || unsent ? [] : (error?.rejectedErrors ?? info?.rejectedErrors ?? this.refusedSoFar());
        const rest = error ? this.outcomeOfError(error, content.dotSent) : outcomeOfText(info?.response, this.label);
        const outcomes = forAll(recipients, rest);
        for (const refusal of refused) {
          if (refusal.recipient !== undefined)
            outcomes.set(refusal.recipient, outcomeOfText(refusal.response, this.label, 'rcpt'));
        }
        this.needsReset = error !== null && !unsent;
        const lost = error !== null && error.response === undefined && !this.alive && !content.dotSent;
        // RFC 5321 section 3.8: a 421 to MAIL ends a session that has gone on for too long.
        const ended = mailRefused && error.response?.startsWith('421') === true;
        resolve({ outcomes, neverBegan: this.used > 1 && (lost || ended) });
      });
    });
  }

  /** Ends the session politely; the socket is destroyed if the server does not follow. */
  quit(): void {
    if (this.alive) this.connection.quit();
    else this.connection.close();
  }

  /** The one in use: STARTTLS puts another in its place. */
  private get socket(): Socket | undefined {
    return (this.connection as unknown as { _socket?: Socket })._socket;
  }

  private resetIfNeeded(): Promise<boolean> {
    if (!this.needsReset) return Promise.resolve(true);
    this.needsReset = false;
    return new Promise((resolve) => {
      const lost = (): void => {
        resolve(false);
      };
      this.connection.once('end', lost);
      this.connection.reset((error) => {
        this.connection.off('end', lost);
        resolve(!error);
      });
    });
  }

  private refuseUtf8(reversePath: string, recipients: readonly string[]): Map<string, AttemptOutcome> | undefined {
    const extensions = (this.connection as unknown as { _supportedExtensions: string[] })._supportedExtensions;

    if (extensions.includes('SMTPUTF8') || /^[\x00-\x7f]*$/.test(reversePath + recipients.join(''))) return undefined;
    return forAll(recipients, needsSmtputf8());
  }

  private refusedSoFar(): SmtpError[] {
    const envelope = (this.connection as unknown as { _envelope?: { rejectedErrors?: SmtpError[] } | false })._envelope;
    return envelope ? (envelope.rejectedErrors ?? []) : [];
  }

  private outcomeOfError(error: SmtpError, dotSent: boolean): AttemptOutcome {
    if (error.response !== undefined) {
      return outcomeOfText(error.response, this.label, dotSent ? 'content' : stageOf(error.command));
    }
    if (error.code === 'EMESSAGE') return tooLargeForServer(error.message);
    if (error.code === 'EENVELOPE') return unsendableAddress(error.message);
    return dotSent ? lostAfterFinalDot(error.message) : connectionLost(`${this.label}: ${error.message}`);
  }
}

function forAll(recipients: readonly string[], outcome: AttemptOutcome): Map<string, AttemptOutcome> {
  return new Map(recipients.map((recipient) => [recipient, outcome]));
}

function outcomeOfText(response: string | undefined, label: string, stage?: DialogueStage): AttemptOutcome {
  const reply = parseReply(response ?? '');
  return reply ? outcomeOfReply(reply, stage) : connectionLost(`${label} gave a reply that is none`);
}

/** What was being said, by the name that the library gives the command; within a session `CONN` may be any of them. */
function stageOf(command = ''): DialogueStage | undefined {
  const [verb = ''] = command.split(' ');
  return STAGES[verb];
}

const STAGES: Readonly<Record<string, DialogueStage>> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  STARTTLS: 'starttls',
  AUTH: 'auth',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
};

function openingOutcome(error: SmtpError, label: string, tls: boolean): AttemptOutcome {
  if (tls) return tlsFailed(`${label}: ${error.message}`);
  // Our own login at a smarthost failed: that is no word about any recipient.
  if (error.code === 'EAUTH') return authFailed(`${label}: ${error.message}`);
  if (error.response !== undefined) return outcomeOfText(error.response, label, stageOf(error.command) ?? 'connect');
  return connectionLost(`${label}: ${error.message}`);
}

function hasEightBit(message: Buffer): boolean {
  return /[\x80-\xff]/.test(message.toString('latin1'));
}
