/** Reports of our own (`src/bounces/reports/compose-report.ts`), as others read them: people, Python's email package, and our own reader. */
import { describe, expect, it } from '@jest/globals';
import { composeReport, type ReportMaterial } from '../../src/bounces/reports/compose-report.js';
import { openClassifier } from '../../src/bounces/classify/open-classifier.js';
import { readReturnedMail } from '../../src/bounces/returned-mail/read-returned-mail.js';
import type { Suppression } from '../../src/bounces/suppression/suppressions.js';
import { findingOf, OWN_RULE } from '../../src/mail/categories.js';
import { hasPython, readByPython, type MailAsRead } from './python-mail.js';
import { ACCEPTED_AT, bounce, material, MESSAGE_ID, record, SERVER } from './sample-reports.js';

const GREYLISTED = findingOf('greylisted', 'standards/greylisted');

const delay = {
  type: 'delayed',
  at: ACCEPTED_AT + 14_400_000,
  recipients: [0],
  source: 'reply',
  classification: GREYLISTED,
  reply: { code: 451, enhanced: '4.7.1', text: 'come back later' },
  mx: 'mx.one.example[192.0.2.1]:25',
  attempt: 8,
} as const;
const expiry = { ...delay, type: 'expired', classification: findingOf('expired', 'expired') } as const;
const complaint = { type: 'complained', at: ACCEPTED_AT, recipients: [0], feedbackType: 'abuse' } as const;

function written(given: Partial<ReportMaterial> = {}): string {
  return composeReport(material(given), SERVER).toString();
}

/** The part for people, as one paragraph. */
function words(given: Partial<ReportMaterial> = {}): string {
  return (written(given).split('--=_posthorn')[1] ?? '').replace(/\s+/g, ' ');
}

function suppressionOf(given: Partial<Suppression> = {}): ReadonlyMap<string, Suppression> {
  const address = 'ann@one.example';
  return new Map([
    [address, { address, reason: 'unknown_recipient', since: ACCEPTED_AT, because: 'no such user', ...given }],
  ]);
}

describe('the words of a report', () => {
  it('say what happened, whose fault it is, what to do and what is done, before the reply', () => {
    const text = words({ suppressed: suppressionOf() });
    const inOrder = [
      'Your mail was not delivered to: ann@one.example',
      'What happened: The mailbox does not exist.',
      "Whose fault: The recipient's side",
      'What to do: Look for a typo',
      'What Posthorn does: The address is on the suppression list: your mail to it is held back until it is taken off by hand.',
      'mx.one.example[192.0.2.1]:25 said at attempt 2, Sat, 21 Nov 2026 12:01:05 +0000:',
      '550 5.1.1 no such user here',
      `Message: ${MESSAGE_ID}`,
      'Subject: Your order',
      'Class: unknown_recipient (hard)',
    ].map((phrase) => text.indexOf(phrase));
    expect(inOrder).not.toContain(-1);
    expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
  });

  it('say until when, and which mail, where the suppression has an end', () => {
    expect(words({ suppressed: suppressionOf({ until: ACCEPTED_AT, streams: ['bulk'] }) })).toContain(
      'mail of the stream bulk to it is held back until Sat, 21 Nov 2026 12:00:00 +0000.',
    );
  });

  it('do not say that an address is suppressed that is not', () => {
    expect(words()).toContain('The address is not suppressed');
  });

  it('of a delay tell not to send it again, and until when it is tried', () => {
    expect(words({ event: delay })).toContain(
      'It is tried again and again until Mon, 23 Nov 2026 12:00:00 +0000, then you are told. It is not to be sent again.',
    );
  });

  it('put what we found ourselves in the mouth of no server', () => {
    const reply = { code: 550, enhanced: '5.6.7', text: 'The address needs SMTPUTF8' };
    const { mx: _, ...withoutMx } = { mx: '', ...bounce({ reply }) };
    for (const event of [
      bounce({ reply, mx: '127.0.0.1:31926', classification: findingOf('protocol_error', OWN_RULE) }),
      withoutMx,
    ]) {
      expect(words({ event })).toContain('Posthorn found at attempt 2, Sat, 21 Nov 2026 12:01:05 +0000: 550 5.6.7 The');
      const report = written({ event });
      expect(report).toContain('\r\nDiagnostic-Code: x-posthorn; 550 5.6.7 The address needs SMTPUTF8\r\n');
      expect(report).not.toMatch(/Remote-MTA| said/);
    }
  });

  it('show the subject as its reader saw it', () => {
    const subject = '=?UTF-8?Q?Ihre_Bestellung_f=C3=BCr_Bj=C3=B6rn?= 7';
    expect(words({ message: record({ subject }) })).toContain('Subject: Ihre Bestellung für Björn 7 ');
  });

  it('name the first of many recipients, and count the others', () => {
    const recipients = Array.from({ length: 60 }, (_, index) => `r${String(index)}@one.example`);
    const text = words({ message: record({ recipients }), recipients });
    expect(text).toContain('r49@one.example and 10 more');
    expect(text).not.toContain('r50@');
    expect(written({ message: record({ recipients }), recipients })).toContain(
      'Subject: Not delivered to r0@one.example and 59 more:',
    );
  });
});

