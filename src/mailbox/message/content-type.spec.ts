import { describe, expect, it } from '@jest/globals';
import { readContentType } from './content-type.js';

describe('readContentType', () => {
  it.each([
    ['text/plain; charset=x', 'text', 'plain', 'text'],
    ['TEXT / Html', 'TEXT', 'Html', 'text'],
    ['(c) Message (d)/RFC822', 'Message', 'RFC822', 'message'],
    ['multipart/mixed', 'multipart', 'mixed', 'multipart'],
    ['application/pdf', 'application', 'pdf', 'other'],
    ['text', 'text', '', 'text'],
    ['multipart', 'multipart', '', 'other'],
    ['textual/x', 'textual', 'x', 'other'],
  ])('reads %j', (field, type, subtype, kind) => {
    expect(readContentType(field)).toMatchObject({ type, subtype, kind });
  });

  it.each(['', ' ', 'text/', 'text/plain charset=x', 'text/plain, text/html', 'a/b/c', '/plain', 'text charset'])(
    'makes nothing of %j',
    (field) => {
      expect(readContentType(field)).toMatchObject({ type: '', subtype: '', parameters: [], kind: 'other' });
    },
  );

  it('knows a digest, and a boundary by any name of that', () => {
    const { isDigest, boundary } = readContentType('multipart/Digest; a=b; Boundary="x y"');
    expect([isDigest, boundary]).toEqual([true, 'x y']);
    expect(readContentType('multipart/mixed; boundary*0=x; boundary*1=y').boundary).toBe('xy');
    expect(readContentType('multipart/mixed; boundary*0*=x').boundary).toBeUndefined();
  });
});
