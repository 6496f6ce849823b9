/** Bounce reports of the usual form and size, each about another recipient. */

export function bounceReport(index: number): Buffer {
  const recipient = `customer-${index}@example.net`;
  const boundary = `=_bench_${index.toString(16).padStart(8, '0')}`;
  const lines = [
    'Return-Path: <>',
    'From: Mail delivery <postmaster@bounces.relay.example>',
    'To: shop@example.org',
    `Subject: Not delivered to ${recipient}: the address does not exist`,
    'Date: Tue, 01 Dec 2026 08:00:00 +0000',
    `Message-ID: <bench.${index}@bounces.relay.example>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    ` boundary="${boundary}"`,
    '',
    'This is a report on a mail, in the form of RFC 6522.',
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 7bit',
    '',
    ...Array.from({ length: 24 }, (_, i) => `What happened to ${recipient}, in words that people read, line ${i}.`),
    '',
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; relay.example',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 No such user here',
    '',
    `--${boundary}`,
    'Content-Type: text/rfc822-headers',
    '',
    'From: Shop <shop@example.org>',
    `To: ${recipient}`,
    'Subject: Your order',
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.org; s=ph20261201;',
    ` h=from:to:subject; bh=${'b'.repeat(43)}=; b=${'c'.repeat(300)}`,
    '',
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
