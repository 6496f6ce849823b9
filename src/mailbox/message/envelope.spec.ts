import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '../../../test/cpu-time.js';
import { envelope } from './envelope.js';
import { ADDRESSES_MAX } from './header-limit.js';

function envelopeOf(header: string): string {
  const raw = Buffer.from(`${header}\n\n`.replaceAll('\n', '\r\n'), 'latin1');
  return envelope(raw, { start: 0, bodyStart: raw.length });
}

const AT = '((NIL NIL "a" "b.example"))';

describe('envelope', () => {
  it('shows the example of RFC 3501 section 8', () => {
    const header = `Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>`;
    const gray = '(("Terry Gray" NIL "gray" "cac.washington.edu"))';
    expect(envelopeOf(header)).toBe(
      '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" ' +
        `${gray} ${gray} ${gray} ((NIL NIL "imap" "cac.washington.edu")) ` +
        '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL ' +
        '"<B27397-0100000@cac.washington.edu>")',
    );
  });

  it('is of NILs where there is nothing', () => {
    expect(envelopeOf('X: y')).toBe('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)');
  });

  it('names the author as sender and for replies where nobody else is named', () => {
    expect(envelopeOf('From: a@b.example\nSender:\nReply-To: c@d.example')).toBe(
      `(NIL NIL ${AT} ${AT} ((NIL NIL "c" "d.example")) NIL NIL NIL NIL NIL)`,
    );
  });

  it('shows groups between marks of their own', () => {
    expect(envelopeOf('To: G: a@b.example;')).toBe(
      '(NIL NIL NIL NIL NIL ((NIL NIL "G" NIL)(NIL NIL "a" "b.example")(NIL NIL NIL NIL)) NIL NIL NIL NIL)',
    );
  });

  it('joins the addresses of a field that stands twice, and takes the last of its texts', () => {
    expect(envelopeOf('To: a@b.example\nSubject: one\nTo: c@d.example\nSubject: two')).toBe(
      '(NIL "two" NIL NIL NIL ((NIL NIL "a" "b.example")(NIL NIL "c" "d.example")) NIL NIL NIL NIL)',
    );
  });

  it('sends raw UTF-8 in encoded words wherever it stands, and other octets as they are', () => {
    const utf8 = '\xc3\xa9';
    expect(
      envelopeOf(`Subject: ${utf8}\nTo: ${utf8} <${utf8}@${utf8}.example>\nIn-Reply-To: \xe9\nMessage-Id:\n <${utf8}>`),
    ).toBe(
      '(NIL "=?UTF-8?B?w6k=?=" NIL NIL NIL (("=?UTF-8?B?w6k=?=" NIL "=?UTF-8?B?w6k=?=" "=?UTF-8?Q?=C3=A9=2Eexample?=")) ' +
        'NIL NIL {1}\r\n\xe9 "=?UTF-8?B?IDzDqT4=?=")',
    );
  });

  it('shows folded texts on one line', () => {
    expect(envelopeOf('Date: a\n b\nSubject: a\n\t b')).toBe('("a b" {3}\r\na b NIL NIL NIL NIL NIL NIL NIL NIL)');
  });

  it('shows of all fields together no more addresses than a person could look at', () => {
    const shown = envelopeOf(`${`To: ${'a,'.repeat(6_000)}\n`.repeat(50)}Cc: b@c.example\nSubject: last`);
    expect(shown.match(/"MISSING_DOMAIN"/g)).toHaveLength(ADDRESSES_MAX);
    expect(shown).toMatch(/^\(NIL "last" .* NIL NIL NIL NIL\)$/);
  });

  it('reads a header of very many fields up to the bound', () => {
    expect(envelopeOf(`Subject: first\n${'To: a@b.example\n'.repeat(30_000)}Subject: last`)).toMatch(/^\(NIL "first" /);
  });

  it('takes for many fields no longer than their number', () => {
    const fewMs = cpuMsOf(() => envelopeOf('To: a\n'.repeat(4_000)));
    expect(cpuMsOf(() => envelopeOf('To: a\n'.repeat(16_000)))).toBeLessThan(8 * fewMs + 100);
  });
});
