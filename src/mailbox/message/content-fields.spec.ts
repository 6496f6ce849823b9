import { describe, expect, it } from '@jest/globals';
import { contentFields, type ContentFields } from './content-fields.js';
import { readMessageParts } from './message-parts.js';

function fieldsOf(header: string, mimeVersion = 'Mime-Version: 1.0\n'): ContentFields {
  const raw = Buffer.from(`${mimeVersion}${header}\n\n`.replaceAll('\n', '\r\n'), 'latin1');
  return contentFields(raw, readMessageParts(raw));
}

describe('contentFields', () => {
  it('reads each field', () => {
    const header = `Content-Type: text/html
Content-Id: <a>
Content-Description: a\n b
Content-Transfer-Encoding: (c) BASE64
Content-MD5: Q2hlY2s=
Content-Disposition: attachment; filename=x
Content-Language: en, de-DE (c), fr
Content-Location: http://a/`;
    expect(fieldsOf(header)).toMatchObject({
      type: { type: 'text', subtype: 'html' },
      ...{ id: '<a>', description: 'a\n b', encoding: 'BASE64', md5: 'Q2hlY2s=', location: 'http://a/' },
      disposition: { value: 'attachment', parameters: [{ name: 'filename', value: 'x' }] },
      languages: ['en', 'de-DE', 'fr'],
    });
  });

  it('takes the first of two, but of dispositions the first with parameters', () => {
    const twice = 'Content-Id: <a>\nContent-Id: <b>\nContent-Disposition: inline\nContent-Disposition: attachment; a=b';
    expect(fieldsOf(`${twice}\nContent-Disposition: third`)).toMatchObject({
      id: '<a>',
      disposition: { value: 'attachment', parameters: [{ name: 'a', value: 'b' }] },
    });
  });

  it('passes over an encoding that cannot be read, and over languages', () => {
    const header = 'Content-Transfer-Encoding: a b\nContent-Transfer-Encoding: 8bit\nContent-Language: "en"';
    expect(fieldsOf(header)).toEqual({ encoding: '8bit' });
  });

  it('counts nothing without MIME', () => {
    expect(fieldsOf('Content-Id: <a>', '')).toEqual({});
  });
});
