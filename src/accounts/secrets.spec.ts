import { describe, expect, it } from '@jest/globals';
import { hashSecret, newSecret, secretMatches } from './secrets.js';

describe('a secret', () => {
  it('has 256 bits, no two are alike, and all characters occur', () => {
    const secrets = new Set(Array.from({ length: 1000 }, newSecret));
    expect(secrets.size).toBe(1000);
    const characters = new Set([...secrets].flatMap((secret) => [...secret]));
    for (const secret of secrets) expect(secret.length * Math.log2(characters.size)).toBeGreaterThan(256);
  });

  it('is the same word on every command line: no dash before it, nothing to quote', () => {
    for (let i = 0; i < 1000; i++) expect(newSecret()).toMatch(/^[0-9A-Za-z]+$/);
  });

  it('matches its hash and no other', () => {
    const secret = newSecret();
    expect(secretMatches(secret, hashSecret(secret))).toBe(true);
    expect(secretMatches(`${secret}x`, hashSecret(secret))).toBe(false);
    expect(secretMatches('', hashSecret(secret))).toBe(false);
    expect(secretMatches(secret, 'no hash')).toBe(false);
  });
});
