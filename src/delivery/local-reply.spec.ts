import { describe, expect, it } from '@jest/globals';
import { openClassifier } from '../bounces/classify/open-classifier.js';
import { CATEGORY_FACTS } from '../mail/categories.js';
import type { Category } from '../mail/classification.js';
import * as local from './local-reply.js';

const classifier = openClassifier();

describe('what we say ourselves', () => {
  it.each<[string, ReturnType<typeof local.nullMx>, Category]>([
    ['nullMx', local.nullMx('example.net'), 'bad_domain'],
    ['noSuchDomain', local.noSuchDomain('nowhere.example'), 'bad_domain'],
    ['privateMx', local.privateMx('The MX hosts of example.net have private addresses only.'), 'routing_error'],
    [
      'dnsFailed',
      local.dnsFailed('The MX records of example.net could not be looked up (SERVFAIL)'),
      'connection_failed',
    ],
    ['notConnected', local.notConnected('connect ECONNREFUSED 192.0.2.1:25'), 'connection_failed'],
    ['connectionLost', local.connectionLost('The connection was lost'), 'connection_failed'],
    ['tlsFailed', local.tlsFailed('The certificate is not trusted'), 'tls_failed'],
    ['authFailed', local.authFailed('Authentication at the smarthost failed'), 'relay_denied'],
    ['lostAfterFinalDot', local.lostAfterFinalDot('read ECONNRESET'), 'connection_failed'],
    [
      'tooLargeForServer',
      local.tooLargeForServer('The message has 20 MB, and the server takes 10 MB'),
      'message_too_large',
    ],
    ['needsSmtputf8', local.needsSmtputf8(), 'protocol_error'],
  ])('%s', (_, outcome, category) => {
    const { reply } = outcome as { reply: { code: number; enhanced: string; text: string } };
    const finding = classifier.classify(reply);
    expect(finding.category).toBe(category);
    if (reply.code < 500) expect(finding).toMatchObject({ retry: true, suppress: false });
  });

  it.each([
    ['unsendableAddress', local.unsendableAddress('The address cannot be put into a command'), /form/],
    ['needsSmtputf8', local.needsSmtputf8(), /beyond ASCII/],
    ['privateMx', local.privateMx('The MX hosts have private addresses only.'), /private addresses/],
    ['authFailed', local.authFailed('Authentication failed'), /smarthost/],
    ['lostAfterFinalDot', local.lostAfterFinalDot('read ECONNRESET'), /after the message was sent/],
  ])('holds nothing against the address, and says what to do in words of its own: %s', (_, outcome, words) => {
    const { category = 'unclassified' } = outcome;
    expect(CATEGORY_FACTS[category].suppress).toBe(false);
    expect(outcome.words?.explanation).toMatch(words);
    expect(outcome.words?.todo).not.toBe(CATEGORY_FACTS[category].todo);
  });
});
