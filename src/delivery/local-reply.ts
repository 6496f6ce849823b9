/**
 * Outcomes that no server gave: what we say where none was reached. Codes of RFC 3463, RFC 7505. We know what they are, so
 * no rule has to guess it from our words.
 */
import type { Category } from '../mail/classification.js';
import type { AttemptOutcome } from '../mail/outcome.js';

/** As a reply line: code, enhanced code, text. */
function outcome(
  kind: AttemptOutcome['kind'],
  category: Category,
  ...[code, enhanced, text]: [number, string, string]
): AttemptOutcome {
  return { kind, category, reply: { code, enhanced, text } };
}

/** RFC 7505 section 4.2: the domain says that it takes no mail. */
export const nullMx = (domain: string): AttemptOutcome =>
  outcome('bounced', 'bad_domain', 556, '5.1.10', `${domain} takes no mail (null MX)`);

export const noSuchDomain = (domain: string): AttemptOutcome =>
  outcome('bounced', 'bad_domain', 550, '5.1.2', `The domain ${domain} does not exist`);

export const privateMx = (text: string): AttemptOutcome => ({
  ...outcome(
    'bounced',
    'routing_error',
    550,
    '5.4.4',
    `${text} POSTHORN_ALLOW_PRIVATE_MX=true lets mail go to private addresses`,
  ),
  words: {
    explanation: "The domain's mail servers have private addresses, which cannot be reached over the internet.",
    todo: 'Look for a typo in the domain. Where the servers are your own, the operator allows private addresses.',
  },
});

export const dnsFailed = (text: string): AttemptOutcome => outcome('deferred', 'connection_failed', 451, '4.4.3', text);

export const notConnected = (text: string): AttemptOutcome =>
  outcome('deferred', 'connection_failed', 451, '4.4.1', text);

export const connectionLost = (text: string): AttemptOutcome =>
  outcome('deferred', 'connection_failed', 451, '4.4.2', text);

export const tlsFailed = (text: string): AttemptOutcome => outcome('deferred', 'tls_failed', 451, '4.7.5', text);

/** Our own login at a smarthost: it does not relay for us. */
export const authFailed = (text: string): AttemptOutcome => ({
  ...outcome('deferred', 'relay_denied', 451, '4.7.8', text),
  words: {
    explanation: 'The server that takes our mail along (the smarthost) did not accept our login. The address is fine.',
    todo: 'The operator looks at the user name and the password of the route.',
  },
});

/** RFC 1047: the message may or may not have been accepted. */
export const lostAfterFinalDot = (text: string): AttemptOutcome => ({
  ...outcome(
    'unknown',
    'connection_failed',
    451,
    '4.4.2',
    `The connection was lost after the message was sent and before the reply: ${text}`,
  ),
  words: {
    explanation: 'The connection was lost after the message was sent and before the server said whether it took it.',
    todo: 'Ask the person whether the message has arrived before you send it again: it may have.',
  },
});

/** RFC 1870 section 6.1: the server said what it takes before we sent. */
export const tooLargeForServer = (text: string): AttemptOutcome =>
  outcome('bounced', 'message_too_large', 552, '5.3.4', text);

/** An address that is sound by RFC 5321 and cannot be put into a command by us: it says nothing of the mailbox. */
export const unsendableAddress = (text: string): AttemptOutcome => ({
  ...outcome('bounced', 'protocol_error', 553, '5.1.3', text),
  words: {
    explanation: 'The address has a form that Posthorn cannot write into an SMTP command. The mailbox may be fine.',
    todo: 'Look for odd characters in the address, or use another address of the person.',
  },
});

/** RFC 6531 section 3.1: an internationalised address cannot be handed to a server that does not know them. */
export const needsSmtputf8 = (): AttemptOutcome => ({
  ...outcome('bounced', 'protocol_error', 550, '5.6.7', 'The address needs SMTPUTF8, which the server does not offer'),
  words: {
    explanation:
      'The address of the recipient or of the sender has letters beyond ASCII, which the server cannot take (SMTPUTF8).',
    todo: 'Use an address in plain ASCII letters: of the person, if they have one, and as the sender.',
  },
});
