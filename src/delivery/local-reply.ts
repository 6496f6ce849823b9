/** Outcomes that no server gave: what we say where none was reached. Codes of RFC 3463, RFC 7505. */
import type { AttemptOutcome } from '../mail/outcome.js';
import type { Reply } from '../mail/reply.js';

function reply(code: number, enhanced: string, text: string): Reply {
  return { code, enhanced, text };
}

/** RFC 7505 section 4.2: the domain says that it takes no mail. */
export const nullMx = (domain: string): AttemptOutcome => ({
  kind: 'bounced',
  reply: reply(556, '5.1.10', `${domain} takes no mail (null MX)`),
});

export const noSuchDomain = (domain: string): AttemptOutcome => ({
  kind: 'bounced',
  reply: reply(550, '5.1.2', `The domain ${domain} does not exist`),
});

export const privateMx = (text: string): AttemptOutcome => ({
  kind: 'bounced',
  reply: reply(550, '5.4.4', `${text} POSTHORN_ALLOW_PRIVATE_MX=true lets mail go to private addresses`),
});

export const dnsFailed = (text: string): AttemptOutcome => ({ kind: 'deferred', reply: reply(451, '4.4.3', text) });

export const notConnected = (text: string): AttemptOutcome => ({ kind: 'deferred', reply: reply(451, '4.4.1', text) });

export const connectionLost = (text: string): AttemptOutcome => ({
  kind: 'deferred',
  reply: reply(451, '4.4.2', text),
});

export const tlsFailed = (text: string): AttemptOutcome => ({ kind: 'deferred', reply: reply(451, '4.7.5', text) });

export const authFailed = (text: string): AttemptOutcome => ({ kind: 'deferred', reply: reply(451, '4.7.8', text) });

/** RFC 1047: the message may or may not have been accepted. */
export const lostAfterFinalDot = (text: string): AttemptOutcome => ({
  kind: 'unknown',
  reply: reply(451, '4.4.2', `The connection was lost after the message was sent and before the reply: ${text}`),
});

/** RFC 1870 section 6.1: the server said what it takes before we sent. */
export const tooLargeForServer = (text: string): AttemptOutcome => ({
  kind: 'bounced',
  reply: reply(552, '5.3.4', text),
});

/** An address that is sound by RFC 5321 and cannot be put into a command by us. */
export const unsendableAddress = (text: string): AttemptOutcome => ({
  kind: 'bounced',
  reply: reply(553, '5.1.3', text),
});

/** RFC 6531 section 3.1: an internationalised address cannot be handed to a server that does not know them. */
export const needsSmtputf8 = (): AttemptOutcome => ({
  kind: 'bounced',
  reply: reply(550, '5.6.7', 'The address needs SMTPUTF8, which the server does not offer'),
});

export const internalFault = (text: string): AttemptOutcome => ({ kind: 'deferred', reply: reply(451, '4.3.0', text) });
