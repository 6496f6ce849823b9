import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseMailbox, parseMailboxList } from './mailbox.js';
import { withPatience } from '../../test/patience.js';

describe('parseMailbox', () => {
  it.each([
    ['a@b.example', '', 'a@b.example'],
    ['<a@b.example>', '', 'a@b.example'],
    [' Ann <a@B.example> ', 'Ann', 'a@b.example'],
    ['Example, Inc. <a@b.example>', 'Example, Inc.', 'a@b.example'],
    ['"Ann \\"the\\" <x@y>" <a@b.example>', 'Ann "the" <x@y>', 'a@b.example'],
    ['Zoë <zoë@bücher.example>', 'Zoë', 'zoë@xn--bcher-kva.example'],
    ['I <3 mail <a@b.example>', 'I <3 mail', 'a@b.example'],
    ['"a b"@b.example', '', '"a b"@b.example'],
  ])('reads %j', (text, name, address) => {
    expect(parseMailbox(text)).toEqual({ name, address });
  });

  it.each([
    '',
    'ann',
    'a@b@',
    '<>',
    'Ann <a@b.example',
    'Ann <a@b.example> x',
    'a@b.example, c@d.example',
    '"Ann <a@b.example>',
    'Ann\r\nBcc: x@y.example <a@b.example>',
    'Ann\u0000 <a@b.example>',
    `${'x'.repeat(1000)} <a@b.example>`,
    '\ud800 <a@b.example>',
  ])('takes %j for no mailbox', (text) => {
    expect(parseMailbox(text)).toBeUndefined();
  });
});

describe('parseMailboxList', () => {
  it.each([
    ['a@b.example, c@d.example', ['a@b.example', 'c@d.example']],
    ['Ann <a@b.example>,"Foo, Bob" <c@d.example>', ['a@b.example', 'c@d.example']],
    ['Foo, Bob, Inc. <a@b.example>, c@d.example', ['a@b.example', 'c@d.example']],
    ['"\\"," <a@b.example>', ['a@b.example']],
  ])('reads %j', (text, addresses) => {
    const list = parseMailboxList(text);
    expect(list.kind === 'read' && list.mailboxes.map(({ address }) => address)).toEqual(addresses);
  });

  it.each([
    ['a@b.example,', ''],
    ['a@b.example, ann', 'ann'],
    ['ann, b@', 'ann, b@'],
    ['Undisclosed:;', 'Undisclosed:;'],
    [`${'x'.repeat(90)}`, `${'x'.repeat(80)}...`],
  ])('says what of %j is no mailbox', (text, part) => {
    expect(parseMailboxList(text)).toEqual({ kind: 'unreadable', text: part });
  });

  it('reads back every list of what parseMailbox takes', () => {
    const mailbox = fc.tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.emailAddress());
    fc.assert(
      fc.property(fc.array(mailbox, { minLength: 1, maxLength: 5 }), (pairs) => {
        const texts = pairs
          .map(([name, address]) => `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`)
          .filter((text) => parseMailbox(text));
        if (texts.length === 0) return;
        expect(parseMailboxList(texts.join(', '))).toEqual({ kind: 'read', mailboxes: texts.map(parseMailbox) });
      }),
    );
  });

  it('is quick with the worst of lists', () => {
    const startedAt = performance.now();
    for (const unit of [',', 'x,', '@,', 'a@b.c,', '<,', '"', '<>,', 'x <'])
      parseMailboxList(unit.repeat(65_536 / unit.length));
    expect(performance.now() - startedAt).toBeLessThan(withPatience(4_000));
  });
});
