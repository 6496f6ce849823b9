/**
 * Every refusal at the doors, one row each: what the client reads, and what the metric counts. SMTP sends `code` and
 * `enhanced`, HTTP the status that stands for the same; the text says what would be right.
 */
import type { SmtpReply } from '../listeners/smtp-session.js';

export interface Refusal {
  readonly cause: RefusalCause;
  /** SMTP reply code: RFC 5321 section 4.2.3. */
  readonly code: number;
  /** RFC 3463 and RFC 5248. */
  readonly enhanced: string;
  /** HTTP status of the same refusal. */
  readonly status: number;
  readonly text: string;
  /** Seconds after which the same would be taken. */
  readonly retryAfterS?: number;
}

interface Row {
  readonly code: number;
  readonly enhanced: string;
  readonly status: number;
  /** `{}` takes the detail. */
  readonly text: string;
}

const ROWS = {
  early_talker: {
    code: 421,
    enhanced: '4.5.0',
    status: 400,
    text: 'Wait for the greeting before you send anything',
  },
  authentication_required: {
    code: 530,
    enhanced: '5.7.0',
    status: 401,
    text: 'Authentication required: log in with an SMTP user of this relay',
  },
  bad_credentials: { code: 535, enhanced: '5.7.8', status: 401, text: 'Wrong user or password' },
  tls_required: { code: 530, enhanced: '5.7.0', status: 400, text: 'Must issue a STARTTLS command first' },
  missing_scope: { code: 535, enhanced: '5.7.8', status: 403, text: 'This credential may not {}' },
  network_not_trusted: {
    code: 554,
    enhanced: '5.7.1',
    status: 403,
    text: '{} is not in POSTHORN_TRUSTED_NETWORKS: use port 587 or 465 with a user and password',
  },
  sender_not_allowed: {
    code: 550,
    enhanced: '5.7.1',
    status: 403,
    text: '{} is not a verified sending domain of this account: send From a domain of the site, and put the visitor into Reply-To',
  },
  sender_not_verified: {
    code: 550,
    enhanced: '5.7.1',
    status: 403,
    text: '{} is not a verified sending domain of this account yet: publish its DNS records, and ask for its verification',
  },
  subdomain_not_added: {
    code: 550,
    enhanced: '5.7.1',
    status: 403,
    text: '{} is not a verified sending domain of this account: add it, each subdomain is verified by itself',
  },
  bad_sender: { code: 553, enhanced: '5.1.7', status: 422, text: '{} is no address that mail can be sent from' },
  bad_from_header: { code: 550, enhanced: '5.6.0', status: 422, text: 'The From header cannot be read near {}' },
  bad_sender_header: { code: 550, enhanced: '5.6.0', status: 422, text: 'The header {}' },
  bad_header: {
    code: 550,
    enhanced: '5.6.0',
    status: 422,
    text: 'The message begins with white space: its first line continues no header field',
  },
  too_many_fields: {
    code: 550,
    enhanced: '5.6.0',
    status: 422,
    text: 'The header has {} fields or more: no mail program reads so many',
  },
  missing_from_header: {
    code: 550,
    enhanced: '5.6.0',
    status: 422,
    text: 'The message has neither a From header nor an envelope sender to make one of',
  },
  bad_recipient: { code: 553, enhanced: '5.1.3', status: 422, text: '{} is no address that mail can be sent to' },
  no_recipients: { code: 554, enhanced: '5.5.1', status: 422, text: 'The message has no recipients' },
  too_many_recipients: {
    code: 452,
    enhanced: '4.5.3',
    status: 422,
    text: 'Too many recipients: POSTHORN_RECIPIENTS_MAX is {} per message',
  },
  message_too_large: {
    code: 552,
    enhanced: '5.3.4',
    status: 413,
    text: 'The message is larger than POSTHORN_MESSAGE_BYTES_MAX, {} bytes',
  },
  nul_octet: {
    code: 554,
    enhanced: '5.6.0',
    status: 422,
    text: 'The message holds a NUL octet: send binary data as base64 or quoted-printable',
  },
  receiving_too_much: {
    code: 452,
    enhanced: '4.3.1',
    status: 503,
    text: 'Too many bytes are being received at once, try again in a moment',
  },
  too_many_connections: {
    code: 421,
    enhanced: '4.7.0',
    status: 429,
    text: 'Too many connections from {}: send several messages over one, or try again in a moment',
  },
  too_many_failed_logins: {
    code: 421,
    enhanced: '4.7.0',
    status: 429,
    text: 'Too many failed logins: correct the user and password, and try again in {}',
  },
  too_slow: { code: 421, enhanced: '4.4.2', status: 408, text: 'This session takes too long: {}' },
  command_too_long: { code: 500, enhanced: '5.5.2', status: 400, text: 'The command line is longer than {} octets' },
  command_not_ascii: {
    code: 500,
    enhanced: '5.5.2',
    status: 400,
    text: 'The command holds octets that may not stand in one: use ASCII, or UTF-8 in addresses after SMTPUTF8',
  },
  bare_line_ending: {
    code: 500,
    enhanced: '5.5.2',
    status: 400,
    text: 'End each command line with CRLF, and with nothing less',
  },
  unreadable_path: { code: 501, enhanced: '5.5.4', status: 400, text: 'Write {}, and parameters behind a space' },
  unknown_parameter: { code: 555, enhanced: '5.5.4', status: 400, text: 'The parameter {} is not offered here' },
  other_identity: {
    code: 535,
    enhanced: '5.7.8',
    status: 401,
    text: 'Leave the authorization identity empty: nobody may log in here to act as somebody else',
  },
  too_many_errors: { code: 421, enhanced: '4.7.0', status: 400, text: 'Too many wrong commands in this session' },
  pipelined_before_tls: {
    code: 421,
    enhanced: '4.5.0',
    status: 400,
    text: 'Send nothing after STARTTLS before TLS is established',
  },
  smtputf8_required: {
    code: 553,
    enhanced: '5.6.7',
    status: 422,
    text: '{} is not ASCII: say SMTPUTF8 with MAIL FROM',
  },
  credential_revoked: {
    code: 530,
    enhanced: '5.7.0',
    status: 401,
    text: 'This credential was revoked or has expired: log in with another',
  },
  account_suspended: {
    code: 451,
    enhanced: '4.7.1',
    status: 403,
    text: 'This account is suspended: {}',
  },
  over_limit: {
    code: 451,
    enhanced: '4.7.1',
    status: 429,
    text: 'Limit reached: {}',
  },
  account_recipients: {
    code: 452,
    enhanced: '4.5.3',
    status: 422,
    text: 'Too many recipients: this account may have {} per message',
  },
  suppressed_recipient: {
    code: 550,
    enhanced: '5.7.1',
    status: 422,
    text: '{} is suppressed for this account: mail to it was refused or complained about, ask the operator to lift that',
  },
  account_message_too_large: {
    code: 552,
    enhanced: '5.3.4',
    status: 413,
    text: 'The message is larger than this account may send, {} bytes',
  },
  bad_option: { code: 550, enhanced: '5.6.0', status: 422, text: 'The option {}' },
  idempotency_mismatch: {
    code: 554,
    enhanced: '5.5.0',
    status: 409,
    text: 'This idempotency key was used for another message in the last 24 hours: take a new key for a new message',
  },
  idempotency_in_flight: {
    code: 451,
    enhanced: '4.5.0',
    status: 409,
    text: 'A message with this idempotency key is being accepted at this moment: try again in a moment',
  },
  shutting_down: {
    code: 421,
    enhanced: '4.3.2',
    status: 503,
    text: 'This relay is shutting down, try again in a moment',
  },
  queue_unavailable: {
    code: 451,
    enhanced: '4.3.0',
    status: 503,
    text: 'The queue cannot take mail at the moment, try again in a minute',
  },
} as const satisfies Record<string, Row>;

export type RefusalCause = keyof typeof ROWS;

/** The row `cause`, with `detail` in its text. */
export function refusal(cause: RefusalCause, detail: string | number = '', retryAfterS?: number): Refusal {
  const row: Row = ROWS[cause];
  const text = row.text.replace('{}', () => String(detail));
  return { cause, ...row, text, ...(retryAfterS !== undefined && { retryAfterS }) };
}

/** The refusal as an SMTP door says it. */
export function smtpReply(refused: Refusal): SmtpReply {
  return { code: refused.code, text: `${refused.enhanced} ${refused.text}` };
}

/** Every row, for the documentation. */
export function allRefusals(): readonly Refusal[] {
  return (Object.keys(ROWS) as RefusalCause[]).map((cause) => refusal(cause, '...'));
}
