import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import fc from 'fast-check';
import { traitsOf, type DkimKey } from '../accounts/dkim-key.js';
import { dkimSignatures } from './dkim-signer.js';

const rsa: DkimKey = {
  ...{ domain: 'example.org', selector: 'ph1', algorithm: 'rsa-sha256' },
  privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};
const ed25519: DkimKey = {
  ...{ domain: 'example.org', selector: 'ph1e', algorithm: 'ed25519-sha256' },
  privateKey: generateKeyPairSync('ed25519').privateKey,
};
const records = new Map(
  [rsa, ed25519].map(({ domain, selector, privateKey }) => {
    const { algorithm, publicKey } = traitsOf(privateKey);
    return [`${selector}._domainkey.${domain}`, `v=DKIM1; k=${algorithm.split('-')[0] ?? ''}; p=${publicKey}`];
  }),
);
const NOW = Date.UTC(2026, 10, 21);

async function verdict(message: Buffer): Promise<string> {
  const { results } = await dkimVerify(message, {
    resolver: (name: string) => {
      const record = records.get(name);
      return record === undefined ? Promise.reject(new Error(name)) : Promise.resolve([[record]]);
    },
  });
  return results.map(({ status }) => status.result).join();
}

async function signed(text: string | Buffer, keys = [rsa, ed25519]): Promise<Buffer> {
  const message = Buffer.from(text as string);
  return Buffer.concat([Buffer.from((await dkimSignatures(message, keys, NOW)) ?? ''), message]);
}

const MESSAGE = 'From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n\r\nHello\r\n';

describe('DKIM signatures', () => {
  it('are one for each key, in their order, and each verifies', async () => {
    const message = await signed(MESSAGE);
    expect(message.toString().match(/^DKIM-Signature: v=1; a=\S+; c=relaxed\/simple;\r\n d=example\.org;/gm)).toEqual([
      'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple;\r\n d=example.org;',
      'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple;\r\n d=example.org;',
    ]);
    expect(await verdict(message)).toBe('pass,pass');
    expect(await verdict(await signed(MESSAGE, [rsa]))).toBe('pass');
    expect(await verdict(await signed(MESSAGE, [ed25519]))).toBe('pass');
  });

  it.each([
    ['an empty body', 'From: a@example.org\r\n\r\n'],
    ['no body at all', 'From: a@example.org\r\n'],
    ['a body of empty lines', 'From: a@example.org\r\n\r\n\r\n\r\n'],
    ['empty lines at the end', `${MESSAGE}\r\n\r\n`],
    ['repeated fields', `Received: x\r\nTo: one\r\nTo: two\r\n${MESSAGE}`],
    ['odd spacing and folding', 'FROM :  a@example.org\r\n (x)\r\nSubject:\r\n\t y \r\n\r\nz\r\n'],
    ['8-bit bytes', Buffer.from('From: \xfc <a@example.org>\r\n\r\n\xff\xfe\r\n', 'latin1')],
  ])('verify over %s', async (_what, text) => {
    expect(await verdict(await signed(text))).toBe('pass,pass');
  });

  it('fail for a changed body', async () => {
    const message = (await signed(MESSAGE)).toString();
    expect(await verdict(Buffer.from(message.replace('Hello', 'Hullo')))).toBe('neutral,neutral');
  });

  it.each([
    ...['From: evil@example.org', 'Sender: evil@example.org', 'Reply-To: evil@example.org', 'Subject: y', 'To: c@d'],
    ...['Cc: c@d', 'Date: Sat, 21 Nov 2026 11:00:00 +0000', 'Message-ID: <x@y>', 'MIME-Version: 1.0'],
    ...['Content-Type: text/html', 'Content-Transfer-Encoding: base64'],
  ])('fail where %s was added, above what stands there or below', async (field) => {
    const message = (await signed(MESSAGE)).toString();
    expect(await verdict(Buffer.from(`${field}\r\n${message}`))).toBe('fail,fail');
    expect(await verdict(Buffer.from(message.replace('\r\n\r\n', `\r\n${field}\r\n\r\n`)))).toBe('fail,fail');
  });

  it('name each oversigned field once more than it occurs', async () => {
    const [names = ''] =
      /(?<=h=)[^;]*/.exec((await signed(`To: c@d\r\n${MESSAGE}`)).toString().replace(/\s/g, '')) ?? [];
    const counts = new Map<string, number>();
    for (const name of names.toLowerCase().split(':')) counts.set(name, (counts.get(name) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({
      ...{ from: 2, to: 3, subject: 2, sender: 1, 'reply-to': 1, date: 1, cc: 1, 'message-id': 1 },
      ...{ 'mime-version': 1, 'content-type': 1, 'content-transfer-encoding': 1 },
    });
  });

  it('are not made where there is no From, and where there is no key', async () => {
    expect(await dkimSignatures(Buffer.from('To: b@example.net\r\n\r\nx\r\n'), [rsa], NOW)).toBeUndefined();
    expect(await dkimSignatures(Buffer.from(MESSAGE), [], NOW)).toBeUndefined();
  });

  it('verify over any body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (octets) => {
        const body = Buffer.from(octets)
          .toString('latin1')
          .replace(/\r\n|\r|\n/g, '\r\n');
        const text = Buffer.from(`From: a@example.org\r\n\r\n${body}\r\n`, 'latin1');
        expect(await verdict(await signed(text))).toBe('pass,pass');
      }),
      { numRuns: 50 },
    );
  });
});
