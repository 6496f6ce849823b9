import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSealed, KeyEncryption } from './key-encryption.js';

const encryption = new KeyEncryption('a secret of more than 32 characters');
const PLACE = ['shop', 'example.org', 'ph1'];

describe('a sealed text', () => {
  it('opens with the same secret at the same place, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.string()), (text, place) => {
        const sealed = encryption.seal(text, place);
        expect(isSealed(sealed)).toBe(true);
        expect(new KeyEncryption('a secret of more than 32 characters').open(sealed, place)).toBe(text);
      }),
    );
  });

  it('is another one each time', () => {
    expect(encryption.seal('x', PLACE)).not.toBe(encryption.seal('x', PLACE));
  });

  it.each([
    ['another account', ['blog', 'example.org', 'ph1']],
    ['another domain', ['shop', 'example.net', 'ph1']],
    ['another selector', ['shop', 'example.org', 'ph2']],
    ['the same letters cut otherwise', ['shop,example.org', 'ph1']],
  ])('does not open for %s', (_which, place) => {
    expect(encryption.open(encryption.seal('x', PLACE), place)).toBeUndefined();
  });

  it('does not open with another secret', () => {
    const other = new KeyEncryption('A secret of more than 32 characters');
    expect(other.open(encryption.seal('x', PLACE), PLACE)).toBeUndefined();
  });

  it('does not open where one bit of it was altered, nor shortened', () => {
    const octets = Buffer.from(encryption.seal('a private key', PLACE).slice(3), 'base64');
    fc.assert(
      fc.property(fc.nat(octets.length * 8 - 1), (bit) => {
        const altered = Buffer.from(octets);
        altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(encryption.open(`v1:${altered.toString('base64')}`, PLACE)).toBeUndefined();
        expect(encryption.open(`v1:${octets.subarray(0, bit >> 3).toString('base64')}`, PLACE)).toBeUndefined();
      }),
    );
  });

  it('of another version is none that it opens, and none in the clear either', () => {
    const later = encryption.seal('x', PLACE).replace('v1:', 'v2:');
    expect(encryption.open(later, PLACE)).toBeUndefined();
    expect(isSealed(later)).toBe(true);
    expect(isSealed('-----BEGIN PRIVATE KEY-----')).toBe(false);
  });
});
