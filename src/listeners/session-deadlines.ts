/**
 * How long an SMTP session may take, and what of it holds for IMAP and POP3 too. Well-behaved clients have all the time
 * that RFC 5321 section 4.5.3.2 wants for them; a byte now and then does not keep a session open for ever.
 */

export interface SessionTimes {
  /** Without a byte from the client. RFC 5321 section 4.5.3.2.7: at least 5 minutes. */
  readonly idleMs: number;
  /** From the first octet of a command to its end. */
  readonly lineMs: number;
  readonly handshakeMs: number;
  /** For the PROXY header, which a balancer sends at once. */
  readonly proxyHeaderMs: number;
  /** To log in. A client may take 5 minutes for a command, but not for each. */
  readonly loginMs: number;
  /** To send a message after the greeting, the login or the last message; clients that keep a session open come back. */
  readonly messageMs: number;
  /** For the content of a message, whatever its size: what stalls for a moment may catch up. */
  readonly dataMs: number;
  /** Octets a second that a longer message must come with: a telephone line of the last century does more. */
  readonly dataOctetsPerS: number;
  /** For the content of any message: 64 MiB in this time are 150 kbit/s. */
  readonly dataMaxMs: number;
  /** How long a network with a bad record waits for the greeting. Clients wait 5 minutes (section 4.5.3.2.1). */
  readonly greetingPauseMs: number;
  /** How late all of these may be noticed. */
  readonly lookEveryMs: number;
}

const MINUTE_MS = 60_000;

export const SESSION_TIMES: SessionTimes = {
  idleMs: 5 * MINUTE_MS,
  lineMs: 2 * MINUTE_MS,
  handshakeMs: 30_000,
  proxyHeaderMs: 5_000,
  loginMs: 10 * MINUTE_MS,
  messageMs: 30 * MINUTE_MS,
  dataMs: 5 * MINUTE_MS,
  dataOctetsPerS: 1_024,
  dataMaxMs: 60 * MINUTE_MS,
  greetingPauseMs: 250,
  lookEveryMs: 2_000,
};

/** What a session has been waiting for its client to do, and since when; undefined where it is not under way. */
export interface SessionProgress {
  readonly nowMs: number;
  readonly lineSinceMs?: number;
  readonly handshakeSinceMs?: number;
  readonly dataSinceMs?: number;
  readonly dataOctets: number;
  /** The greeting, where the client has yet to log in. */
  readonly strangerSinceMs?: number;
  /** The greeting, the login or the last message. */
  readonly messageSinceMs: number;
}

/** What takes too long, for the client to read; undefined where nothing does. */
export function overdue(progress: SessionProgress, times: SessionTimes): string | undefined {
  const { nowMs, dataOctets } = progress;
  const isOver = (sinceMs: number | undefined, ms: number): boolean => sinceMs !== undefined && nowMs - sinceMs > ms;
  if (isOver(progress.handshakeSinceMs, times.handshakeMs)) return 'the TLS handshake is not complete';
  const dataMs = Math.min(times.dataMs + (dataOctets / times.dataOctetsPerS) * 1_000, times.dataMaxMs);
  if (progress.dataSinceMs !== undefined) {
    return isOver(progress.dataSinceMs, dataMs) ? 'the message comes too slowly' : undefined;
  }
  if (isOver(progress.lineSinceMs, times.lineMs)) return 'a command is not complete';
  if (isOver(progress.strangerSinceMs, times.loginMs)) return 'nobody has logged in';
  return isOver(progress.messageSinceMs, times.messageMs) ? 'no message has come' : undefined;
}
