/**
 * The examples that the standards publish, keys included: RFC 8463 appendix A, whose message RFC 6376 appendix A has too. Both
 * algorithms are deterministic, so that the very signatures must come out.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { traitsOf } from '../accounts/dkim-key.js';
import { canonicalFields, signatureOver, simpleBodyHash } from './dkim-signer.js';

const FIELDS = [
  'From: Joe SixPack <joe@football.example.com>',
  'To: Suzie Q <suzie@shopping.example.net>',
  'Subject: Is dinner ready?',
  'Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)',
  'Message-ID: <20030712040037.46341.5F8J@football.example.com>',
];
// Of the two blanks that RFC 8463 prints after "game." the relaxed form leaves one; RFC 6376 hashes the simple form of one.
const BODY = 'Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n';
const BODY_HASH = '2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=';

// RFC 8463 appendix A.1: the 32 octets of the key, here with the PKCS #8 structure of RFC 8410 around them.
const ED25519 = createPrivateKey({
  key: Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from('nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=', 'base64'),
  ]),
  format: 'der',
  type: 'pkcs8',
});

// RFC 8463 appendix A.1.
const RSA = createPrivateKey(`-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
`);

const examples: readonly { algorithm: 'rsa-sha256' | 'ed25519-sha256'; key: KeyObject; field: string; b: string }[] = [
  {
    algorithm: 'ed25519-sha256',
    key: ED25519,
    field: `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r
 d=football.example.com; i=@football.example.com;\r
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r
 subject : date : message-id : from : subject : date;\r
 bh=${BODY_HASH};\r
 b=`,
    b: '/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==',
  },
  {
    algorithm: 'rsa-sha256',
    key: RSA,
    field: `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r
 d=football.example.com; i=@football.example.com;\r
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r
 date : message-id : from : subject : date;\r
 bh=${BODY_HASH};\r
 b=`,
    b:
      'F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQ' +
      'TnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=',
  },
];

describe('the published examples', () => {
  it('have the body hash that we compute', () => {
    expect(simpleBodyHash(Buffer.from(BODY))).toBe(BODY_HASH);
    expect(simpleBodyHash(Buffer.from(`${BODY}\r\n\r\n`))).toBe(BODY_HASH);
  });

  it.each(examples)('have the $algorithm signature that we make', async ({ algorithm, key, field, b }) => {
    const fields = canonicalFields(FIELDS.map((line) => Buffer.from(line)));
    // RFC 6376 section 3.7: the field itself comes last, without its b= and without a CRLF.
    const own = canonicalFields([Buffer.from(field)]).subarray(0, -2);
    const signer = { domain: 'football.example.com', selector: 'test', algorithm, privateKey: key };
    expect(await signatureOver(Buffer.concat([fields, own]), signer)).toBe(b);
  });

  it('have the public keys that we publish', () => {
    expect(traitsOf(ED25519)).toEqual({
      algorithm: 'ed25519-sha256',
      publicKey: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    });
    const { algorithm, bits, publicKey } = traitsOf(RSA);
    expect([algorithm, bits]).toEqual(['rsa-sha256', 1024]);
    const published = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    expect(published.equals(createPublicKey(RSA))).toBe(true);
  });
});