describe('the fields of a report', () => {
  it('are those of RFC 3464', () => {
    const report = written();
    const status = report.split('Content-Type: message/delivery-status')[1]?.split('--=_')[0];
    expect(status).toBe(
      [
        '',
        'Content-Transfer-Encoding: 7bit',
        '',
        'Reporting-MTA: dns; mail.shop.example',
        `X-Posthorn-Message-Id: ${MESSAGE_ID}`,
        'Arrival-Date: Sat, 21 Nov 2026 12:00:00 +0000',
        '',
        'Final-Recipient: rfc822; ann@one.example',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; mx.one.example',
        'Diagnostic-Code: smtp; 550 5.1.1 no such user here',
        'Last-Attempt-Date: Sat, 21 Nov 2026 12:01:05 +0000',
        'X-Posthorn-Category: unknown_recipient',
        '',
        '',
      ].join('\r\n'),
    );
    expect(report).toContain('\r\nAuto-Submitted: auto-replied\r\n');
    expect(report).toContain(`\r\nMessage-ID: <${MESSAGE_ID}.3@bounces.shop.example>\r\n`);
  });

  it.each([
    ['mx.one.example[192.0.2.1]:25', 'mx.one.example'],
    ['mx.one.example:2525', 'mx.one.example'],
    ['127.0.0.1:31926', '[127.0.0.1]'],
    ['192.0.2.1[192.0.2.1]:25', '[192.0.2.1]'],
    ['[2001:db8::1]:25', '[IPv6:2001:db8::1]'],
  ])('name the server without its port: %s', (mx, name) => {
    expect(written({ event: bounce({ mx }) })).toContain(`\r\nRemote-MTA: dns; ${name}\r\n`);
  });

  it('of a delay say until when it is tried, and that it has not failed', () => {
    const report = written({ event: delay });
    expect(report).toContain('\r\nAction: delayed\r\nStatus: 4.7.1\r\n');
    expect(report).toContain('\r\nWill-Retry-Until: Mon, 23 Nov 2026 12:00:00 +0000\r\n');
  });

  it('of an expiry say that the time is over', () => {
    expect(written({ event: expiry })).toContain('\r\nAction: failed\r\nStatus: 4.4.7\r\n');
  });

  it('never take a temporary code for a failure', () => {
    const reply = { code: 554, enhanced: '4.7.1', text: 'odd' };
    expect(written({ event: bounce({ reply }) })).toContain('\r\nStatus: 5.0.0\r\n');
  });

  it('of a complaint are those of RFC 5965', () => {
    const report = written({ event: complaint });
    expect(report).toContain('multipart/report; report-type=feedback-report;');
    expect(report).toContain('\r\nFeedback-Type: abuse\r\nUser-Agent: Posthorn/1\r\nVersion: 1\r\n');
    expect(report).toContain('\r\nOriginal-Rcpt-To: <ann@one.example>\r\n');
  });

  it('go to nobody where the mail had no sender', () => {
    expect(written({ message: record({ reversePath: '' }) })).toContain('\r\nTo: undisclosed-recipients:;\r\n');
  });
});

