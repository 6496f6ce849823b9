import { describe, expect, it } from '@jest/globals';
import type { TrailEvent } from './message-trail.js';
import type { DemoRecipient } from './scenario.js';
import { judge, type Sighting } from './verdict.js';

const ANA: DemoRecipient = {
  address: 'ana@cafe.example',
  way: ['deferred 451 4.7.1 by mx.cafe.example', 'delivered 250 2.0.0 by mx.cafe.example'],
};

const event = (facts: Partial<TrailEvent>): TrailEvent => ({
  recipient: ANA.address,
  type: 'delivered',
  at: 0,
  reply: { code: 250, enhanced: '2.0.0', text: 'Ok' },
  host: 'mx.cafe.example',
  tls: true,
  attempt: 2,
  ...facts,
});
const deferred: Sighting = {
  event: event({
    type: 'deferred',
    reply: { code: 451, enhanced: '4.7.1', text: 'Later' },
    attempt: 1,
    nextInMs: 2_000,
  }),
};
const delivered: Sighting = { event: event({}), proof: { kind: 'verified', domain: 'shop.example' } };

describe('the verdict', () => {
  it('counts what happened, and finds no difference where it is the scenario', () => {
    expect(judge([ANA], [deferred, delivered])).toEqual({
      delivered: 1,
      verified: 1,
      bounced: 0,
      retried: 1,
      differences: [],
    });
  });

  it('tells of a recipient whose mail took another way', () => {
    expect(judge([ANA], [delivered]).differences).toEqual([
      'ana@cafe.example should be deferred 451 4.7.1 by mx.cafe.example, then delivered 250 2.0.0 by mx.cafe.example; it was delivered 250 2.0.0 by mx.cafe.example',
    ]);
  });

  it('tells of a recipient that nothing happened to', () => {
    expect(judge([ANA], []).differences).toEqual([expect.stringMatching(/^ana@cafe\.example should be .*left alone$/)]);
  });

  it.each([
    [undefined, 'badly: nobody looked'],
    [{ kind: 'failed', why: 'neutral body hash did not verify' } as const, 'badly: neutral body hash did not verify'],
    [{ kind: 'verified', domain: 'other.example' } as const, 'as other.example'],
  ])('tells of a delivery whose signature is not ours: %j', (proof, found) => {
    const verdict = judge([ANA], [deferred, { event: delivered.event, ...(proof && { proof }) }]);
    expect(verdict.verified).toBe(0);
    expect(verdict.differences).toEqual([
      `ana@cafe.example should get mail signed as shop.example; it is signed ${found}`,
    ]);
  });
});
