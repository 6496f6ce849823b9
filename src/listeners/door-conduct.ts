/** How much a client may do wrong, or to no end, in one session; each message that is taken wipes the slate. */
import { isPadding, isReset } from './command-rules.js';

/** Syntax errors and refused logins since the last message; Postfix takes as many. */
const ERRORS_MAX = 20;
/** Commands that do nothing (NOOP, RSET, VRFY ...) since the last message; Postfix takes as many. */
const PADDING_MAX = 100;
/**
 * RFC 5321 section 4.2.2 and RFC 4954: replies to what a right client does not say. What it says of an envelope that is
 * refused, and what it has pipelined behind that (503), are none: it sends the next message.
 */
const CLIENT_ERRORS = new Set([500, 501, 502, 504, 535, 538, 555]);

export class DoorConduct {
  private errors = 0;
  private padding = 0;
  /** Whether MAIL or RCPT is being answered. */
  private isEnvelope = false;
  /** Whether there may be something that RSET takes back. */
  private hasTriedMail = false;

  /** MAIL or RCPT is about to be answered. */
  envelopeBegins(verb: 'MAIL' | 'RCPT'): void {
    this.isEnvelope = true;
    if (verb === 'MAIL') this.hasTriedMail = true;
  }

  /** A line that is no command, or one of an AUTH exchange, is about to be answered. */
  lineBegins(): void {
    this.isEnvelope = false;
  }

  /** A command is about to be answered; whether it is one too many that does nothing. */
  isOnePaddingTooMany(command: Buffer): boolean {
    if (isReset(command) && this.hasTriedMail) {
      // Python's smtplib says so after every refusal. Without a message, the session has its deadline.
      this.hasTriedMail = false;
      return false;
    }
    if (isPadding(command)) this.padding += 1;
    return this.padding > PADDING_MAX;
  }

  /** Counts a reply; true once, where it is to one error too many. */
  isOneErrorTooMany(code: number): boolean {
    if (!CLIENT_ERRORS.has(code) || (code === 501 && this.isEnvelope)) return false;
    this.errors += 1;
    return this.errors === ERRORS_MAX;
  }

  messageDone(): void {
    this.errors = this.padding = 0;
  }
}
