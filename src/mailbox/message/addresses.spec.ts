import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FUZZ_RUNS } from '../../../test/fuzz-runs.js';
import { readAddresses } from './addresses.js';
import { ADDRESSES_MAX } from './header-limit.js';

const AT = { mailbox: 'a', domain: 'b.example' };
const NONE = { mailbox: 'MISSING_MAILBOX', domain: 'MISSING_DOMAIN' };

describe('readAddresses', () => {
  it.each([
    ['an address', 'a@b.example', [AT]],
    ['an address with a name', '"A, B" <a@b.example>', [{ name: 'A, B', ...AT }]],
    ['words as a name', 'A\t B. C <a@b.example>', [{ name: 'A B. C', ...AT }]],
    ['a comment as a name', 'a@b.example (A (B) \\(C)', [{ name: 'A (B) (C', ...AT }]],
    ['a list', 'a@b.example, <a@b.example>', [AT, AT]],
    ['blanks and comments anywhere', '(x) a (y) @ b . (z)\n example', [{ name: 'z', ...AT }]],
    ['a literal', 'a@[192.0.2.1]', [{ mailbox: 'a', domain: '[192.0.2.1]' }]],
    ['a quoted local part', '"a b"@b.example', [{ ...AT, mailbox: 'a b' }]],
    ['a group', 'G H: a@b.example, N <a@b.example>;', [{ mailbox: 'G H' }, AT, { name: 'N', ...AT }, {}]],
    ['an empty group', 'undisclosed-recipients:;', [{ mailbox: 'undisclosed-recipients' }, {}]],
    ['what follows a group', 'G:; , a@b.example', [{ mailbox: 'G' }, {}, AT]],
    ['a route', '<@r.example,@s.example:a@b.example>', [{ route: '@r.example,@s.example', ...AT }]],
    ['nothing', ' ', []],
  ])('reads %s', (_, text, expected) => {
    expect(readAddresses(text)).toEqual(expected);
  });

  it.each([
    ['a word alone', 'a', [{ mailbox: 'a', domain: 'MISSING_DOMAIN' }]],
    ['words alone', 'a b', [{ name: 'a b', ...NONE }]],
    ['a quoted word alone', '"a"', [{ name: 'a', ...NONE }]],
    ['a name without an address', 'A <>', [{ name: 'A', ...NONE }]],
    ['an address that is not closed', 'A <a@b.example', [{ name: 'A', mailbox: 'a', domain: 'SYNTAX_ERROR' }]],
    ['a route without an end', '<@r.example a@b.example>', [{ route: 'INVALID_ROUTE', ...AT }]],
    ['a domain alone', '@b.example', [{ mailbox: 'MISSING_MAILBOX', domain: 'b.example' }]],
    ['dots where none belong', '.a..c.@b.example', [{ mailbox: '.a..c.', domain: 'b.example' }]],
    ['nothing between commas', 'a@b.example,,a@b.example', [AT, NONE, AT]],
    ['a group without an end', 'G: a@b.example', [{ mailbox: 'G' }, AT, {}]],
    ['a quote without an end', '"open', [NONE]],
    ['a literal that holds a bracket', 'a@[b[c]', [{ mailbox: 'a', domain: 'MISSING_DOMAIN' }]],
  ])('shows of %s what can be shown', (_, text, expected) => {
    expect(readAddresses(text)).toEqual(expected);
  });

  it('looks at nothing after an address without a comma', () => {
    expect(readAddresses('a@b.example; c@d.example')).toEqual([AT]);
  });

  it('reads no more than ADDRESSES_MAX', () => {
    expect(readAddresses('a@b.example,'.repeat(ADDRESSES_MAX + 1))).toHaveLength(ADDRESSES_MAX);
    expect(readAddresses(`G:${'a@b.example,'.repeat(ADDRESSES_MAX + 1)};`).length).toBeLessThan(ADDRESSES_MAX + 3);
  });

  it('gives each address a mailbox and a domain, and each group an end, whatever the octets', () => {
    const pieces = [
      'a',
      '@',
      '<',
      '>',
      '(',
      ')',
      '"',
      '\\',
      ',',
      ';',
      ':',
      '.',
      ' ',
      '\n ',
      '[',
      ']',
      '\0',
      '\xe9',
      'b@c',
    ];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((all) => all.join(''));
    fc.assert(
      fc.property(text, (octets) => {
        let isInGroup = false;
        for (const { name, mailbox, domain } of readAddresses(octets)) {
          if (domain === undefined) {
            expect([name, mailbox === undefined]).toEqual([undefined, isInGroup]);
            isInGroup = !isInGroup;
          } else expect([mailbox, domain]).not.toContain(undefined);
        }
        expect(isInGroup).toBe(false);
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
