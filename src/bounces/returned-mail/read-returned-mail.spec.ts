import { describe, expect, it } from '@jest/globals';
import { findingOf } from '../../mail/categories.js';
import type { Finding } from '../../mail/classification.js';
import { Classifier, type RefusalFacts } from '../classify/classifier.js';
import { openClassifier } from '../classify/open-classifier.js';
import { readReturnedMail } from './read-returned-mail.js';
import type { ReturnedMail } from './returned-mail.js';

/** Keeps what it was asked. */
class AskedClassifier extends Classifier {
  readonly asked: RefusalFacts[] = [];
  classify(facts: RefusalFacts): Finding {
    this.asked.push(facts);
    return findingOf('unclassified', 'test');
  }
}

function read(lines: readonly string[], classifier = new AskedClassifier()): ReturnedMail {
  return readReturnedMail(Buffer.from(lines.join('\r\n')), classifier);
}

const ORIGINAL = [
  'From: Shop <orders@shop.example>',
  'To: "Anna" <anna@dest.example>',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
  'Message-ID: <1042@shop.example>',
  'X-Posthorn-Ref: b+01abc.1.sig',
  '',
  'Hello Anna',
];

function report(status: readonly string[], words = ['It could not be delivered.'], original = ORIGINAL): string[] {
  return [
    'Return-Path: <>',
    'From: Mail Delivery Subsystem <mailer-daemon@mx.dest.example>',
    'To: b+x@bounces.relay.example',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="=_r"',
    '',
    '--=_r',
    '',
    ...words,
    '--=_r',
    'Content-Type: message/delivery-status',
    '',
    ...status,
    '--=_r',
    'Content-Type: message/rfc822',
    '',
    ...original,
    '--=_r--',
  ];
}

const FAILED = [
  'Reporting-MTA: dns; relay.example',
  '',
  'Original-Recipient: rfc822;anna@dest.example',
  'Final-Recipient: rfc822; anna+home@mail.dest.example',
  'Action: failed (gave up)',
  'Status: 5.1.1 (no such user)',
  'Remote-MTA: dns; mx1.dest.example (192.0.2.1)',
  'Diagnostic-Code: smtp; 550 5.1.1 <anna@dest.example>:',
  '  there is nobody here by that name',
];

