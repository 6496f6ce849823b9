import { describe, expect, it } from '@jest/globals';
import { readMessageParts } from './message-parts.js';
import { foldForSearch, searchableBody, searchableHeader } from './search-text.js';

function crlf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
}

function bodyOf(text: string, octetsMax?: number): readonly string[] {
  const raw = crlf(text);
  return [...searchableBody(raw, readMessageParts(raw), octetsMax)];
}

function mixed(...parts: string[]): string {
  return `Content-Type: multipart/mixed; boundary=b\n\n${parts.map((part) => `--b\n${part}\n`).join('')}--b--\n`;
}

describe('searchableHeader', () => {
  it('unfolds and decodes the fields in their order', () => {
    const raw = crlf('Subject: =?utf-8?Q?=C3=A9?=\n =?iso-8859-1?Q?=E9?= x\nTo: \xc3\xa9\nno field\nto: b\n\nbody\n');
    expect(searchableHeader(raw, readMessageParts(raw))).toEqual([
      { name: 'subject', text: 'éé x' },
      { name: 'to', text: 'é' },
      { name: 'to', text: 'b' },
    ]);
  });
});

describe('searchableBody', () => {
  it('decodes texts of any encoding and charset', () => {
    expect(
      bodyOf(
        mixed(
          'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nd=E9j=\nà vu',
          'Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nw6k=',
          '\nplain',
        ),
      ),
    ).toEqual(['déj\xe0 vu', 'é', 'plain']);
  });

  it('looks into messages and delivery reports, and not at images', () => {
    const status = 'Content-Type: message/delivery-status\n\nDiagnostic-Code: smtp; =?utf-8?Q?=C3=A9?=';
    const inner = 'Content-Type: message/rfc822\n\nSubject: =?utf-8?Q?=C3=A9?=\n\ninner body';
    const header = 'Content-Type: text/rfc822-headers\n\nSubject: =?utf-8?Q?=C3=BC?=';
    expect(bodyOf(mixed(status, 'Content-Type: image/png\n\nPNG', inner, header))).toEqual([
      'Diagnostic-Code: smtp; é',
      'subject: é',
      'inner body',
      'Subject: ü',
    ]);
  });

  it('looks at so many octets and no more', () => {
    expect(bodyOf(mixed('\n12345678', '\n12345678', '\n12345678'), 10)).toEqual(['12345678', '12']);
  });
});

describe('foldForSearch', () => {
  it.each([
    ['Éa', 'e\u0301A'],
    ['STRASSE', 'straße'],
    ['ΟΔΟΣ', 'οδος'],
    ['ﬁ', 'FI'],
  ])('takes %s and %s for the same', (a, b) => {
    expect(foldForSearch(a)).toBe(foldForSearch(b));
  });

  it('folds a part of a text as it folds the whole', () => {
    expect(foldForSearch('ΟΔΟΣ ΟΔΟΣ')).toContain(foldForSearch('ΔΟΣ'));
  });
});
