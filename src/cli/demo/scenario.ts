/**
 * The demonstration's script, as data: the mail that a web shop sends, what the receiving servers say to each recipient,
 * and what must become of it. Whatever else happens is a fault.
 *
 * Domains under `.example` belong to nobody: RFC 2606 section 3.
 */
import type { SmtpReply } from './mx-script.js';

export const SENDING_DOMAIN = 'shop.example';
export const RELAY_HOSTNAME = 'relay.shop.example';

/** A domain of the small internet. One that is not in `DOMAINS` does not exist. */
export interface MailDomain {
  readonly name: string;
  /** By preference. None: a null MX, RFC 7505. */
  readonly servers: readonly MailServer[];
  /** What its servers say to a message that they take. */
  readonly thanks: SmtpReply;
}

export interface MailServer {
  readonly name: string;
  /** It has an address, at which nobody answers. */
  readonly isDown?: boolean;
}

export interface DemoRecipient {
  readonly address: string;
  /** What its server answers to RCPT, try by try; the last repeats. Without it, 250. */
  readonly rcpt?: readonly SmtpReply[];
  /** What its server answers to the whole message, where it does not take it. */
  readonly dot?: SmtpReply;
  /** The events that must follow acceptance: `state code enhanced by host`. */
  readonly way: readonly string[];
}

/** The way in, as the application chose it. */
export type DemoSubmission =
  | { readonly kind: 'smtp'; readonly tls: 'starttls' | 'implicit'; readonly from: string; readonly message: string }
  /** The body of `POST /v1/messages`; `to` is filled in. */
  | { readonly kind: 'http'; readonly body: Readonly<Record<string, unknown>> };

export interface DemoMessage {
  readonly title: string;
  readonly submission: DemoSubmission;
  readonly recipients: readonly DemoRecipient[];
}

export const DOMAINS: readonly MailDomain[] = [
  { name: 'cafe.example', servers: [{ name: 'mx.cafe.example' }], thanks: '250 2.0.0 Thank you, it is in the mailbox' },
  {
    name: 'harbour.example',
    servers: [{ name: 'mx1.harbour.example', isDown: true }, { name: 'mx2.harbour.example' }],
    thanks: '250 2.0.0 Message accepted for delivery',
  },
  { name: 'atelier.example', servers: [{ name: 'mx.atelier.example' }], thanks: '250 2.0.0 OK id=1tDkQx-000Mzp-2A' },
  { name: 'campus.example', servers: [{ name: 'mx.campus.example' }], thanks: '250 2.0.0 Saved' },
  { name: 'fortress.example', servers: [{ name: 'mx.fortress.example' }], thanks: '250 2.0.0 Ok' },
  { name: 'parked.example', servers: [], thanks: '250 2.0.0 Ok' },
];

export const MESSAGES: readonly DemoMessage[] = [
  {
    title: 'Password reset',
    submission: {
      kind: 'smtp',
      tls: 'starttls',
      from: 'no-reply@shop.example',
      message: `From: Shop <no-reply@shop.example>
To: Ana <ana@cafe.example>
Subject: Your password

Hello Ana,

somebody, we hope you, has asked for a new password:
https://shop.example/reset/3f9c41

The link is good for an hour.
`,
    },
    recipients: [{ address: 'ana@cafe.example', way: ['delivered 250 2.0.0 by mx.cafe.example'] }],
  },
  {
    title: 'Order confirmation, to a domain whose first MX is down',
    submission: {
      kind: 'http',
      body: {
        from: 'Shop <orders@shop.example>',
        subject: 'Your order 1042',
        text: 'Thank you, Ben: two enamel mugs are on their way to you.',
        html: '<p>Thank you, Ben: <b>two enamel mugs</b> are on their way to you.</p>',
      },
    },
    recipients: [{ address: 'ben@harbour.example', way: ['delivered 250 2.0.0 by mx2.harbour.example'] }],
  },
  {
    title: 'Contact form, to a server that greylists strangers',
    submission: {
      kind: 'http',
      body: {
        from: 'Website <website@shop.example>',
        replyTo: 'Zoë Åström <zoe@visitor.example>',
        subject: 'Do the mugs come in green? ☕',
        text: 'Hello, do the enamel mugs come in green as well? Zoë',
      },
    },
    recipients: [
      {
        address: 'owner@atelier.example',
        rcpt: ['451 4.7.1 Greylisted, please come back later', '250 2.1.5 Ok'],
        way: ['deferred 451 4.7.1 by mx.atelier.example', 'delivered 250 2.0.0 by mx.atelier.example'],
      },
    ],
  },
  {
    title: 'Shipping notice, to four people at two domains',
    submission: {
      kind: 'http',
      body: {
        from: 'Shop <orders@shop.example>',
        subject: 'It is on its way',
        text: 'Your parcel left our house this morning.',
      },
    },
    recipients: [
      { address: 'cleo@campus.example', way: ['delivered 250 2.0.0 by mx.campus.example'] },
      {
        address: 'dan@campus.example',
        rcpt: ['550 5.1.1 No such user here'],
        way: ['bounced 550 5.1.1 by mx.campus.example'],
      },
      {
        address: 'eve@campus.example',
        rcpt: ['552 5.2.2 The mailbox is full'],
        way: ['bounced 552 5.2.2 by mx.campus.example'],
      },
      { address: 'finn@cafe.example', way: ['delivered 250 2.0.0 by mx.cafe.example'] },
    ],
  },
  {
    title: 'Invoice, to a server that trusts a blocklist',
    submission: {
      kind: 'http',
      body: {
        from: 'Shop <billing@shop.example>',
        subject: 'Invoice 1042',
        text: 'You find the invoice attached.',
        attachments: [
          { filename: 'invoice-1042.txt', content: Buffer.from('2 enamel mugs   24.00\n').toString('base64') },
        ],
      },
    },
    recipients: [
      {
        address: 'guard@fortress.example',
        rcpt: ['554 5.7.1 Client host [127.0.0.1] blocked using bl.example'],
        way: ['bounced 554 5.7.1 by mx.fortress.example'],
      },
    ],
  },
  {
    title: 'Special offer, to a server that reads before it answers',
    submission: {
      kind: 'smtp',
      tls: 'implicit',
      from: 'offers@shop.example',
      message: `From: Shop <offers@shop.example>
To: Hal <hal@fortress.example>
Subject: BUY MUGS NOW!!!

ONLY TODAY!!! Every mug for the price of two.
`,
    },
    recipients: [
      {
        address: 'hal@fortress.example',
        dot: '550 5.7.1 We take this for spam',
        way: ['bounced 550 5.7.1 by mx.fortress.example'],
      },
    ],
  },
  {
    title: 'Login code, to a domain that takes no mail',
    submission: {
      kind: 'http',
      body: {
        from: 'Shop <no-reply@shop.example>',
        subject: '417 283 is your code',
        text: 'Your code is 417 283.',
        stream: 'critical',
      },
    },
    recipients: [{ address: 'ida@parked.example', way: ['bounced 556 5.1.10'] }],
  },
  {
    title: 'Welcome, to an address that was mistyped',
    submission: {
      kind: 'http',
      body: { from: 'Shop <hello@shop.example>', subject: 'Welcome', text: 'Good to have you with us.' },
    },
    recipients: [{ address: 'jon@caffe.example', way: ['bounced 550 5.1.2'] }],
  },
];