describe('readReturnedMail, of reports by RFC 3464', () => {
  it('reads the recipient, its codes and words, and the message that came back', () => {
    const classifier = new AskedClassifier();
    expect(read(report(FAILED), classifier)).toEqual({
      kind: 'bounce',
      recipients: [
        {
          address: 'anna@dest.example',
          final: 'anna+home@mail.dest.example',
          action: 'failed',
          status: '5.1.1',
          code: 550,
          diagnostic: '550 5.1.1 <anna@dest.example>: there is nobody here by that name',
          mx: 'mx1.dest.example',
          classification: findingOf('unclassified', 'test'),
        },
      ],
      original: {
        messageId: '<1042@shop.example>',
        reference: 'b+01abc.1.sig',
        from: 'orders@shop.example',
        to: ['anna@dest.example'],
        subject: 'Grüße',
      },
    });
    expect(classifier.asked[0]).toMatchObject({ code: 550, enhanced: '5.1.1', mx: 'mx1.dest.example' });
  });

  it.each([
    [
      'an alias of it',
      ['Original-Recipient: rfc822;sales@dest.example', 'Final-Recipient: rfc822;gone@dest.example'],
      'gone@dest.example',
    ],
    [
      'an alias of it, as Sendmail says it',
      ['Final-Recipient: rfc822;sales@dest.example', 'X-Actual-Recipient: rfc822;gone@dest.example'],
      'gone@dest.example',
    ],
    [
      'itself',
      ['Original-Recipient: rfc822;sales@dest.example', 'Final-Recipient: rfc822;Sales@Dest.example'],
      undefined,
    ],
    ['itself, with nothing beside it', ['Final-Recipient: rfc822;sales@dest.example'], undefined],
  ])('tells where mail failed in the end that was sent to %s', (_which, fields, final) => {
    const [one] = read(report(['Reporting-MTA: dns; x', '', ...fields, 'Action: failed', 'Status: 5.1.1'])).recipients;
    expect([one?.address.toLowerCase(), one?.final]).toEqual(['sales@dest.example', final]);
  });

  it('calls nobody dead who is still being tried, whatever his server said', () => {
    const status = ['Final-Recipient: rfc822; anna@dest.example', 'Action: delayed', 'Status: 5.1.1'];
    const diagnostic = 'Diagnostic-Code: smtp; 550 5.1.1 User unknown';
    const mail = readReturnedMail(Buffer.from(report([...status, diagnostic]).join('\r\n')), openClassifier());
    expect(mail.kind).toBe('delayed');
    expect(mail.recipients[0]?.classification).toMatchObject({
      category: 'unknown_recipient',
      type: 'soft',
      suppress: false,
    });
  });

  it('counts the failed and the delayed among several recipients, never the delivered', () => {
    const recipients = ['failed 5.2.2', 'delayed 4.4.1', 'delivered 2.0.0', 'relayed 2.0.0', 'expanded 2.0.0'].flatMap(
      (one) => {
        const [action = '', status = ''] = one.split(' ');
        return ['', `Final-Recipient: rfc822;${action}@dest.example`, `Action: ${action}`, `Status: ${status}`];
      },
    );
    const mail = read(report(['Reporting-MTA: dns; x', ...recipients]));
    expect(mail.kind).toBe('bounce');
    expect(mail.recipients.map(({ address, action }) => [address, action])).toEqual([
      ['failed@dest.example', 'failed'],
      ['delayed@dest.example', 'delayed'],
    ]);
  });

  it.each([
    ['delayed', '4.4.1', 'delayed'],
    ['delivered', '2.0.0', 'delivered'],
    ['relayed', '2.0.0', 'delivered'],
    ['expanded', '2.0.0', 'delivered'],
    ['failed', '4.4.7', 'bounce'],
  ])('calls a report of %s %s %s', (action, status, kind) => {
    const mail = read(
      report([
        'Reporting-MTA: dns; x',
        '',
        'Final-Recipient: rfc822;a@dest.example',
        `Action: ${action}`,
        `Status: ${status}`,
      ]),
    );
    expect(mail.kind).toBe(kind);
  });

  it('takes the words for people where the diagnostic says nothing', () => {
    const status = ['Final-Recipient: rfc822; anna@dest.example', 'Action: failed', 'Status: 5.0.0'];
    const words = [
      '<anna@dest.example>: host mx1.dest.example[192.0.2.1] said: 552 5.2.2 The mailbox is over its quota',
    ];
    const [recipient] = read(report(status, words)).recipients;
    expect(recipient).toMatchObject({
      status: '5.2.2',
      code: 552,
      diagnostic: expect.stringContaining('over its quota'),
    });
  });

  it('finds the address of a local user, and one that only the original names', () => {
    const named = (final: string): string | undefined =>
      read(report([`Final-Recipient: ${final}`, 'Action: failed', 'Status: 5.1.1'], ['Sorry.'])).recipients[0]?.address;
    expect(named('local; anna')).toBe('anna@dest.example');
    expect(named('x400; /G=Anna/S=Berg/P=dest/C=de/')).toBe('anna@dest.example');
  });

  it.each([
    ['the report in a text part', (line: string) => line.replace('message/delivery-status', 'text/plain')],
    ['another boundary than announced', (line: string) => line.replace('boundary="=_r"', 'boundary="=_x"')],
    ['no multipart type', (line: string) => line.replace('multipart/report', 'text/plain')],
    [
      'capitals',
      (line: string) =>
        /^(?:Content|Final|Original|Action|Status)/.test(line) ? line.toUpperCase().replace('=_R', '=_r') : line,
    ],
  ])('reads a report that is broken by %s', (_, damage) => {
    const mail = read(report(FAILED).map(damage));
    expect(mail.kind).toBe('bounce');
    expect(mail.recipients.map(({ address, status }) => [address.toLowerCase(), status])).toEqual([
      ['anna@dest.example', '5.1.1'],
    ]);
  });

  it('reads the same out of every kind of line ending', () => {
    const readWith = (ending: string): ReturnedMail =>
      readReturnedMail(Buffer.from(report(FAILED).join(ending)), new AskedClassifier());
    expect(readWith('\n')).toEqual(readWith('\r\n'));
    expect(readWith('\r')).toEqual(readWith('\r\n'));
  });
});

