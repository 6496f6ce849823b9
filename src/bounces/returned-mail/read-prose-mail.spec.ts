/** Whole mails without a report for programs: what kind each is, whom it names, and with what words. Invented people. */
import { describe, expect, it } from '@jest/globals';
import { findingOf } from '../../mail/categories.js';
import { Classifier } from '../classify/classifier.js';
import { readReturnedMail } from './read-returned-mail.js';

class NoClassifier extends Classifier {
  classify(): ReturnType<typeof findingOf> {
    return findingOf('unclassified', 'test');
  }
}

type Mail = readonly [what: string, from: string, subject: string, body: string, expected: object, fields?: string];

function read([, from, subject, body, , fields]: Mail): object {
  const head = ['Return-Path: <>', `From: ${from}`, 'To: orders@shop.example', `Subject: ${subject}`];
  const mail = [...head, ...(fields === undefined ? [] : [fields]), '', body].join('\n');
  const { kind, recipients } = readReturnedMail(Buffer.from(mail), new NoClassifier());
  return {
    kind,
    recipients: recipients.map(({ address, action, code, diagnostic }) => ({ address, action, code, diagnostic })),
  };
}

const failed = (address: string, words: string, code?: number): object =>
  expect.objectContaining({ address, action: 'failed', code, diagnostic: expect.stringContaining(words) });

