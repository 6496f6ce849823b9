/** What TLS the doors speak, as others see it, and how a certificate is replaced. RFC 8314, RFC 9325. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createSelfSignedCertificate } from '../../src/listeners/self-signed-certificate.js';
import { RawSmtp } from '../e2e/raw-smtp.js';
import { isInstalled } from '../programs/installed.js';
import { RunningDoors } from './running-doors.js';

const SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
];

let doors: RunningDoors;
const open: RawSmtp[] = [];

beforeAll(async () => {
  doors = await RunningDoors.start();
});

afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await doors.closeDoors();
});

afterAll(() => doors.stop());

function output(program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 60_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
    child.stdin?.end('QUIT\r\n');
  });
}

const KINDS = ['starttls', 'implicit'] as const;

/** A session under TLS, by whichever way this door has. */
async function secured(kind: (typeof KINDS)[number], port: number, ca: string): Promise<RawSmtp> {
  const client = await RawSmtp.connect(port, kind === 'implicit' ? ca : undefined);
  open.push(client);
  await client.reply();
  if (kind === 'implicit') await client.command('EHLO client.test');
  else {
    await client.command('EHLO client.test');
    await client.startTls(ca);
  }
  return client;
}

describe.each(KINDS)('at the %s door', (kind) => {
  (isInstalled('sslscan') ? it : it.skip)(
    'sslscan finds TLS 1.2 and 1.3 with Mozilla’s intermediate suites and nothing else',
    async () => {
      const { port } = await doors.open(kind);
      const options = kind === 'starttls' ? ['--starttls-smtp'] : [];
      const found = await output('sslscan', '--no-colour', ...options, `127.0.0.1:${port}`);
      expect(found.match(/^(SSLv|TLSv)\S+ +(enabled|disabled)/gm)).toEqual([
        expect.stringMatching(/^SSLv2 +disabled/),
        expect.stringMatching(/^SSLv3 +disabled/),
        expect.stringMatching(/^TLSv1.0 +disabled/),
        expect.stringMatching(/^TLSv1.1 +disabled/),
        expect.stringMatching(/^TLSv1.2 +enabled/),
        expect.stringMatching(/^TLSv1.3 +enabled/),
      ]);
      const suites = [...found.matchAll(/^(?:Preferred|Accepted) +TLSv1\.\d +\d+ bits +(\S+)/gm)].map(
        ([, suite]) => suite,
      );
      expect(new Set(suites)).toEqual(new Set(SUITES));
      expect(found).not.toContain('Compression enabled');
      expect(found).toContain('not vulnerable to heartbleed');
      expect(found).not.toMatch(/(?<!Insecure |not )renegotiation supported/i);
    },
    90_000,
  );

  (isInstalled('openssl') ? it : it.skip)('a session is resumed by its ticket', async () => {
    const { port } = await doors.open(kind);
    const options = kind === 'starttls' ? ['-starttls', 'smtp'] : [];
    const said = await output(
      'openssl',
      's_client',
      '-reconnect',
      '-tls1_2',
      ...options,
      '-connect',
      `127.0.0.1:${port}`,
    );
    expect(said).toMatch(/^Reused, TLSv1\.2/m);
  });

  it('who is connected while the certificate is replaced goes on, and who comes sees the new one', async () => {
    const { port, door } = await doors.open(kind);
    const before = await secured(kind, port, doors.certificate.cert);
    const fresh = await createSelfSignedCertificate('relay.example');
    door.replaceCertificate(fresh);
    await expect(secured(kind, port, doors.certificate.cert)).rejects.toThrow();
    const after = await secured(kind, port, fresh.cert);
    expect((await before.logIn(doors.first.smtp.user, doors.first.smtp.password)).code).toBe(235);
    expect((await after.logIn(doors.first.smtp.user, doors.first.smtp.password)).code).toBe(235);
    const message = Buffer.from('From: app@example.org\r\n\r\nHello\r\n');
    expect((await before.send('app@example.org', ['a@example.net'], message)).code).toBe(250);
  });
});
