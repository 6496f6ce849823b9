/** How much a client may do wrong, or to no end, in one session; each message that is taken wipes the slate. */
import { isPadding, isReset } from './command-rules.js';

/** Syntax errors and refused logins since the last message; Postfix takes as many. */
const ERRORS_MAX = 20;
/** Commands that do nothing (NOOP, RSET, VRFY ...) since the last message; Postfix takes as many. */
const PADDING_MAX = 100;
/** Recipients refused in one session where anybody may come in: who guesses addresses is sent away. RFC 5321 section 7.3. */
export const REFUSED_RECIPIENTS_MAX = 20;
/**
 * RFC 5321 section 4.2.2 and RFC 4954: replies to what a right client does not say. What it says of an envelope that is
 * refused, and what it has pipelined behind that (503), are none: it sends the next message.
 */
const CLIENT_ERRORS = new Set([500, 501, 502, 504, 535, 538, 555]);

export class DoorConduct {
  private errors = 0;
  private refusedRecipients = 0;
  private padding = 0;
  /** MAIL or RCPT, while it is being answered. */
  private envelope: 'MAIL' | 'RCPT' | undefined;
  /** Whether there may be something that RSET takes back. */
  private hasTriedMail = false;

  /** @param refusedRecipientsMax in one session, whatever messages are taken in it */
  constructor(private readonly refusedRecipientsMax = Number.POSITIVE_INFINITY) {}

  /** MAIL or RCPT is about to be answered. */
  envelopeBegins(verb: 'MAIL' | 'RCPT'): void {
    this.envelope = verb;
    if (verb === 'MAIL') this.hasTriedMail = true;
  }

  /** A line that is no command, or one of an AUTH exchange, is about to be answered. */
  lineBegins(): void {
    this.envelope = undefined;
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
    // 503 is what was pipelined behind another refusal.
    if (this.envelope === 'RCPT' && code >= 500 && code !== 503) {
      this.refusedRecipients += 1;
      if (this.refusedRecipients === this.refusedRecipientsMax + 1) return true;
    }
    if (!CLIENT_ERRORS.has(code) || (code === 501 && this.envelope)) return false;
    this.errors += 1;
    return this.errors === ERRORS_MAX;
  }

  messageDone(): void {
    this.errors = this.padding = 0;
  }
}
