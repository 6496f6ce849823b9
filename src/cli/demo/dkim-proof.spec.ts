import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { dkimSignatures } from '../../delivery/dkim-signer.js';
import { verifyDkim } from './dkim-proof.js';
import { startDns, type ScriptedDns } from './scripted-dns.js';

const UNSIGNED = Buffer.from('From: a@shop.example\r\nSubject: a\r\n\r\nHello\r\n');
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

let dns: ScriptedDns;
let signed: Buffer;

beforeEach(async () => {
  dns = await startDns();
  const key = { domain: 'shop.example', selector: 's1', algorithm: 'rsa-sha256', privateKey } as const;
  const field = await dkimSignatures(UNSIGNED, [key], Date.now());
  signed = Buffer.concat([Buffer.from(field ?? ''), UNSIGNED]);
});

afterEach(async () => {
  await dns.close();
});

function publish(): void {
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  dns.set('s1._domainkey.shop.example', 'TXT', [`v=DKIM1; k=rsa; p=${key}`]);
}

describe('the look at a DKIM signature', () => {
  it('finds one that DNS bears out', async () => {
    publish();
    expect(await verifyDkim(signed, dns.server)).toEqual({ kind: 'verified', domain: 'shop.example' });
  });

  it('finds fault where a word was changed on the way', async () => {
    publish();
    const tampered = Buffer.from(signed.toString().replace('Hello', 'Hullo'));
    expect(await verifyDkim(tampered, dns.server)).toMatchObject({
      kind: 'failed',
      why: expect.stringMatching(/^neutral|^fail/),
    });
  });

  it('finds fault where the key is not published', async () => {
    expect(await verifyDkim(signed, dns.server)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('no key'),
    });
  });

  it('finds fault where there is none', async () => {
    publish();
    expect(await verifyDkim(UNSIGNED, dns.server)).toEqual({ kind: 'failed', why: 'no signature' });
  });
});
