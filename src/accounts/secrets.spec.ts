import { describe, expect, it } from '@jest/globals';
import { hashSecret, newSecret, secretMatches } from './secrets.js';

describe('a secret', () => {
  it('has 256 bits and no two are alike', () => {
    const secrets = new Set(Array.from({ length: 1000 }, newSecret));
    expect(secrets.size).toBe(1000);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  });

  it('matches its hash and no other', () => {
    const secret = newSecret();
    expect(secretMatches(secret, hashSecret(secret))).toBe(true);
    expect(secretMatches(`${secret}x`, hashSecret(secret))).toBe(false);
    expect(secretMatches('', hashSecret(secret))).toBe(false);
    expect(secretMatches(secret, 'no hash')).toBe(false);
  });
});
