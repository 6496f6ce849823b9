import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpuMsOf } from '../../test/cpu-time.js';
import { fromDomains } from './from-domains.js';

describe('the domains of a From header', () => {
  it.each([
    ['a@example.org', ['example.org']],
    ['Name <a@Example.org>', ['example.org']],
    ['"Evil <x@other.example>" <a@example.org>', ['example.org']],
    ['"a@other.example" <a@example.org>', ['example.org']],
    ['"Joe \\"The Man\\" Doe" <a@example.org>', ['example.org']],
    ['a@example.org (x@other.example)', ['example.org']],
    ['(x (y) z) Name <a@example.org>(sales)', ['example.org']],
    ['One <a@example.org>, "Two, Three" <b@example.net>', ['example.org', 'example.net']],
    ['a@example.org; b@example.net', ['example.org', 'example.net']],
    ['Team: a@example.org, <b@example.net>;', ['example.org', 'example.net']],
    ['"quoted local"@example.org', ['example.org']],
    ['=?utf-8?q?x=40other.example?= <a@example.org>', ['example.org']],
    ['=?utf-8?b?PGNlb0BiYW5rLmV4YW1wbGU+?= <a@example.org>', ['example.org']],
    ['a@example.org <a@example.org>', ['example.org']],
    ['ceo@bank.example <a@example.org>', ['bank.example', 'example.org']],
    ['Jürgen <j@bücher.example>', ['xn--bcher-kva.example']],
    ['j@XN--BCHER-KVA.example', ['xn--bcher-kva.example']],
    ['j@bücher\u3002example', ['xn--bcher-kva.example']],
    ['a@[192.0.2.1]', ['[192.0.2.1]']],
    [',, <a@example.org>,', ['example.org']],
    ['<>', []],
    ['', []],
    ['Undisclosed:;', []],
  ])('%j', (value, domains) => {
    expect(fromDomains(value)).toEqual({ kind: 'read', domains });
  });

  it.each([
    ['just a name', 'is no address'],
    ['a@b@c d', 'has two at signs'],
    ['<a@example.org', 'has an open bracket'],
    ['x'.repeat(20_000), 'is too long'],
    ['"Bank <ceo@bank.example>', 'has an open quote'],
    ['(Bank <ceo@bank.example>', 'has an open comment'],
    ['<ceo@bank.example> <a@example.org>', 'has two brackets'],
    ['<a@example.org> ceo@bank.example', 'has text after the bracket'],
    ['<a@example.org> "ceo@bank.example"', 'has a quote after the bracket'],
    ['ceo@bank.example: a@example.org', 'has an address for a group name'],
    ['<a@example.org <ceo@bank.example>>', 'has brackets in brackets'],
    ['a@example.org "quoted" <', 'has an open bracket'],
    ['Shop @ Home <a@example.org>', 'has an at sign outside of quotes'],
    ['<@bank.example:a@example.org>', 'has a source route'],
    ['ceo@bank.example(.)example.org', 'has a comment in the domain'],
    ['<ceo@bank.example(x).example.org>', 'has a comment in the bracket'],
    ['ceo@bank.example .example.org', 'has white space in the domain'],
    ['<ceo@bank.example\t.example.org>', 'has a tab in the domain'],
    ['"ceo@bank.example"@example.org', 'has an at sign in the local part'],
    ['"ceo@bank.example>"@example.org', 'has a bracket in the local part'],
    ['=?utf-8?q?ceo=40bank.example?=', 'has an encoded word for an address'],
    ['=?utf-8?q?ceo=40bank.example=3E?=@example.org', 'has an encoded word in the address'],
    ['"a\\" <ceo@bank.example> \\"b" <a@example.org>', 'has an address between escaped quotes'],
    ['(a (b) <ceo@bank.example>) <a@example.org>', 'has an address after a comment in a comment'],
    ['\x1b$B"!\x1b(B<ceo@bank.example>\x1b$B"!\x1b(B <a@example.org>', 'changes the charset'],
    ['a@example.org\x0b', 'has a control character'],
    ['a@exam\u00adple.org', 'has a character that is not seen'],
    ['a@example.org.', 'has a dot at the end'],
    ['a@b\ufffdcher.example', 'has octets that are not UTF-8'],
  ])('cannot be read where readers may differ: %j %s', (value) => {
    const reading = fromDomains(value);
    expect(reading.kind).toBe('unreadable');
    expect(reading.kind === 'unreadable' && reading.text.length).toBeLessThanOrEqual(100);
  });

  it('never throws, and answers at once', () => {
    const pieces = ['"', '(', ')', '<', '>', '\\', ' ', '@', ',', ':', ';', 'a@b.example', '=?utf-8?q?', '?=', '\t'];
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (value) => {
        expect(['read', 'unreadable']).toContain(fromDomains(value).kind);
      }),
      { numRuns: 2_000 },
    );
    const tookMs = cpuMsOf(() => {
      for (const piece of pieces) fromDomains(piece.repeat(16_000 / piece.length));
      for (const run of [' ', '\t', '(', '"']) fromDomains(`a${run.repeat(16_000)}b`);
    });
    expect(tookMs).toBeLessThan(1_000);
  });
});

describe('a From header that others write', () => {
  const atom = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}$/).filter((text) => !text.includes('=?'));
  const word = fc.oneof(
    atom,
    fc.stringMatching(/^[ -;=-~]{0,20}$/).map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`),
    fc.stringMatching(/^[A-Za-z0-9]{1,20}$/).map((text) => `=?utf-8?q?${text}=40bank.example?=`),
  );
  const phrase = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
  const comment = fc.stringMatching(/^[A-Za-z0-9@ .]{0,12}$/).map((text) => ` (${text})`);
  const domain = fc.constantFrom('own.example', 'OWN.example', 'xn--bcher-kva.example', 'bücher.example');
  const address = fc
    .tuple(fc.array(atom, { minLength: 1, maxLength: 3 }), domain)
    .map(([atoms, at]) => `${atoms.join('.')}@${at}`);
  const mailbox = fc.oneof(
    address,
    fc.tuple(address, comment).map((parts) => parts.join('')),
    fc.tuple(phrase, address).map(([name, at]) => `${name} <${at}>`),
    fc.tuple(phrase, address, comment).map(([name, at, end]) => `${name}\t<${at}>${end}`),
  );
  const list = fc.array(mailbox, { minLength: 1, maxLength: 4 }).map((mailboxes) => mailboxes.join(', '));
  const header = fc.oneof(
    list,
    fc.tuple(atom, list).map(([name, mailboxes]) => `${name}: ${mailboxes};`),
  );

  it('is read where it is as RFC 5322 has it, and names the domains that stand in it', () => {
    fc.assert(
      fc.property(header, (value) => {
        const reading = fromDomains(value);
        expect({ value, kind: reading.kind }).toEqual({ value, kind: 'read' });
        const domains = reading.kind === 'read' ? reading.domains : [];
        expect(domains.filter((name) => name !== 'own.example' && name !== 'xn--bcher-kva.example')).toEqual([]);
        expect(domains.length).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('names a foreign domain, or cannot be read, wherever a foreign address is put into it', () => {
    const foreign = fc.constantFrom('ceo@bank.example', '<ceo@bank.example>', 'Bank <ceo@bank.example>');
    fc.assert(
      fc.property(header, foreign, fc.constantFrom(', ', '; ', ' '), fc.boolean(), (value, address, glue, first) => {
        const reading = fromDomains(first ? address + glue + value : value + glue + address);
        if (reading.kind === 'read') expect(reading.domains).toContain('bank.example');
      }),
      { numRuns: 2_000 },
    );
  });
});