describe('readReturnedMail, of complaints', () => {
  const complaint = (fields: readonly string[]): string[] => [
    'From: fbl@isp.example',
    'Subject: FW: offers',
    'Content-Type: multipart/report; report-type=feedback-report; boundary=f',
    '',
    '--f',
    '',
    'This is an abuse report.',
    '--f',
    'Content-Type: message/feedback-report',
    '',
    ...fields,
    '--f',
    'Content-Type: message/rfc822',
    '',
    ...ORIGINAL,
    '--f--',
  ];

  it.each([
    ['abuse', ['Feedback-Type: abuse', 'Original-Rcpt-To: <ben@isp.example>'], 'ben@isp.example'],
    ['fraud', ['Feedback-Type: FRAUD', 'Removal-Recipient: ben@isp.example'], 'ben@isp.example'],
    ['not-spam', ['Feedback-Type: not-spam'], 'anna@dest.example'],
    ['other', ['Version: 1'], 'anna@dest.example'],
  ])('reads one of the type %s', (feedbackType, fields, address) => {
    const mail = read(complaint(fields));
    expect(mail).toMatchObject({ kind: 'complaint', feedbackType, original: { messageId: '<1042@shop.example>' } });
    expect(mail.recipients.map((one) => one.address)).toEqual([address]);
  });

  it('reads one from a loop that only sends the message back', () => {
    const mail = read([
      'From: staff@hotmail.com',
      'Subject: complaint about message from 192.0.2.1',
      'Content-Type: multipart/mixed; boundary=f',
      '',
      '--f',
      'Content-Type: message/rfc822',
      '',
      'X-HmXmrOriginalRecipient: ben@hotmail.com',
      ...ORIGINAL,
      '--f--',
    ]);
    expect(mail).toMatchObject({
      kind: 'complaint',
      feedbackType: 'abuse',
      recipients: [{ address: 'ben@hotmail.com' }],
    });
  });
});

describe('readReturnedMail, of mail that is no bounce', () => {
  const mail = (subject: string, words: string, fields: readonly string[] = []): string[] => [
    ...fields,
    'From: Anna <anna@dest.example>',
    'To: orders@shop.example',
    `Subject: ${subject}`,
    '',
    words,
  ];

  it.each([
    ['auto_reply', mail('Out of office: Re: order', 'Back on Monday.')],
    ['auto_reply', mail('Re: order', 'I am away until Monday.', ['Auto-Submitted: auto-replied', 'Return-Path: <>'])],
    ['auto_reply', mail('Abwesenheitsnotiz', 'Ich bin im Urlaub.')],
    ['auto_reply', mail('=?utf-8?B?6Ieq5YuV6L+U5L+h?=', '.')],
    ['auto_reply', mail('We have received your request', 'Ticket 5', ['Precedence: auto_reply'])],
    [
      'challenge',
      mail('Please confirm your message', 'Click the link below to have your mail delivered: https://a.example/'),
    ],
    ['other', mail('Lunch?', 'Tomorrow at noon.')],
    [
      'other',
      mail('Undeliverable parcel', 'The parcel could not be delivered, error 550.', [
        'Return-Path: <anna@dest.example>',
      ]),
    ],
    [
      'other',
      mail('Re: Undelivered Mail Returned to Sender', '> 550 5.1.1 <ben@dest.example>: user unknown\n\nWhat is this?'),
    ],
    [
      'other',
      mail(
        'Your mailbox is full: delivery failed',
        'Mail to ben@dest.example could not be delivered. Log in at https://a.example/login',
        ['Return-Path: <x@bad.example>'],
      ),
    ],
    [
      'other',
      mail('Mail delivery failed: what to do', 'Ten tips. 550 5.1.1 user unknown', [
        'List-Unsubscribe: <https://a.example/>',
      ]),
    ],
  ])('%s: %j', (kind, lines) => {
    expect(read(lines)).toMatchObject({ kind, recipients: [] });
  });

  it('does not take a forwarded bounce for one', () => {
    const lines = mail('Fwd: Undelivered Mail', 'Look what I got', ['MIME-Version: 1.0']);
    const forwarded = [
      ...lines.slice(0, -2),
      'Content-Type: multipart/mixed; boundary=w',
      '',
      '--w',
      '',
      'Look what I got',
      '--w',
      'Content-Type: message/rfc822',
      '',
      ...report(FAILED),
      '--w--',
    ];
    expect(read(forwarded).kind).toBe('other');
  });

  it.each([
    [
      'dmarc',
      [
        'Subject: Report Domain: shop.example Submitter: isp.example Report-ID: <1>',
        'Content-Type: application/zip',
        '',
        'UEsDBA==',
      ],
    ],
    [
      'tls',
      ['Subject: TLS', 'Content-Type: multipart/report; report-type=tlsrpt; boundary=t', '', '--t', '', 'x', '--t--'],
    ],
  ])('knows a %s report', (kind, lines) => {
    expect(read(lines)).toEqual({ kind: 'other', recipients: [], report: kind });
  });

  it('takes no notification of what a person did for a bounce', () => {
    const lines = report([
      'Final-Recipient: rfc822;anna@dest.example',
      'Disposition: automatic-action/MDN-sent-automatically; deleted',
    ]);
    expect(read(lines.map((line) => line.replace('delivery-status', 'disposition-notification'))).kind).toBe('other');
  });
});