describe('the header of the message in a report', () => {
  it('is the one it had, byte by byte', () => {
    const header = Buffer.from('Subject: a\r\n folded\r\nX-Bytes: \xe4\xff\r\n', 'latin1');
    const report = composeReport(material({ header }), SERVER);
    expect(report.includes(Buffer.concat([Buffer.from('8bit\r\n\r\n'), header, Buffer.from('\r\n--=_')]))).toBe(true);
  });

  it('is what is known of it where it is gone', () => {
    const report = written();
    const known = ['From: orders@shop.example', 'To: ann@one.example', 'Subject: Your order', 'Date: Sat, 21 Nov 2026'];
    expect(report.split('Content-Type: text/rfc822-headers')[1]).toContain(known.join('\r\n'));
  });

  it('names no recipient but those that the report is about', () => {
    const message = record({ recipients: ['ann@one.example', 'bea@one.example', 'cid@one.example'] });
    expect(written({ message, recipients: ['ann@one.example', 'cid@one.example'] })).not.toContain('bea@');
  });

  it('can be large, and is cut off', () => {
    const header = Buffer.from('X-Long: a b c d e\r\n'.repeat(10_000));
    expect(composeReport(material({ header }), SERVER).length).toBeLessThan(40_000);
  });
});

/** What others write into replies, subjects and headers to break a report. */
const HOSTILE: readonly (readonly [string, Partial<ReportMaterial>])[] = [
  [
    'a reply with line ends and fields',
    { event: bounce({ reply: { code: 550, text: 'no\r\n\r\nBcc: evil@x.example\nStatus: 2.0.0\r.\u2028\u0085x' } }) },
  ],
  ['a reply of one endless word', { event: bounce({ reply: { code: 550, text: 'x'.repeat(5_000) } }) }],
  [
    'a reply in Japanese',
    { event: bounce({ reply: { code: 550, text: '宛先のメールボックスが見つかりません。'.repeat(60) } }) },
  ],
  ['an mx that is no name', { event: bounce({ mx: 'a\r\nb: c[192.0.2.1]:25' }) }],
  ['a subject with fields', { message: record({ subject: 'a\r\nBcc: evil@x.example\r\n\r\nbody' }) }],
  ['a subject that looks encoded', { message: record({ subject: '=?utf-8?Q?evil=0D=0ABcc:_x?=' }) }],
  ['a long subject of wide characters', { message: record({ subject: '\u{1f4ee}ü'.repeat(300) }) }],
  ['a feedback type with fields', { event: { ...complaint, feedbackType: 'abuse\r\nBcc: evil@x.example' } }],
  [
    'a header with bare line ends, an end and a boundary',
    { header: Buffer.from('A: 1\n\n--=_posthorn_\r\rB: 2\r\n\r\n\0C: 3\r\nD: ' + 'y'.repeat(3_000) + '\r\n') },
  ],
  ['recipients beyond ASCII', { recipients: ['jürgen@dömain.example', '"a b"@one.example'] }],
];

describe('what comes from outside', () => {
  it.each(HOSTILE)('breaks no line and adds no field: %s', (_which, given) => {
    const report = composeReport(material(given), SERVER).toString('latin1');
    const lines = report.split('\r\n');
    for (const line of lines) {
      expect(line).not.toMatch(/[\r\n\0]/);
      expect(line.length).toBeLessThanOrEqual(998);
    }
    expect(lines.filter((line) => /^(bcc|status: 2)/i.test(line))).toEqual([]);
    const boundary = /boundary="([^"]+)"/.exec(report)?.[1] ?? '';
    expect(lines.filter((line) => line.startsWith(`--${boundary}`))).toHaveLength(4);
  });
});

