/**
 * Composes a report of our own, for where none came: RFC 3464 for a bounce, a delay and an expiry (RFC 6533 where an address
 * or a reply is beyond ASCII), RFC 5965 for a complaint, both as RFC 6522 wraps them.
 */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { formatReply } from '../../mail/reply.js';
import { explainReport, isOwnFinding, subjectOf, type ReportedEvent, type ReportFacts } from './explain-report.js';
import { field, isAscii, mailDate, textField } from './report-lines.js';

/** Who reports. */
export interface ReportingServer {
  readonly hostname: string;
  readonly bounceDomain: string;
}

export interface ReportMaterial extends ReportFacts {
  /** Place of the event in the message's history: with the message's id it names the report. */
  readonly number: number;
  /** The message's header block, where it is still kept. */
  readonly header?: Buffer;
}

interface Part {
  readonly type: string;
  readonly lines: readonly string[] | Buffer;
}

/** A header that is larger is cut off: it is there to recognise the message by. */
const HEADER_OCTETS_MAX = 32 * 1024;
const LINE_OCTETS_MAX = 998;

/** The whole message, lines ending in CRLF. */
export function composeReport(material: ReportMaterial, server: ReportingServer): Buffer {
  const { message, event, number } = material;
  const isComplaint = event.type === 'complained';
  // Nobody outside can have known it, so nothing in the parts can end one of them.
  const boundary = `=_posthorn_${randomBytes(15).toString('hex')}`;
  const head = [
    'Return-Path: <>',
    field('From', `Mail delivery <postmaster@${server.bounceDomain}>`),
    field('To', message.reversePath === '' ? 'undisclosed-recipients:;' : message.reversePath),
    textField('Subject', subjectOf(material)),
    field('Date', mailDate(event.at)),
    field('Message-ID', `<${message.id}.${String(number)}@${server.bounceDomain}>`),
    // RFC 3834 section 5: so that nothing answers it.
    `Auto-Submitted: ${isComplaint ? 'auto-generated' : 'auto-replied'}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=${isComplaint ? 'feedback-report' : 'delivery-status'};`,
    ` boundary="${boundary}"`,
  ];
  const parts = [
    { type: 'text/plain; charset=utf-8', lines: explainReport(material) },
    isComplaint ? feedbackPart(material, server) : statusPart(material, event, server),
    headerPart(material),
  ];
  const written = parts.flatMap((part) => [`--${boundary}`, ...partHead(part), part.lines, '']);
  return joined([
    ...head,
    '',
    'This is a report on a mail, in the form of RFC 6522.',
    '',
    ...written.flat(),
    `--${boundary}--`,
    '',
  ]);
}

/** RFC 3464 sections 2.2 and 2.3. */
function statusPart(
  material: ReportMaterial,
  event: Exclude<ReportedEvent, { type: 'complained' }>,
  server: ReportingServer,
): Part {
  const { message, recipients } = material;
  const { reply, mx } = event;
  const isOwn = isOwnFinding(event);
  const about = [
    field('Reporting-MTA', `dns; ${server.hostname}`),
    field('X-Posthorn-Message-Id', message.id),
    field('Arrival-Date', mailDate(message.acceptedAt)),
  ];
  const outcome = [
    `Action: ${event.type === 'delayed' ? 'delayed' : 'failed'}`,
    `Status: ${statusOf(event)}`,
    ...(mx === undefined || isOwn ? [] : [field('Remote-MTA', `dns; ${mtaNameOf(mx)}`)]),
    ...(reply ? [field('Diagnostic-Code', `${isOwn ? 'x-posthorn' : 'smtp'}; ${formatReply(reply)}`)] : []),
    ...(reply ? [field('Last-Attempt-Date', mailDate(event.at))] : []),
    ...(event.type === 'delayed' && event.source === 'reply'
      ? [field('Will-Retry-Until', mailDate(message.expiresAt))]
      : []),
    field('X-Posthorn-Category', event.classification.category),
  ];
  const isGlobal = !recipients.every(isAscii) || !outcome.every(isAscii);
  const groups = recipients.flatMap((address) => {
    // RFC 6533 section 3.1.
    const type = isAscii(address) ? 'rfc822' : 'utf-8';
    return ['', field('Final-Recipient', `${type}; ${address}`), ...outcome];
  });
  return {
    type: isGlobal ? 'message/global-delivery-status' : 'message/delivery-status',
    lines: [...about, ...groups],
  };
}

