/** Mails as other servers and people send them back, with what a test wants in them. */

export interface ReportedRecipient {
  readonly address: string;
  /** What it was sent to, where an alias made another of it. */
  readonly original?: string;
  readonly action?: string;
  readonly status?: string;
  readonly diagnostic?: string;
}

export interface ReportSetup {
  readonly recipients?: readonly ReportedRecipient[];
  /** `X-Posthorn-Ref` of the original. */
  readonly reference?: string;
  readonly messageId?: string;
}

/** RFC 3464, as Postfix writes it. */
export function dsn({ recipients = [], reference, messageId = 'm1@example.org' }: ReportSetup): string {
  const blocks = recipients.map(({ address, original, action = 'failed', status = '5.1.1', diagnostic }) =>
    lines(
      `Final-Recipient: rfc822; ${address}`,
      ...(original === undefined ? [] : [`Original-Recipient: rfc822; ${original}`]),
      `Action: ${action}`,
      `Status: ${status}`,
      'Remote-MTA: dns; mx.one.example',
      `Diagnostic-Code: smtp; ${diagnostic ?? diagnosticOf(status, address)}`,
      '',
    ),
  );
  return lines(
    'From: MAILER-DAEMON@mx.one.example (Mail Delivery System)',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="cut"',
    '',
    '--cut',
    'Content-Type: text/plain',
    '',
    'This is the mail system at host mx.one.example.',
    '',
    '--cut',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.one.example',
    '',
    `${blocks.join('')}--cut`,
    'Content-Type: text/rfc822-headers',
    '',
    ...originalHeader(reference, messageId),
    '',
    '--cut--',
  );
}

export interface ComplaintSetup extends ReportSetup {
  readonly feedbackType?: string;
  readonly recipient?: string;
}

/** RFC 5965. */
export function arf({
  feedbackType = 'abuse',
  recipient,
  reference,
  messageId = 'm1@example.org',
}: ComplaintSetup): string {
  return lines(
    'From: fbl@provider.example',
    'Subject: complaint',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="cut"',
    '',
    '--cut',
    'Content-Type: text/plain',
    '',
    'This is an email abuse report.',
    '',
    '--cut',
    'Content-Type: message/feedback-report',
    '',
    `Feedback-Type: ${feedbackType}`,
    'User-Agent: Provider/1.0',
    'Version: 1',
    ...(recipient === undefined ? [] : [`Original-Rcpt-To: <${recipient}>`]),
    '',
    '--cut',
    'Content-Type: message/rfc822',
    '',
    ...originalHeader(reference, messageId),
    '',
    'Hello.',
    '--cut--',
  );
}

/** RFC 3834. */
export function autoReply(): string {
  return lines(
    'From: ann@one.example',
    'Subject: Out of office',
    'Auto-Submitted: auto-replied',
    '',
    'I am away until Monday.',
  );
}

function originalHeader(reference: string | undefined, messageId: string): string[] {
  return [
    'From: shop@example.org',
    'To: ann@one.example',
    'Subject: your order',
    `Message-ID: <${messageId}>`,
    ...(reference === undefined ? [] : [`X-Posthorn-Ref: ${reference}`]),
  ];
}

function diagnosticOf(status: string, address: string): string {
  if (status.startsWith('2')) return `250 ${status} Ok`;
  if (status.startsWith('4')) return `451 ${status} connect to mx.one.example: Connection timed out`;
  return `550 ${status} <${address}>: Recipient address rejected: User unknown`;
}

function lines(...texts: readonly string[]): string {
  return `${texts.join('\r\n')}\r\n`;
}