describe('our own reader of mail that comes back', () => {
  const classifier = openClassifier();
  const read = (given: Partial<ReportMaterial> = {}) =>
    readReturnedMail(composeReport(material(given), SERVER), classifier);

  it.each<[string, number, string, string]>([
    ['unknown_recipient', 550, '5.1.1', 'no such user here'],
    ['mailbox_full', 552, '5.2.2', 'the mailbox is full'],
    ['content_spam', 554, '5.7.1', 'this message was taken for spam'],
  ])('reads a bounce as one, with its recipient and its class: %s', (category, code, enhanced, text) => {
    const reply = { code, enhanced, text };
    const mail = read({ event: bounce({ reply }), suppressed: suppressionOf() });
    expect(mail).toMatchObject({
      kind: 'bounce',
      recipients: [{ address: 'ann@one.example', status: enhanced, classification: { category } }],
    });
    expect(mail.recipients).toHaveLength(1);
  });

  it('reads a reply and an address beyond ASCII', () => {
    const reply = { code: 550, enhanced: '5.1.1', text: '宛先のメールボックスが見つかりません' };
    const recipients = ['jürgen@xn--dmain-jua.example', 'bea@one.example'];
    const mail = read({ event: bounce({ reply }), recipients });
    expect(mail.kind).toBe('bounce');
    expect(mail.recipients.map(({ address }) => address)).toEqual(recipients);
    for (const { classification } of mail.recipients) expect(classification.category).toBe('unknown_recipient');
  });

  it('reads a delay as no bounce, and an expiry as one that says nothing of the address', () => {
    expect(read({ event: delay })).toMatchObject({ kind: 'delayed', recipients: [{ address: 'ann@one.example' }] });
    const { kind, recipients } = read({ event: expiry });
    expect([kind, recipients.map(({ classification }) => classification.suppress)]).toEqual(['bounce', [false]]);
  });

  it('reads a complaint as one', () => {
    expect(read({ event: complaint })).toMatchObject({
      kind: 'complaint',
      feedbackType: 'abuse',
      recipients: [{ address: 'ann@one.example' }],
    });
  });

  it('finds the message that it is about in its header', () => {
    const header = Buffer.from('Message-ID: <1@shop.example>\r\nSubject: Your order\r\n');
    expect(read({ header }).original).toMatchObject({ messageId: '<1@shop.example>', subject: 'Your order' });
  });
});

describe("Python's email package", () => {
  const test = hasPython ? it : it.skip;

  test('finds nothing wrong with a report, and reads the same out of it', () => {
    const givens: Partial<ReportMaterial>[] = [
      {},
      { event: delay },
      { event: expiry },
      { header: Buffer.from('Subject: a\r\nTo: x@y.example\r\n') },
    ];
    const read = readByPython(givens.map((given) => composeReport(material(given), SERVER)));
    for (const mail of read) {
      expect(mail).toMatchObject({ defects: [], type: 'multipart/report', reportType: 'delivery-status' });
      expect(mail.types).toEqual(['text/plain', 'message/delivery-status', 'text/rfc822-headers']);
      expect(mail.header).toMatchObject({ to: 'orders@shop.example', 'mime-version': '1.0' });
      expect(mail.groups).toHaveLength(2);
    }
    expect(read.map(({ groups }) => groups[1]?.action)).toEqual(['failed', 'delayed', 'failed', 'failed']);
    expect(read[0]?.groups[1]).toMatchObject({
      'final-recipient': 'rfc822; ann@one.example',
      status: '5.1.1',
      'diagnostic-code': 'smtp; 550 5.1.1 no such user here',
    });
    expect(read[0]?.text).toContain('What happened: The mailbox does not exist.');
  });

  test('finds nothing wrong whatever came from outside', () => {
    const reports = HOSTILE.map(([, given]) => composeReport(material(given), SERVER));
    const read: MailAsRead[] = readByPython(reports);
    for (const [index, mail] of read.entries()) {
      expect([HOSTILE[index]?.[0], mail.defects]).toEqual([HOSTILE[index]?.[0], []]);
      expect(mail.types).toHaveLength(3);
      expect(Object.keys(mail.header)).not.toContain('bcc');
    }
    const long = read[6]?.header.subject;
    expect(long).toBe('Not delivered to ann@one.example: The mailbox does not exist');
    expect(read[2]?.text.replace(/\s+/g, '')).toContain('宛先のメールボックスが見つかりません。'.repeat(60));
  });
});