/** RFC 3464 section 2.1.2, of `host[address]:port`: a domain name; of a server without one the address in brackets. */
function mtaNameOf(mx: string): string {
  const [, name = mx] = /^([^[\s]+)\[/.exec(mx) ?? /^\[?(.*?)\]?(?::\d+)?$/s.exec(mx) ?? [];
  const family = isIP(name);
  if (family === 0) return name;
  // RFC 5321 section 4.1.3.
  return family === 6 ? `[IPv6:${name}]` : `[${name}]`;
}

/** RFC 3463: the server's own code; else what the event is. */
function statusOf(event: Exclude<ReportedEvent, { type: 'complained' }>): string {
  // Section 3.5: X.4.7, delivery time expired.
  if (event.type === 'expired') return '4.4.7';
  const wanted = event.type === 'delayed' ? '4' : '5';
  const { enhanced } = event.reply ?? {};
  return enhanced?.startsWith(wanted) ? enhanced : `${wanted}.0.0`;
}

/** RFC 5965 section 3. */
function feedbackPart({ message, event, recipients }: ReportMaterial, server: ReportingServer): Part {
  const feedbackType = event.type === 'complained' ? event.feedbackType : 'other';
  return {
    type: 'message/feedback-report',
    lines: [
      field('Feedback-Type', /^[a-z-]{1,40}$/.test(feedbackType) ? feedbackType : 'other'),
      'User-Agent: Posthorn/1',
      'Version: 1',
      field('Reporting-MTA', `dns; ${server.hostname}`),
      field('Original-Mail-From', `<${message.reversePath}>`),
      ...recipients.map((address) => field('Original-Rcpt-To', `<${address}>`)),
      field('Arrival-Date', mailDate(message.acceptedAt)),
      field('X-Posthorn-Message-Id', message.id),
    ],
  };
}

/** RFC 6522 section 4: the header of the message, or what is known of it. */
function headerPart({ message, header, recipients }: ReportMaterial): Part {
  if (header && header.length > 0) return { type: 'text/rfc822-headers', lines: safeLines(header) };
  return {
    type: 'text/rfc822-headers',
    lines: [
      ...(message.reversePath === '' ? [] : [field('From', message.reversePath)]),
      field('To', recipients.length === 1 ? (recipients[0] ?? '') : 'undisclosed-recipients:;'),
      ...(message.subject === undefined ? [] : [textField('Subject', message.subject)]),
      field('Date', mailDate(message.acceptedAt)),
      field('X-Posthorn-Message-Id', message.id),
    ],
  };
}

/** A header as it came, byte by byte, but for what is no line: RFC 5322 section 2.1.1. */
function safeLines(header: Buffer): Buffer {
  const lines = header
    .subarray(0, HEADER_OCTETS_MAX)
    .toString('latin1')
    .split(/\r\n|\r|\n/)
    .filter((line) => line.trim() !== '')
    .flatMap((line) => cut(line.replaceAll('\0', ' ')));
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

function cut(line: string): string[] {
  if (line.length <= LINE_OCTETS_MAX) return [line];
  const pieces = line.match(new RegExp(`.{1,${String(LINE_OCTETS_MAX - 1)}}`, 'gs')) ?? [];
  return pieces.map((piece, index) => (index === 0 ? piece : ` ${piece}`));
}

function partHead({ type, lines }: Part): string[] {
  const isSeven = Buffer.isBuffer(lines) ? lines.every((octet) => octet < 128) : lines.every(isAscii);
  return [`Content-Type: ${type}`, `Content-Transfer-Encoding: ${isSeven ? '7bit' : '8bit'}`, ''];
}

function joined(lines: readonly (string | Buffer)[]): Buffer {
  const crlf = Buffer.from('\r\n');
  return Buffer.concat(
    lines.flatMap((line, index) => {
      const bytes = typeof line === 'string' ? Buffer.from(line) : line;
      return index === lines.length - 1 ? [bytes] : [bytes, crlf];
    }),
  );
}
