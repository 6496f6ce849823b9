import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromDomains } from './from-domains.js';

describe('the domains of a From header', () => {
  it.each([
    ['a@example.org', ['example.org']],
    ['Name <a@Example.org>', ['example.org']],
    ['"Evil <x@other.example>" <a@example.org>', ['example.org']],
    ['"a@other.example" <a@example.org>', ['example.org']],
    ['a@example.org (x@other.example)', ['example.org']],
    ['One <a@example.org>, "Two, Three" <b@example.net>', ['example.org', 'example.net']],
    ['Team: a@example.org, <b@example.net>;', ['example.org', 'example.net']],
    ['"quoted local"@example.org', ['example.org']],
    ['<@route.example:a@example.org>', ['example.org']],
    ['=?utf-8?q?x=40other.example?= <a@example.org>', ['example.org']],
    ['Jürgen <j@bücher.example>', ['xn--bcher-kva.example']],
    ['<>', []],
    ['', []],
    ['Undisclosed:;', []],
  ])('%j', (value, domains) => {
    expect(fromDomains(value)).toEqual({ kind: 'read', domains });
  });

  it.each([
    'just a name',
    'a@b@c d',
    '<a@example.org',
    'x'.repeat(20_000),
    '"Bank <ceo@bank.example>',
    '(Bank <ceo@bank.example>',
    '<ceo@bank.example> <a@example.org>',
    '<a@example.org> ceo@bank.example',
    'ceo@bank.example: a@example.org',
    '<a@example.org <ceo@bank.example>>',
    'a@example.org "quoted" <',
  ])('cannot be read where readers may differ: %j', (value) => {
    const reading = fromDomains(value);
    expect(reading.kind).toBe('unreadable');
    expect(reading.kind === 'unreadable' && reading.text.length).toBeLessThanOrEqual(100);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (value) => {
        expect(['read', 'unreadable']).toContain(fromDomains(value).kind);
      }),
    );
  });
});
