/**
 * Every refusal at the intake, one row each: what the other mail server reads, and what the metric counts. Whoever reads
 * it finds it in a bounce of his own, so it says what this port is for.
 */
import type { SmtpFault, SmtpReply } from '../../listeners/smtp-session.js';

interface Row {
  /** SMTP reply code: RFC 5321 section 4.2.3. */
  readonly code: number;
  /** RFC 3463 and RFC 5248. */
  readonly enhanced: string;
  /** `{}` takes the detail. */
  readonly text: string;
}

/** Who is no mail server of good manners. */
const CONDUCT = {
  early_talker: { code: 421, enhanced: '4.5.0', text: 'Wait for the greeting before you send anything' },
  too_many_connections: { code: 421, enhanced: '4.7.0', text: 'Too many connections from {}: try again in a moment' },
  too_slow: { code: 421, enhanced: '4.4.2', text: 'This session takes too long: {}' },
  too_many_errors: { code: 421, enhanced: '4.7.0', text: 'Too many wrong commands in this session' },
  pipelined_before_tls: {
    code: 421,
    enhanced: '4.5.0',
    text: 'Send nothing after STARTTLS before TLS is established',
  },
  command_too_long: { code: 500, enhanced: '5.5.2', text: 'The command line is longer than {} octets' },
  command_not_ascii: {
    code: 500,
    enhanced: '5.5.2',
    text: 'The command holds octets that may not stand in one: use ASCII, or UTF-8 in addresses after SMTPUTF8',
  },
  bare_line_ending: { code: 500, enhanced: '5.5.2', text: 'End each command line with CRLF, and with nothing less' },
  unreadable_path: { code: 501, enhanced: '5.5.4', text: 'Write {}, and parameters behind a space' },
  unknown_parameter: { code: 555, enhanced: '5.5.4', text: 'The parameter {} is not offered here' },
} as const satisfies Partial<Record<SmtpFault, Row>>;

/** Of sessions that log in, which nobody does here. */
const NEVER_SAID = {
  tls_required: { code: 530, enhanced: '5.7.0', text: 'Must issue a STARTTLS command first' },
  too_many_failed_logins: { code: 421, enhanced: '4.7.0', text: 'Come back in {}' },
  other_identity: { code: 535, enhanced: '5.7.8', text: 'Nobody may log in here' },
} as const satisfies Partial<Record<SmtpFault, Row>>;

const ROWS = {
  ...CONDUCT,
  ...NEVER_SAID,
  not_ours: {
    code: 550,
    enhanced: '5.7.1',
    text: '{} takes no mail: this server takes bounces of its own mail, and mail to postmaster, abuse and fbl',
  },
  forged: { code: 550, enhanced: '5.7.1', text: '{} was never a return path of this server' },
  expired: { code: 550, enhanced: '5.7.1', text: '{} is the return path of a message that is too old to be bounced' },
  gone: { code: 550, enhanced: '5.7.1', text: '{} is the return path of a message of which nothing is known any more' },
  looping: { code: 554, enhanced: '5.4.6', text: 'This mail goes round in circles: it has {} Received fields' },
  message_too_large: { code: 552, enhanced: '5.3.4', text: 'The message is larger than {} bytes' },
  too_many_recipients: { code: 452, enhanced: '4.5.3', text: 'Too many recipients: {} per message' },
  over_budget: {
    code: 452,
    enhanced: '4.3.1',
    text: 'Too many bytes are being received at once, try again in a moment',
  },
  no_room: { code: 452, enhanced: '4.3.1', text: 'There is no room for this message at the moment, try again later' },
  unavailable: { code: 451, enhanced: '4.3.0', text: 'Mail cannot be taken at the moment, try again in a minute' },
  shutting_down: { code: 421, enhanced: '4.3.2', text: 'This server is shutting down, try again in a moment' },
} as const satisfies Record<SmtpFault, Row> & Record<string, Row>;

export type IntakeRefusal = keyof typeof ROWS;

/** Of an address of a stranger so much is repeated. */
const DETAIL_CHARACTERS_MAX = 200;

/** The row `cause`, with `detail` in its text. */
export function intakeRefusal(cause: IntakeRefusal, detail: string | number = ''): SmtpReply {
  const { code, enhanced, text }: Row = ROWS[cause];
  return { code, text: `${enhanced} ${text.replace('{}', () => String(detail).slice(0, DETAIL_CHARACTERS_MAX))}` };
}

/** Every row that is said, for the documentation. */
export function allIntakeRefusals(): readonly (SmtpReply & { readonly cause: IntakeRefusal })[] {
  const causes = (Object.keys(ROWS) as IntakeRefusal[]).filter((cause) => !(cause in NEVER_SAID));
  return causes.map((cause) => ({ cause, ...intakeRefusal(cause, '...') }));
}
