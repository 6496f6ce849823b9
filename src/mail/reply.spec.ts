import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../test/fuzz-runs.js';
import { outcomeOfReply } from './outcome.js';
import { formatReply, parseReply, requestedWaitMs } from './reply.js';

describe('a reply', () => {
  it('is read with its enhanced status code', () => {
    expect(parseReply('550 5.1.1 user unknown')).toEqual({ code: 550, enhanced: '5.1.1', text: 'user unknown' });
  });

  it('joins the lines of one that has several', () => {
    expect(parseReply('550-5.7.1 see\r\n550-5.7.1\r\n550 5.7.1 https://example.org')).toEqual({
      code: 550,
      enhanced: '5.7.1',
      text: 'see https://example.org',
    });
  });

  it('drops an enhanced code whose class is not that of the reply', () => {
    expect(parseReply('450 5.1.1 later')).toEqual({ code: 450, text: 'later' });
  });

  it('may be a code alone', () => {
    expect(parseReply('421')).toEqual({ code: 421, text: '' });
  });

  it.each(['', 'hello', '99 no', '6000 no', '250ok'])('is not %j', (text) => {
    expect(parseReply(text)).toBeUndefined();
  });

  it('never throws, and never keeps control characters or more than 1,000 characters', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5000, unit: 'binary' }), (text) => {
        const reply = parseReply(`550 ${text}`);
        expect(reply?.code).toBe(550);
        expect(reply?.text.length).toBeLessThanOrEqual(1000);

        expect(reply?.text).not.toMatch(/[\x00-\x1f\x7f]/);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });

  it('is written as the server would have said it', () => {
    expect(formatReply({ code: 250, enhanced: '2.0.0', text: 'Ok' })).toBe('250 2.0.0 Ok');
  });
});

describe('the outcome of a reply', () => {
  it.each([
    [250, 'delivered'],
    [252, 'delivered'],
    [421, 'deferred'],
    [450, 'deferred'],
    [354, 'deferred'],
    [550, 'bounced'],
    [599, 'bounced'],
  ])('%i is %s', (code, kind) => {
    expect(outcomeOfReply({ code, text: '' }).kind).toBe(kind);
  });
});

describe('552', () => {
  it('is temporary where it is about the number of recipients, and only there', () => {
    expect(outcomeOfReply({ code: 552, text: 'Too many recipients' }).kind).toBe('deferred');
    expect(outcomeOfReply({ code: 552, text: 'mailbox full' }).kind).toBe('bounced');
  });
});

describe('a wait that a reply names', () => {
  it.each([
    ['Greylisted, try again in 300 seconds', 300_000],
    ['please retry after 5 minutes', 300_000],
    ['try again in 1h', 3_600_000],
    ['Greylisted for 60 secs', 60_000],
    ['mailbox full', undefined],
    ['user is over 300 messages', undefined],
  ])('%j', (text, wait) => {
    expect(requestedWaitMs({ code: 450, text })).toBe(wait);
  });
});
