import { describe, expect, it } from '@jest/globals';
import { looksLikeBounce } from './bounce-marks.js';
import { readProse } from './read-prose.js';
import type { ProseFacts } from './prose.js';

const DAEMON = 'Mail Delivery Subsystem <mailer-daemon@post.test>';
const facts = (fields: Partial<ProseFacts> & { to?: string }): ProseFacts => ({
  text: '',
  subject: '',
  from: '',
  header: (name) => (name.toLowerCase() === 'to' ? (fields.to ?? 'orders@shop.test') : undefined),
  ...fields,
});
const addresses = (mail: ProseFacts): string[] | undefined => readProse(mail)?.recipients.map(({ address }) => address);

describe('ordinary mail', () => {
  it.each([
    [
      'a person who complains',
      'Anna <anna@firma.test>',
      'Undeliverable parcel',
      'Hello, my parcel is undeliverable: address unknown. Error code 550.',
    ],
    [
      'a person who forwards a bounce',
      'Anna <anna@firma.test>',
      'Fwd: Undelivered Mail Returned to Sender',
      'Look what I got:\n\n> <ben@firma.test>: host mx.firma.test said: 550 no such user',
    ],
    [
      'a person who shows a bounce',
      'Anna <anna@firma.test>',
      'Undelivered mail',
      'Hi, I got this:\n\n<ben@firma.test>: host mx.firma.test said: 550 no such user\n\nCan you help?',
    ],
    [
      'a newsletter on deliverability',
      'News <news@tips.test>',
      'Why your mail fails',
      'Five reasons why a message could not be delivered.',
    ],
    ['an invoice', 'Billing <billing@firma.test>', 'Invoice 550', 'Please pay 550.00 EUR to billing@firma.test.'],
    [
      'a parcel service',
      'Parcels <info@parcels.test>',
      'Delivery failed: we missed you',
      'Delivery of your parcel failed. We will try again tomorrow.',
    ],
    [
      'a challenge',
      'Anna <anna@firma.test>',
      'Please confirm your message',
      'Your message is being held because the address has not been verified.',
    ],
    [
      'a bait',
      'Mail Delivery System <x@bad.test>',
      'Mail delivery failed: 5 messages held',
      'Your messages could not be delivered. Click https://bad.test/login to release them.',
    ],
    ['a welcome from the postmaster', 'Postmaster <postmaster@firma.test>', 'Welcome', 'Your new mailbox is ready.'],
  ])('is no report: %s', (_name, from, subject, text) => {
    expect(readProse(facts({ from, subject, text }))).toBeUndefined();
  });
});

describe('the marks of a report', () => {
  it.each([
    'Undelivered Mail Returned to Sender',
    'Unzustellbar: Rechnung',
    'Non remis : Facture',
    'No se puede entregar: Factura',
    'Não foi possível entregar: Fatura',
    'Mancato recapito: Fattura',
    'Onbestelbaar: Factuur',
    'Niedostarczona wiadomość: Faktura',
    'Ваше сообщение не доставлено',
    'メールが配信できません',
    '退信通知',
    '메일 반송: 청구서',
  ])('are seen in the subject "%s"', (subject) => {
    expect(looksLikeBounce(facts({ from: DAEMON, subject }))).toBe(true);
  });
});

describe('whom a report names', () => {
  it('leaves out the sender, the postmaster and links', () => {
    const text =
      'Your message from orders@shop.test could not be delivered to <ben@firma.test>.\n\nPlease contact postmaster@post.test or see https://post.test/help?user=x@post.test\n';
    expect(addresses(facts({ from: DAEMON, subject: 'Undeliverable mail', text }))).toEqual(['ben@firma.test']);
  });

  it('reads nothing of the message that came back', () => {
    const text =
      'Could not deliver to:\n\nben@firma.test\n\n--- Original message ---\n\nTo: cleo@firma.test\n\n<dan@firma.test>:\n550 no\n';
    expect(addresses(facts({ from: DAEMON, subject: 'Undeliverable mail', text }))).toEqual(['ben@firma.test']);
  });

  it('takes an address inside the words about another one for words', () => {
    const text = 'Delivery failed for:\n\n  ben@firma.test\n    550 5.1.1\n    <inner@firma.test>: unknown\n';
    expect(addresses(facts({ from: DAEMON, subject: 'Undeliverable mail', text }))).toEqual(['ben@firma.test']);
  });

  it('gives all addresses of a list the words below it', () => {
    const text =
      'The following recipients could not be reached:\n\nben@firma.test\ncleo@firma.test\n\n554 5.7.1 Refused\n';
    const report = readProse(facts({ from: DAEMON, subject: 'Undeliverable mail', text }));
    expect(report?.recipients.map(({ address, code, status }) => [address, code, status])).toEqual([
      ['ben@firma.test', 554, '5.7.1'],
      ['cleo@firma.test', 554, '5.7.1'],
    ]);
  });

  it('asks the message that came back where the words name nobody', () => {
    const mail = facts({
      from: DAEMON,
      subject: 'Undeliverable mail',
      text: 'Your mail could not be delivered.',
      original: { to: ['ben@firma.test'] },
    });
    expect(addresses(mail)).toEqual(['ben@firma.test']);
  });

  it('never names the one the report was sent to for want of another', () => {
    const mail = facts({
      from: DAEMON,
      subject: 'Undeliverable mail',
      text: 'Hello orders@shop.test, your mail could not be delivered.',
      original: { to: [] },
    });
    expect(addresses(mail)).toEqual([]);
  });
});

describe('late and lost', () => {
  it.each([
    [
      'Delayed mail',
      'Your message to ben@firma.test could not be delivered for 4 hours. We will keep trying.',
      'delayed',
    ],
    [
      'Delivery Status Notification (Delay)',
      'Delivery to the following recipient has been delayed:\n\n  ben@firma.test\n\nMessage will be retried for 2 more day(s)',
      'delayed',
    ],
    [
      'Delivery failure',
      'The message could not be delivered to the following recipient:\n\nben@firma.test\n\nDelivery attempts will continue to be made for 5 days.',
      'delayed',
    ],
    ['Undeliverable', 'Your message to ben@firma.test could not be delivered for 5 days. Giving up.', 'bounce'],
    ['Undeliverable', 'ben@firma.test: permanent failure. No further delivery attempts will be made.', 'bounce'],
    [
      'Successful Mail Delivery Report',
      'Your message was successfully delivered to the destination listed below.\n\n<ben@firma.test>: delivery via mx.firma.test: 250 OK',
      'delivered',
    ],
  ])('calls "%s" by what it says', (subject, text, kind) => {
    expect(readProse(facts({ from: DAEMON, subject, text }))?.kind).toBe(kind);
  });
});