describe('readReturnedMail, of the message below the words', () => {
  it.each([
    '--- Below this line is a copy of the message.',
    '------ This is a copy of the message, including all the headers. ------',
    '----- Original message -----',
    '   ----- Unsent message follows -----',
    'Your original message follows:',
    'Message headers follow:',
    '------- Ursprüngliche Nachricht -------',
  ])('finds it after %j', (separator) => {
    const mail = read([
      'From: MAILER-DAEMON@mx.dest.example',
      'Subject: failure notice',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Hi. I could not deliver your message to the following addresses.',
      '',
      '<anna@dest.example>:',
      'Sorry, no mailbox here by that name. (#5.1.1)',
      '',
      separator,
      '',
      ...ORIGINAL,
    ]);
    expect(mail.kind).toBe('bounce');
    expect(mail.original).toMatchObject({ messageId: '<1042@shop.example>', reference: 'b+01abc.1.sig' });
    expect(mail.recipients[0]).toMatchObject({ address: 'anna@dest.example', status: '5.1.1' });
  });
});

describe('readReturnedMail, of reports in unusual clothes', () => {
  it('reads the report inside the notice of a gateway', () => {
    const mail = read([
      'From: Mail Delivery System <postmaster@gateway.example>',
      'Subject: Delivery Status Notification (Failure)',
      'Content-Type: multipart/mixed; boundary=g',
      '',
      '--g',
      'Content-Type: message/rfc822',
      '',
      ...report(FAILED),
      '--g--',
    ]);
    expect(mail.kind).toBe('bounce');
    expect(mail.recipients[0]).toMatchObject({ address: 'anna@dest.example', status: '5.1.1' });
    expect(mail.original?.reference).toBe('b+01abc.1.sig');
  });

  it('takes the words in quotes for those of the server', () => {
    const status = [
      ...FAILED.slice(0, 5),
      "Diagnostic-Code: smtp; 5.1.0 - Unknown address error 550-'5.7.1 Access denied here'",
    ];
    expect(read(report(status)).recipients[0]).toMatchObject({ code: 550, diagnostic: '550 5.7.1 Access denied here' });
  });

  it('knows a challenge that is written as a report', () => {
    const status = ['Final-Recipient: rfc822; anna@dest.example', 'Action: failed', 'Status: 4.7.0'];
    const diagnostic = 'Diagnostic-Code: X-Guard; Sender not pre-approved, see above';
    expect(read(report([...status, diagnostic]))).toMatchObject({ kind: 'challenge', recipients: [] });
  });

  it('reads a complaint that comes as a notification in JSON', () => {
    const notification = {
      notificationType: 'Complaint',
      complaint: { complainedRecipients: [{ emailAddress: 'ben@isp.example' }], complaintFeedbackType: 'abuse' },
    };
    const mail = read(['From: no-reply@sns.example', 'Subject: Notification', '', JSON.stringify(notification)]);
    expect(mail).toMatchObject({
      kind: 'complaint',
      feedbackType: 'abuse',
      recipients: [{ address: 'ben@isp.example' }],
    });
  });
});
