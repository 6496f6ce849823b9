import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readImportedKey } from './dkim-key-import.js';

const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1' = 'pkcs8'): string =>
  key.export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' }) as string;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsaOf = (modulusLength: number): string => pem(generateKeyPairSync('rsa', { modulusLength }).privateKey);
const read = (text: string, selector = 's1') => readImportedKey(selector, 'example.org', text);

/** An RSA key whose private exponent is that of another: each part is well-formed. */
function mismatched(): string {
  const [one, other] = [rsa, generateKeyPairSync('rsa', { modulusLength: 2048 })].map(({ privateKey }) =>
    privateKey.export({ type: 'pkcs1', format: 'der' }),
  ) as [Buffer, Buffer];
  const modulusEnd = 300;
  const mixed = Buffer.concat([other.subarray(0, modulusEnd), one.subarray(modulusEnd)]);
  return `-----BEGIN RSA PRIVATE KEY-----\n${mixed.toString('base64')}\n-----END RSA PRIVATE KEY-----\n`;
}

describe('a private key of somebody else', () => {
  it.each([
    ['RSA in PKCS #8', pem(rsa.privateKey), rsa.privateKey],
    ['RSA in PKCS #1', pem(rsa.privateKey, 'pkcs1'), rsa.privateKey],
    ['Ed25519', pem(ed25519.privateKey), ed25519.privateKey],
    ['one with CRLF and text around it', `key:\r\n${pem(rsa.privateKey).replaceAll('\n', '\r\n')}\r\n`, rsa.privateKey],
  ])('is read: %s', async (_what, text, key) => {
    const outcome = await read(text);
    expect(outcome).toMatchObject({ kind: 'read', selector: 's1' });
    expect(outcome.kind === 'read' && outcome.privateKey.equals(key)).toBe(true);
    expect(outcome).not.toHaveProperty('advice');
  });

  it('of 1024 bits is read with the advice to replace it', async () => {
    expect(await read(rsaOf(1024))).toMatchObject({
      kind: 'read',
      advice: expect.stringMatching(/1024 bits: .* weak/),
    });
  });

  it.each([
    ['nothing', '', /there is no PEM.*BEGIN/],
    ['garbage', 'garbage', /there is no PEM/],
    ['damaged PEM', pem(rsa.privateKey).replace(/(?<=\n).{5}/, ''), /cannot be read.*RSA or Ed25519/],
    ['half a key', pem(rsa.privateKey).slice(0, 400), /cannot be read/],
    ['a public key', rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string, /public key: the private one/],
    ['an RSA public key', rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string, /public key/],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----', /"CERTIFICATE"/],
    ['an OpenSSH key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END', /"OPENSSH PRIVATE KEY".*openssl genrsa/],
    ['an EC key', pem(ec.privateKey), /of the kind ec, it must be an RSA or Ed25519/],
    ['an EC key in SEC 1', pem(ec.privateKey, 'sec1'), /"EC PRIVATE KEY"/],
    ['an RSA-PSS key', pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey), /kind rsa-pss/],
    ['an RSA key of 512 bits', rsaOf(512), /has 512 bits: it must have 1024 to 4096 bits, and under 2048 bits is weak/],
    ['an RSA key of 5120 bits', rsaOf(5120), /has 5120 bits/],
    ['two keys', pem(rsa.privateKey) + pem(ed25519.privateKey), /one private key and nothing else/],
    ['a key whose parts are of two', mismatched(), /do not fit together|cannot be read/],
    ['a very long text', pem(rsa.privateKey) + ' '.repeat(8_192), /at most 8192 characters/],
  ])('is refused where it is %s', async (_what, text, why) => {
    expect(await read(text)).toEqual({ kind: 'refused', why: expect.stringMatching(why) });
  });

  it.each(['pkcs1', 'pkcs8'] as const)('is refused where it is encrypted in %s', async (type) => {
    const options = { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const outcome = await read(rsa.privateKey.export(options as { type: 'pkcs8'; format: 'pem' }) as string);
    expect(outcome).toEqual({ kind: 'refused', why: expect.stringMatching(/is encrypted: .*openssl pkey/) });
  });

  it.each([
    '',
    '-a',
    'a-',
    'a..b',
    '.a',
    'a b',
    'a_b',
    'ä',
    '*',
    'a'.repeat(64),
    `${'a'.repeat(60)}.`.repeat(4) + 'a',
    '*.a',
  ])('is refused under the selector "%s"', async (selector) => {
    const outcome = await read(pem(ed25519.privateKey), selector);
    expect(outcome).toEqual({ kind: 'refused', why: expect.stringMatching(/^the selector must be DNS labels/) });
  });

  it.each(['a', 'S1', '2026.mail', 'a-b', 'a'.repeat(63)])('is read under the selector "%s"', async (selector) => {
    expect(await read(pem(ed25519.privateKey), selector)).toMatchObject({ selector: selector.toLowerCase() });
  });

  it('is read or refused with a reason that holds nothing of it, whatever is done to its text', async () => {
    const text = pem(rsa.privateKey);
    const secret = text.split('\n')[5] ?? '';
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.nat(80), fc.string(), async (at, length, put) => {
        const outcome = await read(text.slice(0, at) + put + text.slice(at + length));
        if (outcome.kind === 'refused') expect(outcome.why).not.toContain(secret.slice(0, 20));
      }),
    );
  });
});
