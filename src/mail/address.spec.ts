import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../test/fuzz-runs.js';
import { domainOf, formatAddress, normalizeDomain, parseAddress } from './address.js';

describe('an address', () => {
  it.each([
    ['a@example.org', 'a', 'example.org'],
    ['First.Last+tag@Example.ORG', 'First.Last+tag', 'example.org'],
    ['"quoted @ part"@example.org', '"quoted @ part"', 'example.org'],
    ['ü@exämple.net', 'ü', 'xn--exmple-cua.net'],
    ['a@[192.0.2.1]', 'a', '[192.0.2.1]'],
    ['a@[IPv6:2001:db8::1]', 'a', '[ipv6:2001:db8::1]'],
    ['a@localhost', 'a', 'localhost'],
  ])('%s', (text, localPart, domain) => {
    expect(parseAddress(text)).toEqual({ localPart, domain });
  });

  it.each([
    '',
    'a',
    '@example.org',
    'a@',
    'a b@example.org',
    'a..b@example.org',
    '.a@example.org',
    'a@-example.org',
    'a@example..org',
    'a@192.0.2.1',
    'a@[300.1.1.1]',
    'a\r\nRCPT TO:<b@example.org>@example.org',
    'a@exam\r\nple.org',
    'a>@example.org',
    `${'a'.repeat(65)}@example.org`,
    `a@${'b'.repeat(64)}.org`,
    `a@${'bbbbbbb.'.repeat(32)}org`,
  ])('is not %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('that is taken can stand in a command, and reads back as itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary', maxLength: 80 })), (text) => {
        const address = parseAddress(text);
        if (!address) return;
        const written = formatAddress(address);

        expect(written).not.toMatch(/[\x00-\x1f\x7f]/);
        expect(parseAddress(written)).toEqual(address);
        expect(domainOf(written)).toBe(address.domain);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});

describe('a domain', () => {
  it('is compared as lower-case A-labels', () => {
    expect(normalizeDomain('BÜCHER.example')).toBe('xn--bcher-kva.example');
    expect(normalizeDomain('xn--bcher-kva.example')).toBe('xn--bcher-kva.example');
  });
});