const MAILS: readonly Mail[] = [
  [
    'a transcript whose lines bear the time',
    'MDaemon@far.example',
    'Permanent Delivery Failure',
    'The attached message had PERMANENT fatal delivery errors!\n\nFailed address: yves@dest.example\n\n--- Session Transcript ---\n Tue 2020-03-03 10:12:32: [01:5] <-- 220 mx.dest.example ESMTP\n Tue 2020-03-03 10:12:33: [01:5] --> MAIL From:<orders@shop.example>\n Tue 2020-03-03 10:12:33: [01:5] <-- 250 ok\n Tue 2020-03-03 10:12:33: [01:5] --> RCPT To:<yves@dest.example>\n Tue 2020-03-03 10:12:33: [01:5] <-- 550 nobody of that name\n--- End Transcript ---\n',
    { kind: 'bounce', recipients: [failed('yves@dest.example', '550 nobody of that name', 550)] },
  ],
  [
    'a list of failed and one of late recipients',
    'Mail Delivery Subsystem <MAILER-DAEMON@far.example>',
    'Returned mail: see transcript for details',
    '   ----- The following addresses had permanent fatal errors -----\n<one@dest.example>\n\n   ----- The following addresses had transient non-fatal errors -----\n<two@slow.example>\n\n   ----- Transcript of session follows -----\n>>> RCPT To:<one@dest.example>\n<<< 550 5.1.1 User unknown\n<two@slow.example>... Deferred: Connection timed out\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n',
    {
      kind: 'bounce',
      recipients: [
        failed('one@dest.example', 'User unknown', 550),
        expect.objectContaining({ address: 'two@slow.example', action: 'delayed' }),
      ],
    },
  ],
  [
    'Exchange 2000, a name before the address',
    'System Administrator <postmaster@far.example>',
    'Undeliverable: Order',
    'Your message did not reach some or all of the intended recipients.\n\nThe following recipient(s) could not be reached:\n\n      al@dest.example on 3/3/2020 10:12 AM\n            There is no such account.\n\n      Bo Berg (bo@dest.example) on 3/3/2020 10:12 AM\n            The mailbox is over its limit.\n',
    {
      kind: 'bounce',
      recipients: [failed('al@dest.example', 'no such account'), failed('bo@dest.example', 'over its limit')],
    },
  ],
  [
    'a list of points',
    'Mailer <mailer-daemon@far.example>',
    'Undelivered mail',
    'We could not deliver your mail to:\n\n * one@dest.example\n   Reason: no such mailbox\n * two@dest.example\n   Reason: mailbox full\n\nYour mail team (mail-team@far.example)\n',
    { kind: 'bounce', recipients: [failed('one@dest.example', 'no such'), failed('two@dest.example', 'full')] },
  ],
  [
    'a Spanish sentence',
    'postmaster@dest.example',
    'Correo devuelto',
    'Su mensaje dirigido a al@dest.example ha sido devuelto porque el buzón está lleno.\n',
    { kind: 'bounce', recipients: [failed('al@dest.example', 'devuelto')] },
  ],
  [
    'HTML that shows a name and links its address',
    'Microsoft Outlook <postmaster@far.example>',
    'Undeliverable: Order',
    '<p>Delivery has failed to these recipients:</p><p><a href="mailto:rita@dest.example">Rita Maier</a><br>It could not be found.</p>',
    { kind: 'bounce', recipients: [failed('rita@dest.example', 'could not be found')] },
    'Content-Type: text/html',
  ],
  [
    'fields of the message recited with the reason',
    'Mail Gateway <postmaster@dest.example>',
    'Undeliverable: message rejected',
    'The following message was not delivered:\n\nFrom: orders@shop.example\nTo: al@dest.example\nSubject: Order\nReason: 550 5.7.1 not accepted here\n',
    { kind: 'bounce', recipients: [failed('al@dest.example', 'not accepted here', 550)] },
  ],
  [
    'Japanese of Domino',
    'Postmaster@far.example',
    '配信障害',
    'あなたのメッセージは次の宛先に配信されませんでした:\n\n  rolf@dest.example\n\n理由:\n\n  ディレクトリにありません\n',
    { kind: 'bounce', recipients: [failed('rolf@dest.example', 'ディレクトリ')] },
  ],
  [
    'Czech',
    'mailer-daemon@dest.example',
    'Nedoručitelná zpráva',
    'Zprávu se nepodařilo doručit:\n\n<petr@dest.example>: uživatel neexistuje\n',
    { kind: 'bounce', recipients: [failed('petr@dest.example', 'neexistuje')] },
  ],
  [
    'a mail that lost its Content-Type',
    'MAILER-DAEMON@far.example',
    'Undelivered Mail Returned to Sender',
    '--xx\nContent-Type: text/plain\n\nIt failed.\n--xx\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; far.example\n\nFinal-Recipient: rfc822; anna@dest.example\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; [203.0.113.9]\n\n--xx--\n',
    { kind: 'bounce', recipients: [expect.objectContaining({ address: 'anna@dest.example', code: undefined })] },
  ],
  [
    'relayed, as IIS says it',
    'postmaster@far.example',
    'Delivery Status Notification (Success)',
    'Your message has been successfully relayed to the following recipients, but the requested delivery status notifications may not be generated by the destination.\n\n       anna@dest.example\n',
    { kind: 'delivered', recipients: [expect.objectContaining({ address: 'anna@dest.example' })] },
  ],
  ...(
    [
      ['Zustellung verzögert', 'Die Zustellung ist verzögert:\n\nanna@dest.example\n\nEs wird weiter versucht.\n'],
      ['Remise différée', 'La remise est différée :\n\nanna@dest.example\n\nIl n’a pas encore été remis.\n'],
      ['配信遅延', '次の受信者への配信が遅れています:\n\nanna@dest.example\n\n引き続き配信を試みます。\n'],
      ['Доставка задерживается', 'Доставка задерживается:\n\nanna@dest.example\n'],
    ] as const
  ).map(([subject, body]): Mail => [
    `late: ${subject}`,
    'postmaster@far.example',
    subject,
    body,
    { kind: 'delayed', recipients: [expect.objectContaining({ address: 'anna@dest.example', action: 'delayed' })] },
  ]),
  [
    'what a daemon writes of other things',
    'MAILER-DAEMON@far.example',
    'double bounce notice of the queue monitor',
    'messages in queue: 12\nAll is well.\n',
    { kind: 'other', recipients: [] },
  ],
  ...(
    [
      ['waitlisted', 'Re: Order', 'Your message about "Order" was waitlisted.'],
      [
        'approved senders',
        'Re: Order',
        'I now allow incoming messages only from senders I have approved beforehand.\nIf you would like to be added to my list of approved senders, fill out the form.',
      ],
      [
        'held',
        'Your message requires confirmation',
        'Your message has been held. To confirm delivery, please reply to this message.',
      ],
    ] as const
  ).map(([what, subject, body]): Mail => [
    `a challenge: ${what}`,
    'Anna <anna@dest.example>',
    subject,
    body,
    { kind: 'challenge', recipients: [] },
  ]),
];

describe('readReturnedMail', () => {
  it.each(MAILS.map((mail) => [mail[0], mail] as const))('reads %s', (_, mail) => {
    expect(read(mail)).toEqual(mail[4]);
  });
});
