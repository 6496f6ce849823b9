import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import fc from 'fast-check';
import type { DkimKey } from '../accounts/dkim-keys.js';
import { dkimSignature } from './dkim-signer.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key: DkimKey = { domain: 'example.org', selector: 'ph1', privateKey };
const record = `v=DKIM1; k=rsa; p=${createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64')}`;
const NOW = Date.UTC(2026, 10, 21);

async function verdict(message: Buffer): Promise<string> {
  const { results } = await dkimVerify(message, {
    resolver: (name: string) =>
      name === 'ph1._domainkey.example.org' ? Promise.resolve([[record]]) : Promise.reject(new Error(name)),
  });
  return results.map(({ status }) => status.result).join();
}

async function signed(text: string | Buffer): Promise<Buffer> {
  const message = Buffer.from(text as string);
  return Buffer.concat([Buffer.from((await dkimSignature(message, key, NOW)) ?? ''), message]);
}

const MESSAGE = 'From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n\r\nHello\r\n';

describe('a DKIM signature', () => {
  it('verifies', async () => {
    const message = await signed(MESSAGE);
    expect(message.toString()).toMatch(/^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/simple; d=example\.org;/);
    expect(await verdict(message)).toBe('pass');
  });

  it.each([
    ['an empty body', 'From: a@example.org\r\n\r\n'],
    ['no body at all', 'From: a@example.org\r\n'],
    ['a body of empty lines', 'From: a@example.org\r\n\r\n\r\n\r\n'],
    ['empty lines at the end', `${MESSAGE}\r\n\r\n`],
    ['repeated fields', `Received: x\r\nTo: one\r\nTo: two\r\n${MESSAGE}`],
    ['odd spacing and folding', 'FROM :  a@example.org\r\n (x)\r\nSubject:\r\n\t y \r\n\r\nz\r\n'],
    ['8-bit bytes', Buffer.from('From: \xfc <a@example.org>\r\n\r\n\xff\xfe\r\n', 'latin1')],
  ])('verifies over %s', async (_what, text) => {
    expect(await verdict(await signed(text))).toBe('pass');
  });

  it('fails for a changed body, and for a From that was added', async () => {
    const message = (await signed(MESSAGE)).toString();
    expect(await verdict(Buffer.from(message.replace('Hello', 'Hullo')))).toBe('neutral');
    expect(await verdict(Buffer.from(message.replace('\r\nTo:', '\r\nFrom: evil@example.org\r\nTo:')))).toBe('fail');
    expect(await verdict(Buffer.from(message.replace('\r\nTo:', '\r\nReply-To: evil@example.org\r\nTo:')))).toBe(
      'fail',
    );
  });

  it('is not made where there is no From', async () => {
    expect(await dkimSignature(Buffer.from('To: b@example.net\r\n\r\nx\r\n'), key, NOW)).toBeUndefined();
  });

  it('verifies over any body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (octets) => {
        const body = Buffer.from(octets)
          .toString('latin1')
          .replace(/\r\n|\r|\n/g, '\r\n');
        const text = Buffer.from(`From: a@example.org\r\n\r\n${body}\r\n`, 'latin1');
        expect(await verdict(await signed(text))).toBe('pass');
      }),
      { numRuns: 50 },
    );
  });
});
