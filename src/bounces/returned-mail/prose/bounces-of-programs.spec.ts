/** Reports as many programs word them, with invented people: whom each says has failed, and what was said. */
import { describe, expect, it } from '@jest/globals';
import { readProse } from './read-prose.js';

interface Sample {
  readonly program: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly headers?: Record<string, string>;
  readonly failed: readonly (readonly [address: string, words: RegExp])[];
  readonly kind?: 'bounce' | 'delayed' | 'delivered';
}

const ORIGINAL =
  'Received: from app.shop.test by out.shop.test; Mon, 3 Mar 2025 10:00:00 +0000\nFrom: Shop <orders@shop.test>\nTo: someone@elsewhere.test\nSubject: Your order\n';

const SAMPLES: readonly Sample[] = [
  {
    program: 'Postfix, two recipients, one an alias',
    from: 'MAILER-DAEMON@out.shop.test (Mail Delivery System)',
    subject: 'Undelivered Mail Returned to Sender',
    text: `This is the mail system at host out.shop.test.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\nFor further assistance, please send mail to postmaster.\n\n                   The mail system\n\n<ines@firma.test>: host mx.firma.test[192.0.2.7] said: 550 5.1.1\n    <ines@firma.test>: User unknown (in reply to RCPT TO command)\n\n<team@firma.test> (expanded from <all@shop.test>): connect to\n    mx.firma.test[192.0.2.7]:25: Connection timed out\n`,
    failed: [
      ['ines@firma.test', /^550 5\.1\.1 <ines@firma\.test>: User unknown$/],
      ['team@firma.test', /Connection timed out/],
    ],
  },
  {
    program: 'qmail',
    from: 'MAILER-DAEMON@q.shop.test',
    subject: 'failure notice',
    text: `Hi. This is the qmail-send program at q.shop.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<olaf@firma.test>:\n192.0.2.9 does not like recipient.\nRemote host said: 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\nGiving up on 192.0.2.9.\n\n<pia@firma.test>:\nSorry, I couldn't find any host named firma.test. (#5.1.2)\n\n--- Below this line is a copy of the message.\n\n${ORIGINAL}\n<trap@firma.test>:\nnot a recipient\n`,
    failed: [
      ['olaf@firma.test', /^553 sorry, that domain/],
      ['pia@firma.test', /couldn't find any host/],
    ],
  },
  {
    program: 'Exim 4',
    from: 'Mail Delivery System <Mailer-Daemon@out.shop.test>',
    subject: 'Mail delivery failed: returning message to sender',
    headers: { 'x-failed-recipients': 'rita@firma.test, sven@firma.test' },
    text: `This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  rita@firma.test\n    host mx.firma.test [192.0.2.3]\n    SMTP error from remote mail server after RCPT TO:<rita@firma.test>:\n    550 No such recipient here\n  sven@firma.test\n    (generated from chef@firma.test)\n    mailbox is full\n\n------ This is a copy of the message, including all the headers. ------\n\n${ORIGINAL}`,
    failed: [
      ['rita@firma.test', /550 No such recipient here/],
      ['sven@firma.test', /mailbox is full/],
    ],
  },
  {
    program: 'Exim, delayed',
    kind: 'delayed',
    from: 'Mail Delivery System <Mailer-Daemon@out.shop.test>',
    subject: 'Warning: message 1abcDE-0000Ab-7x delayed 24 hours',
    text: `This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on out.shop.test.\n\nThe address to which the message has not yet been delivered is:\n\n  tom@firma.test\n    host mx.firma.test [192.0.2.3]: connection timed out\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n`,
    failed: [['tom@firma.test', /connection timed out/]],
  },
  {
    program: 'sendmail 8',
    from: 'Mail Delivery Subsystem <MAILER-DAEMON@out.shop.test>',
    subject: 'Returned mail: see transcript for details',
    text: `The original message was received at Mon, 3 Mar 2025 10:00:00 GMT\nfrom app.shop.test [192.0.2.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<uwe@firma.test>\n    (reason: 550 5.2.1 Mailbox disabled for this recipient)\n\n   ----- Transcript of session follows -----\n... while talking to mx.firma.test.:\n>>> RCPT To:<uwe@firma.test>\n<<< 550 5.2.1 Mailbox disabled for this recipient\n550 5.1.1 <uwe@firma.test>... User unknown\n`,
    failed: [['uwe@firma.test', /550 5\.2\.1 Mailbox disabled/]],
  },
  {
    program: 'sendmail, given up after five days',
    from: 'Mail Delivery Subsystem <MAILER-DAEMON@out.shop.test>',
    subject: 'Returned mail: Cannot send message for 5 days',
    text: `The original message was received at Mon, 3 Mar 2025 10:00:00 GMT\nfrom app.shop.test [192.0.2.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<vera@firma.test>\n\n   ----- Transcript of session follows -----\n<vera@firma.test>... Deferred: Connection timed out with mx.firma.test.\nMessage could not be delivered for 5 days\nMessage will be deleted from queue\n`,
    failed: [['vera@firma.test', /could not be delivered for 5 days/]],
  },
  {
    program: 'sendmail, warning',
    kind: 'delayed',
    from: 'Mail Delivery Subsystem <MAILER-DAEMON@out.shop.test>',
    subject: 'Warning: could not send message for past 4 hours',
    text: `    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\n   ----- The following addresses had transient non-fatal errors -----\n<willi@firma.test>\n\n   ----- Transcript of session follows -----\n<willi@firma.test>... Deferred: Connection refused by mx.firma.test.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n`,
    failed: [['willi@firma.test', /Connection refused/]],
  },
  {
    program: 'Exchange 2003',
    from: 'System Administrator <postmaster@firma.test>',
    subject: 'Undeliverable: Your order',
    text: `Your message\n\n  To:      Xaver Huber\n  Subject: Your order\n  Sent:    Mon, 3 Mar 2025 10:00:00 +0000\n\ndid not reach the following recipient(s):\n\nxaver@firma.test on Mon, 3 Mar 2025 10:00:05 +0000\n    The e-mail account does not exist at the organization this message was sent to.\n    <mail.firma.test #5.1.1>\n`,
    failed: [['xaver@firma.test', /does not exist at the organization/]],
  },
  {
    program: 'Exchange 2010, German',
    from: 'Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@firma.test>',
    subject: 'Unzustellbar: Ihre Bestellung',
    text: `Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Verteilerlisten:\n\nYvonne Maier<mailto:yvonne@firma.test>\nDie eingegebene E-Mail-Adresse konnte nicht gefunden werden.\n\nDiagnoseinformationen für Administratoren:\n\nGenerierender Server: ex1.firma.test\n\nyvonne@firma.test\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nUrsprüngliche Nachrichtenkopfzeilen:\n\n${ORIGINAL}`,
    failed: [['yvonne@firma.test', /550 5\.1\.1 RESOLVER/]],
  },
  {
    program: 'Microsoft 365 in words',
    from: 'Microsoft Outlook <postmaster@firma.test>',
    subject: 'Undeliverable: Your order',
    text: `Your message to zoe@firma.test couldn't be delivered.\n\nzoe wasn't found at firma.test.\n\norders . . . Office 365 . . . zoe\nAction Required Recipient\n\nMore Info for Email Admins\nStatus code: 550 5.1.10\n\nThis error occurs because the sender sent a message to an email address hosted by Office 365.\n`,
    failed: [['zoe@firma.test', /550 5\.1\.10/]],
  },
  {
    program: 'Lotus Domino',
    from: 'Postmaster@firma.test',
    subject: 'DELIVERY FAILURE: User adam (adam@firma.test) not listed in Domino Directory',
    text: `Your message\n\n  Subject: Your order\n\nwas not delivered to:\n\n  adam@firma.test\n\nbecause:\n\n  User adam (adam@firma.test) not listed in Domino Directory\n`,
    failed: [['adam@firma.test', /not listed in Domino Directory/]],
  },
  {
    program: 'Courier',
    from: '"Courier mail server at firma.test" <@firma.test>',
    subject: 'NOTICE: mail delivery status.',
    text: `This is a delivery status notification from firma.test,\nrunning the Courier mail server, version 1.0.\n\nThe original message was received on Mon, 03 Mar 2025 10:00:00 +0000\nfrom app.shop.test (192.0.2.1)\n\n---------------------------------------------------------------------------\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<berta@firma.test>:\n    mx.firma.test [192.0.2.5]:\n>>> RCPT TO:<berta@firma.test>\n<<< 550 User unknown.\n\n---------------------------------------------------------------------------\n`,
    failed: [['berta@firma.test', /550 User unknown/]],
  },
  {
    program: 'OpenSMTPD',
    from: 'Mailer Daemon <MAILER-DAEMON@out.shop.test>',
    subject: 'Delivery status notification: error',
    text: `    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\ncarl@firma.test: 552 5.2.2 Over quota\n\n    Below is a copy of the original message:\n\n${ORIGINAL}`,
    failed: [['carl@firma.test', /552 5\.2\.2 Over quota/]],
  },
  {
    program: 'MailEnable',
    from: '"Delivery Subsystem" <POSTMASTER@shop.test>',
    subject: 'Message Delivery Failure',
    text: `MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:dora@firma.test]\n\tReason: Remote SMTP Server Returned: 550 not local\n\n\nMessage headers follow:\n\n${ORIGINAL}`,
    failed: [['dora@firma.test', /550 not local/]],
  },
  {
    program: 'MDaemon',
    from: 'MDaemon@shop.test',
    subject: 'Permanent Delivery Failure',
    text: `The attached message had PERMANENT fatal delivery errors!\n\nThe following addresses did NOT receive a copy of your message:\n\n> emil@firma.test\n\n--- Session Transcript ---\n Mon 2025-03-03 10:00:00: --> MAIL From:<orders@shop.test>\n --> RCPT To:<emil@firma.test>\n <-- 550 Mailbox unknown\n--- End Transcript ---\n`,
    failed: [['emil@firma.test', /550 Mailbox unknown/]],
  },
  {
    program: 'IMail',
    from: 'Postmaster <postmaster@firma.test>',
    subject: 'Undeliverable Mail',
    text: `Unknown host: fritz@firma.test\n\n\nOriginal message follows.\n\n${ORIGINAL}`,
    failed: [['fritz@firma.test', /.*/]],
  },
  {
    program: 'Mimecast',
    from: '"postmaster" <postmaster@firma.test>',
    subject: '[Postmaster] Email Delivery Failure',
    text: `This is an automated alert notification. Please do not reply.\n\nAn email that you attempted to send to the following address could not be delivered:\n\n-- gerd@firma.test\n\nThe problem appears to be :\n\n-- Recipient email address is possibly incorrect\n\nAdditional information follows :\n\n-- 5.1.1 User unknown\n`,
    failed: [['gerd@firma.test', /possibly incorrect/]],
  },
  {
    program: 'Gmail',
    from: 'Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
    subject: 'Delivery Status Notification (Failure)',
    text: `Delivery to the following recipient failed permanently:\n\n     hugo@firma.test\n\nTechnical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the server for the recipient domain firma.test by mx.firma.test. [192.0.2.4].\n\nThe error that the other server returned was:\n550 5.7.1 Message rejected\n\n----- Original message -----\n\n${ORIGINAL}`,
    failed: [['hugo@firma.test', /^550 5\.7\.1 Message rejected/]],
  },
  {
    program: 'GroupWise',
    from: 'Mailer-Daemon@firma.test',
    subject: 'Message status - undeliverable',
    text: `The message that you sent was undeliverable to the following:\n\tida@firma.test (user not found)\n\nPossibly truncated original message follows:\n\n${ORIGINAL}`,
    failed: [['ida@firma.test', /user not found/]],
  },
  {
    program: 'PMDF and Sun Java Messaging',
    from: 'Internet Mail Delivery <postmaster@firma.test>',
    subject: 'Delivery Notification: Delivery has failed',
    text: `This report relates to a message you sent with the following header fields:\n\n  Message-id: <0K1@shop.test>\n  Date: Mon, 3 Mar 2025 10:00:00 +0000\n  From: Shop <orders@shop.test>\n  To: jan@firma.test\n  Subject: Your order\n\nYour message cannot be delivered to the following recipients:\n\n  Recipient address: jan@firma.test\n  Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;550 5.1.1 unknown\n  Remote system: dns;mx.firma.test (TCP|192.0.2.1|25)\n`,
    failed: [['jan@firma.test', /550 5\.1\.1 unknown/]],
  },
  {
    program: 'CommuniGate Pro',
    from: 'MAILER-DAEMON@firma.test',
    subject: 'Undeliverable mail: Your order',
    text: `Failed to deliver to 'klaus@firma.test'\nLOCAL module(account klaus) reports:\n account is full (quota exceeded)\n`,
    failed: [['klaus@firma.test', /quota exceeded/]],
  },
  {
    program: 'Kerio Connect',
    from: 'Postmaster <postmaster@firma.test>',
    subject: 'Undeliverable: Your order',
    text: `Your message could not be delivered to these recipients:\n\n<lena@firma.test>\n554 Domain is on the block list\n`,
    failed: [['lena@firma.test', /554 Domain is on the block list/]],
  },
  {
    program: 'Japanese provider',
    from: 'postmaster@denwa.test',
    subject: 'メールを送信できませんでした',
    text: `以下の宛先にメールを配信できませんでした。\n\n  宛先：<mika@denwa.test>\n  理由：宛先不明です。\n\n550 5.1.1 User unknown\n`,
    failed: [['mika@denwa.test', /550 5\.1\.1 User unknown/]],
  },
  {
    program: 'French provider',
    from: 'Mail Delivery System <postmaster@poste.test>',
    subject: 'Échec de la remise de votre message',
    text: `Votre message n'a pas pu être remis au destinataire suivant :\n\nnadine@poste.test\n\nMotif : boîte aux lettres pleine\n`,
    failed: [['nadine@poste.test', /boîte aux lettres pleine/]],
  },
  {
    program: 'Spanish provider',
    from: 'Mailer-Daemon@correo.test',
    subject: 'Mensaje no entregado',
    text: `Su mensaje no pudo ser entregado a la siguiente dirección:\n\n<oscar@correo.test>:\nEl buzón no existe.\n\n--- Mensaje original adjunto.\n\n${ORIGINAL}`,
    failed: [['oscar@correo.test', /buzón no existe/]],
  },
  {
    program: 'Russian provider',
    from: 'mailer-daemon@pochta.test',
    subject: 'Недоставленное сообщение',
    text: `Ваше письмо не может быть доставлено следующим адресатам:\n\npavel@pochta.test\nПользователь не найден\n\n--- Исходное сообщение ---\n\n${ORIGINAL}`,
    failed: [['pavel@pochta.test', /не найден/]],
  },
  {
    program: 'Chinese provider',
    from: 'postmaster@youjian.test',
    subject: '系统退信/Systems bounce',
    text: `抱歉，您的邮件被退回来了……\n\n收件人（qian@youjian.test）所属域名不存在，邮件无法送达。\n\nhost youjian.test said: 550 no such host\n`,
    failed: [['qian@youjian.test', /550 no such host/]],
  },
  {
    program: 'Polish provider',
    from: 'Mailer-Daemon@poczta.test',
    subject: 'Zwrot wiadomości',
    text: `Nie udało się dostarczyć wiadomości do odbiorcy:\n\n  robert@poczta.test\n\nPowód: skrzynka nie istnieje\n`,
    failed: [['robert@poczta.test', /skrzynka nie istnieje/]],
  },
  {
    program: 'a gateway that names the local part only',
    from: 'Mail Delivery Subsystem <MAILER-DAEMON@portal.test>',
    subject: 'Mail Delivery Problem',
    text: `Your mail to the following recipients could not be delivered because they are not accepting mail from orders@shop.test:\n\tsaskia\n`,
    failed: [['saskia@portal.test', /not accepting mail/]],
  },
  {
    program: 'X.400 gateway',
    from: 'X400 Gateway <postmaster@gate.test>',
    subject: 'Delivery Report (failure) for tina@gate.test',
    text: `This report relates to your message: Subject: Your order,\n\tMessage-ID: <1@shop.test>,\n\tTo: tina@gate.test\n\nYour message was not delivered to   tina@gate.test\n   for the following reason:\n   Recipient's mailbox unknown\n`,
    failed: [['tina@gate.test', /mailbox unknown/]],
  },
  {
    program: 'InterScan',
    from: 'InterScan MSS <postmaster@firma.test>',
    subject: 'Message cannot be delivered',
    text: `Sent <<< RCPT TO:<udo@firma.test>\nReceived >>> 550 5.1.1 <udo@firma.test>... unknown\n\nUnable to deliver message to <udo@firma.test> (and other recipients in the same domain).\n\n************************     End of message     **********************\n`,
    failed: [['udo@firma.test', /550 5\.1\.1/]],
  },
  {
    program: 'fields of RFC 3464 without their MIME part',
    from: 'MAILER-DAEMON@cloud.test',
    subject: 'Delivery Status Notification (Failure)',
    text: `An error occurred while trying to deliver the mail to the following recipients:\nviktor@firma.test\n\nTechnical report:\n\nReporting-MTA: dsn; out.cloud.test\nAction: failed\nFinal-Recipient: rfc822; viktor@firma.test\nDiagnostic-Code: smtp; 550 5.2.2 full\nStatus: 5.2.2\n`,
    failed: [['viktor@firma.test', /550 5\.2\.2 full/]],
  },
  {
    program: 'nobody named but in the message that came back',
    from: 'MMSC NDR Administrator <sysadmin@mms.test>',
    subject: 'Undeliverable Message',
    text: `Message could not be delivered to mobile.\nError: No valid recipients for this MM\n\nOriginal Message:\nFrom: Shop <orders@shop.test>\nTo: 5550100@mms.test\nSubject: Your order\n`,
    failed: [['5550100@mms.test', /No valid recipients/]],
  },
];

describe('reports of many programs', () => {
  it.each(SAMPLES)('reads the recipients and words of $program', ({ from, subject, text, headers, failed, kind }) => {
    const fields: Record<string, string> = { to: 'orders@shop.test', ...headers };

    const report = readProse({ from, subject, text, header: (name) => fields[name.toLowerCase()] });

    expect(report?.kind).toBe(kind ?? 'bounce');
    expect(report?.recipients.map(({ address }) => address)).toEqual(failed.map(([address]) => address));
    for (const [index, [, words]] of failed.entries()) expect(report?.recipients[index]?.diagnostic).toMatch(words);
  });
});
