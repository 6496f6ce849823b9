/** What an SMTP door can say of the envelope before the message comes: RFC 6531, RFC 1870, and the account's own bounds. */
import type { Account } from '../accounts/account.js';
import type { SmtpSession } from '../listeners/smtp-session.js';
import { parseAddress } from '../mail/address.js';
import { refusal, type Refusal } from './refusals.js';
import { shown } from './sender-rules.js';

/** At MAIL FROM; who may send as `reversePath` is judged elsewhere. */
export function forbiddenMail(account: Account | undefined, path: string, session: SmtpSession): Refusal | undefined {
  const bytesMax = account?.limits.messageBytes;
  // RFC 1870 section 6.1: what is declared too large need not be sent to be refused.
  if (bytesMax !== undefined && (session.declaredBytes ?? 0) > bytesMax) {
    return refusal('account_message_too_large', bytesMax);
  }
  // Of what is no address, that is said.
  return parseAddress(path) && needsSmtpUtf8(path, session);
}

/** At RCPT TO. */
export function forbiddenRecipient(
  account: Account | undefined,
  recipient: string,
  session: SmtpSession,
): Refusal | undefined {
  if (!parseAddress(recipient)) return refusal('bad_recipient', shown(recipient));
  const recipientsMax = account?.limits.recipientsPerMessage;
  if (recipientsMax !== undefined && session.recipients >= recipientsMax) {
    return refusal('account_recipients', recipientsMax);
  }
  return needsSmtpUtf8(recipient, session);
}

/** RFC 6531 section 3.4: of a domain that is written in A-labels, too, no more is asked. */
function needsSmtpUtf8(address: string, session: SmtpSession): Refusal | undefined {
  if (session.smtpUtf8 || /^[\x00-\x7f]*$/.test(address)) return undefined;
  return refusal('smtputf8_required', shown(address));
}
