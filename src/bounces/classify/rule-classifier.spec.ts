import { describe, expect, it } from '@jest/globals';
import type { Category } from '../../mail/classification.js';
import type { RefusalFacts } from './classifier.js';
import { openClassifier } from './open-classifier.js';
import { compileRules } from './matching/compile-rules.js';
import { parseRules, readOwnRules } from './matching/read-rules.js';
import { RuleClassifier } from './rule-classifier.js';

const classifier = openClassifier();
const categoryOf = (text: string, facts: Partial<RefusalFacts> = {}) =>
  classifier.classify({ text, ...facts }).category;

describe('the codes that mean many things', () => {
  it.each<[string, Category]>([
    ['550', 'unclassified'],
    ['550 No', 'unclassified'],
    ['550 5.1.1 No', 'unknown_recipient'],
    ['550 User unknown', 'unknown_recipient'],
    ['550 Mailbox unavailable. Your IP address 203.0.113.7 is blacklisted', 'ip_blocked'],
    ['550 SPF check failed for example.org', 'auth_failed'],
    ['550 Requested action not taken: mailbox full', 'mailbox_full'],
    ['552 5.2.2 Over quota', 'mailbox_full'],
    ['552 Message size exceeds fixed maximum message size', 'message_too_large'],
    ['552 Too many recipients', 'rate_limited'],
    ['552 spam content detected', 'content_spam'],
    ['552 5.7.0 a virus was found in your message', 'content_malware'],
    ['554 Service unavailable; Client host [203.0.113.7] blocked using bl.example.net', 'ip_blocked'],
    ['554 5.7.1 Relay access denied', 'relay_denied'],
    ['554 Message scored as spam', 'content_spam'],
    ['554 Transaction failed', 'unclassified'],
    ['451 4.7.1 Greylisted, please try again in 5 minutes', 'greylisted'],
    ['451 Requested action aborted: local error in processing', 'remote_system_error'],
    ['451 4.3.0 Temporary lookup failure', 'remote_system_error'],
    ['550 5.7.1 Unable to relay', 'relay_denied'],
    ['550 5.7.1 Message contains spam', 'content_spam'],
    ['550 5.7.1 Client host rejected: cannot find your hostname', 'reverse_dns'],
    ['550 5.7.1 You are not allowed to post to this group', 'recipient_refused'],
    ['550 5.7.1 Something else', 'policy_rejected'],
    ['550 Requested action not taken: mailbox unavailable', 'unknown_recipient'],
    ['550 5.1.1 Recipient rejected', 'unknown_recipient'],
    ['550 Nobody: "user" is not known here', 'unknown_recipient'],
    ['550 Unrecognised O/R name', 'unknown_recipient'],
    ['550 refused by the policies that the recipient set', 'policy_rejected'],
    ['550 Rejected by our mail gateway', 'policy_rejected'],
    ['550 5.7.750 Client sends from domains that are not registered', 'sender_rejected'],
  ])('%s is %s', (text, category) => {
    expect(categoryOf(text)).toBe(category);
  });

  it('goes by the stage where 552 has no words', () => {
    expect(categoryOf('552', { stage: 'rcpt' })).toBe('mailbox_full');
    expect(categoryOf('552', { stage: 'content' })).toBe('message_too_large');
  });
});

describe('an address that lives', () => {
  it.each([
    '550 5.1.0 <a@example.org>: Sender address rejected: User unknown in virtual mailbox table',
    '550 <user.unknown@example.net>: we do not like you',
    '554 no, see https://example.net/no-such-user/mailbox-disabled',
    '550 unknown-user.example.net refused',
    '550 5.7.1 Service unavailable; client host blacklisted, mailbox unavailable',
    '450 4.1.1 <user@example.net>: Recipient address rejected: unverified address: user unknown',
    '550 5.7.26 Unauthenticated email is not accepted; recipient address rejected',
    '421 4.4.2 user unknown',
    'host mx.example.net said: 553 5.1.0 user unknown (in reply to MAIL FROM command)',
    '535 5.7.8 user unknown',
    '550 5.1.1 Too many unknown recipients from your host',
    '550 5.1.1 Sender unknown: a@example.org',
    '550 5.1.1 user@example.net rejected: your server is listed, unknown user probing',
    '550 5.1.1 Message rejected due to site policy',
    '550 5.1.1 The mailbox is over its quota',
    '550 5.2.1 Your account is suspended; sending is not permitted',
    '550 5.5.3 recipient count invalid',
    '550 5.6.0 Header To: holds an invalid address',
    '550 Recipient has blocked your address',
    '554 5.7.0 Outgoing mail from this account has been suspended',
    'Name service error for name=example.net type=MX: Host not found, try again',
    '550 The mailbox of this customer blocked your message',
    '550 5.7.1 user@example.net: recipient blocked',
    '550 mailbox unavailable [blocked]',
    '550 5.1.1 This user blocked you',
    '550 5.1.1 user unknown, since your host is in an RBL',
    '553 5.3.0 no such user: rejected by RBL bl.example.net',
    '550 Callback lookup failed while verifying <a@example.org>: unknown user',
    '550 5.2.0 Recipient rejected',
    '550 mailbox not available, please retry later',
    '550 5.1.1 This mailbox is temporarily closed',
    '550 5.2.1 Account temporarily suspended',
    '550 5.1.0 Address rejected.',
    '550 5.1.4 That address is ambiguous',
    '550 the recipient was undisclosed in this address',
    '550 mailbox unavailable or access denied, see http://service.mail.qq.com/',
  ])('is not called dead by %s', (text) => {
    expect(classifier.classify({ text })).toMatchObject({ suppress: false });
    expect(classifier.classify({ text }).type).not.toBe('hard');
  });

  it.each(['connect', 'ehlo', 'auth', 'mail'] as const)('is not called dead by an answer to %s', (stage) => {
    expect(classifier.classify({ text: '550 5.1.1 user unknown', stage }).type).not.toBe('hard');
  });
});

describe('the order of rules', () => {
  const operator = parseRules(
    `rules:
  - id: ours.vip
    category: policy_rejected
    text: [user unknown]
    explanation: Ours says so.
    sample: [550 user unknown]
`,
    'ours.yaml',
  );

  it('puts the file of the operator first', () => {
    if (operator.kind !== 'read') throw new Error(operator.faults.join('\n'));
    const mine = new RuleClassifier(compileRules(readOwnRules(), operator.rules));
    expect(mine.classify({ text: '550 5.1.1 user unknown' })).toMatchObject({
      category: 'policy_rejected',
      rule: 'ours.vip',
      explanation: 'Ours says so.',
    });
  });

  it('asks the rules of a provider only where he spoke', () => {
    const text = '550 5.4.1 Recipient address rejected: Access denied';
    expect(categoryOf(text, { mx: 'example-org.mail.protection.outlook.com' })).toBe('unknown_recipient');
    expect(categoryOf(text, { mx: 'notoutlook.com' })).not.toBe('unknown_recipient');
  });

  it('gives the same answer again', () => {
    const facts = { text: '554 5.7.1 <a@b.example>: Relay access denied', mx: 'mx.b.example' };
    expect(classifier.classify(facts)).toEqual(classifier.classify(facts));
  });
});
