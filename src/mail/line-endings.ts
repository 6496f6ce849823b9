/**
 * Line endings as RFC 5321 section 2.3.8 wants them: CR and LF only as CRLF. A bare one in what we pass on would be
 * rewritten by the next hop after signing, or read there as the end of the message (SMTP smuggling), so it is made
 * CRLF at the door, before any hash is taken.
 */

const BARE_CR_OR_LF = /(?<!\r)\n|\r(?!\n)/;

/** Whether the message holds a NUL octet (RFC 5322 section 4: obsolete, and no server passes it on unchanged). */
export function hasNul(message: Buffer): boolean {
  return message.includes(0);
}

/** `message` with every bare CR and bare LF made CRLF; the same buffer where there is none. */
export function withCrlf(message: Buffer): Buffer {
  const text = message.toString('latin1');
  if (!BARE_CR_OR_LF.test(text)) return message;
  return Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');
}
