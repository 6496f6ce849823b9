/** Our signatures, as dkimpy and OpenDKIM see them: neither has a line in common with us. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { infoOf, traitsOf, type DkimKey } from '../../src/accounts/dkim-key.js';
import { dkimSignatures } from '../../src/delivery/dkim-signer.js';
import { bothVerified, missingOfDkimVerifier, verifyDkim } from '../e2e/dkim-verifier.js';
import { askOpendkim, hasOpendkim } from './opendkim-verifier.js';

const KEYS: readonly DkimKey[] = [
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ed25519'),
].map(({ privateKey }) => {
  const { algorithm } = traitsOf(privateKey);
  return { domain: 'example.org', selector: algorithm, algorithm, privateKey };
});
const RECORDS = Object.fromEntries(
  KEYS.map(({ domain, selector, privateKey }) => {
    const times = { createdAt: 0, changedAt: 0 };
    const { record } = infoOf(domain, { selector, state: 'active', ...times, ...traitsOf(privateKey) });
    return [record.name, record.value];
  }),
);
const MESSAGE = `From: Shop <a@example.org>\r
To: b@example.net\r
Subject: An order,\r
\t folded  =?utf-8?q?=E2=82=AC?=\r
Date: Sat, 21 Nov 2026 11:00:00 +0000\r
Message-ID: <1@example.org>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
Hello  there \r
\r
.\r
\r
`;

async function signed(keys: readonly DkimKey[]): Promise<string> {
  return `${(await dkimSignatures(Buffer.from(MESSAGE), keys, Date.now())) ?? ''}${MESSAGE}`;
}

const ADDED = [
  'From: ceo@example.org',
  'Subject: pay now',
  'To: c@example.net',
  'Reply-To: c@example.net',
  'Cc: c@d.example',
];
/** What nobody may do to a signed message. */
const FORGERIES: readonly (readonly [what: string, forge: (text: string) => string])[] = [
  ['another body', (text) => text.replace('Hello', 'Hullo')],
  ['a longer body', (text) => `${text}more\r\n`],
  ['another Content-Type', (text) => text.replace('text/plain', 'text/html')],
  ['a second From below', (text) => text.replace('\r\nMIME-Version', '\r\nFrom: ceo@example.org\r\nMIME-Version')],
  ...[...ADDED, 'Content-Type: text/html'].map((field) => [field, (text: string) => `${field}\r\n${text}`] as const),
];

const missing = missingOfDkimVerifier();
const withDkimpy = missing === undefined ? describe : describe.skip;

withDkimpy(`dkimpy${missing === undefined ? '' : ` (missing: ${missing})`}`, () => {
  it('verifies both', async () => {
    const [verdict] = await verifyDkim([Buffer.from(await signed(KEYS))], RECORDS);
    expect(verdict).toMatchObject({ reread: false });
    expect(verdict && bothVerified(verdict, 'example.org')).toBe(true);
  });

  it.each(FORGERIES)('refuses both over %s', async (_what, forge) => {
    const [verdict] = await verifyDkim([Buffer.from(forge(await signed(KEYS)))], RECORDS);
    expect(verdict?.signatures.map(({ verified }) => verified)).toEqual([false, false]);
  });
});

const withOpendkim = hasOpendkim() ? describe : describe.skip;

withOpendkim(`OpenDKIM${hasOpendkim() ? '' : ' (missing: opendkim)'}`, () => {
  it.each(KEYS)('verifies $algorithm', async (key) => {
    const verdict = await askOpendkim(Buffer.from(await signed([key])), RECORDS);
    expect(verdict).toMatch(new RegExp(`verification \\(s=${key.selector}, d=example.org, .* succeeded$`));
  });

  it.each(FORGERIES)('refuses both over %s', async (_what, forge) => {
    for (const key of KEYS) {
      const verdict = await askOpendkim(Buffer.from(forge(await signed([key]))), RECORDS);
      expect(verdict).toMatch(/verification .* failed: signature verification failed$/);
    }
  });
});
