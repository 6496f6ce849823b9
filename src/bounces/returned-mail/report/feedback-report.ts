/**
 * Complaints: abuse reports by RFC 5965 and RFC 6591, and the feedback loops that use another form. DMARC and TLS
 * reports look like them and are none.
 */
import { fieldOf, type MimePart } from '../../../mail/mime-tree.js';
import type { OriginalMessage } from '../returned-mail.js';
import { addressesIn } from '../address-finder.js';
import { reportFields } from './report-fields.js';
import { readInner, type ReturnedParts } from './returned-parts.js';

export interface Complaint {
  /** RFC 5965 section 7.3, lower case. */
  readonly feedbackType: string;
  readonly addresses: readonly string[];
  /** For people: which program says so. */
  readonly diagnostic: string;
}

const FEEDBACK_TYPE = /^[a-z][a-z0-9-]{0,40}$/;

export function readComplaint(
  raw: Buffer,
  root: MimePart,
  parts: ReturnedParts,
  original: OriginalMessage | undefined,
): Complaint | undefined {
  const [report] = parts.feedback;
  if (report !== undefined) return fromReport(report, parts, original);
  // RFC 5965 section 2 wants its own part; some put the same fields into a text.
  const fields = reportFields(parts.text);
  if (fields.some(({ name, value }) => name === 'feedback-type' && FEEDBACK_TYPE.test(value.toLowerCase()))) {
    const strong = fields.some(({ name }) => name === 'user-agent' || name === 'version' || name === 'source-ip');
    if (strong) return fromReport(parts.text, parts, original);
  }
  return fromNotification(parts.text) ?? fromOtherLoop(raw, root, parts, original);
}

function fromReport(report: string, parts: ReturnedParts, original: OriginalMessage | undefined): Complaint {
  const fields = reportFields(report);
  const values = (name: string): string[] => fields.filter((one) => one.name === name).map(({ value }) => value);
  const type = (values('feedback-type')[0] ?? '').toLowerCase().replace(/[;\s].*$/, '');
  const named = ['original-rcpt-to', 'removal-recipient', 'original-recipient'].map((name) =>
    values(name).flatMap((value) => addressesIn(value)),
  );
  return {
    feedbackType: FEEDBACK_TYPE.test(type) ? type : 'other',
    addresses: named.find((list) => list.length > 0) ?? complainants(parts, original),
    diagnostic: values('user-agent')[0] ?? '',
  };
}

// Amazon SES tells of complaints in JSON: docs.aws.amazon.com/ses/latest/dg/notification-contents.html
const NOTIFICATION = /\\?"(?:notification|event)Type\\?"\s*:\s*\\?"Complaint\\?"/;
const NOTIFIED_RECIPIENTS = /"complainedRecipients\\?"\s*:\s*\[([^\]]{0,20000})\]/;

function fromNotification(text: string): Complaint | undefined {
  if (!NOTIFICATION.test(text)) return undefined;
  const type = /"complaintFeedbackType\\?"\s*:\s*\\?"([a-z-]{1,40})\\?"/.exec(text)?.[1];
  const [, recipients = ''] = NOTIFIED_RECIPIENTS.exec(text) ?? [];
  return {
    feedbackType: type ?? 'abuse',
    addresses: addressesIn(recipients.replaceAll('\\', ' ')),
    diagnostic: /"userAgent\\?"\s*:\s*\\?"([^"\\]{1,200})/.exec(text)?.[1] ?? '',
  };
}

/** Feedback loops that send the message back as it is, under a header of their own. */
function fromOtherLoop(
  raw: Buffer,
  root: MimePart,
  parts: ReturnedParts,
  original: OriginalMessage | undefined,
): Complaint | undefined {
  if (parts.originals.length === 0 && original === undefined) return undefined;
  const from = fieldOf(raw, root, 'from') ?? '';
  const subject = fieldOf(raw, root, 'subject') ?? '';
  const loop =
    LOOP_SENDERS.test(from) ||
    LOOP_FIELDS.some((name) => fieldOf(raw, root, name) !== undefined) ||
    (LOOP_SUBJECT.test(subject) && LOOP_WORDS.test(parts.text.slice(0, 4_000)));
  if (!loop) return undefined;
  return { feedbackType: 'abuse', addresses: complainants(parts, original), diagnostic: subject };
}

// Microsoft's Junk Mail Reporting Program, and loops whose postmaster pages name their sender.
const LOOP_SENDERS =
  /\bstaff@hotmail\.com\b|\bscomp@aol\.net\b|@(?:[\w.-]+\.)?(?:fbl|feedbackloop|feedback-loop)\b|\bfeedback-?loop@|\bfbl(?:-no-?reply)?@/i;
const LOOP_FIELDS = ['x-hmxmroriginalrecipient', 'x-rp-fbl', 'x-fbl'];
const LOOP_SUBJECT = /\b(?:complaint|abuse report|spam report|feedback loop|reported as spam)\b/i;
const LOOP_WORDS =
  /\b(?:email|e-mail|mail|message)\b[^.]{0,200}\b(?:abuse report|reported|complain\w*|marked)\b|\babuse report\b/i;

/** To whom the message went, as its own header says. */
function complainants(parts: ReturnedParts, original: OriginalMessage | undefined): readonly string[] {
  for (const inner of parts.originals) {
    const message = readInner(inner);
    for (const name of ['x-hmxmroriginalrecipient', 'x-original-to', 'x-apparently-to', 'delivered-to', 'to']) {
      const addresses = addressesIn(fieldOf(message.raw, message.root, name) ?? '');
      if (addresses.length > 0) return addresses;
    }
  }
  return original?.to ?? [];
}
