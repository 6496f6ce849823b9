import { execFile, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpsServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSelfSignedCertificate, type SelfSignedCertificate } from './self-signed-certificate.js';

const itWith = (program: string): typeof it.skip =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? it : it.skip;

let certificate: SelfSignedCertificate;
let leaf: X509Certificate;
let directory: string;
let caFile: string;
let server: Server;
let port: number;

beforeAll(async () => {
  certificate = await createSelfSignedCertificate('relay.example.test', ['mail.bücher.example', '192.0.2.7']);
  leaf = new X509Certificate(certificate.cert);
  directory = await mkdtemp(join(tmpdir(), 'certificate-'));
  caFile = join(directory, 'tls.crt');
  await writeFile(caFile, certificate.cert);
  server = createHttpsServer({ ...certificate }, (_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterAll(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
  await rm(directory, { recursive: true });
});

interface Run {
  readonly code: number;
  readonly output: string;
}

/** Runs a client and says how it ended; it is not an error here that the client fails. */
function run(program: string, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
  });
}

describe('the certificate', () => {
  it('names the host, the other names as A-labels, and this machine', () => {
    const names = leaf.subjectAltName?.split(', ').sort();
    expect(names).toEqual([
      'DNS:localhost',
      'DNS:mail.xn--bcher-kva.example',
      'DNS:relay.example.test',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:127.0.0.1',
      'IP Address:192.0.2.7',
    ]);
    expect(leaf.subject).toBe('CN=relay.example.test');
  });

  it('is no authority, and fits its key', () => {
    expect(leaf.ca).toBe(false);
    expect(leaf.checkPrivateKey(createPrivateKey(certificate.key))).toBe(true);
    expect(leaf.verify(leaf.publicKey)).toBe(true);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it('is valid since yesterday and for ten years', () => {
    const dayMs = 86_400_000;
    expect(Date.now() - leaf.validFromDate.getTime()).toBeGreaterThan(dayMs - 60_000);
    expect((leaf.validToDate.getTime() - Date.now()) / dayMs).toBeCloseTo(3650, 0);
  });

  it('has a key and a serial number of its own each time', async () => {
    const other = new X509Certificate((await createSelfSignedCertificate('relay.example.test')).cert);
    expect(other.serialNumber).not.toBe(leaf.serialNumber);
    expect(other.fingerprint256).not.toBe(leaf.fingerprint256);
    expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('leaves out a common name that is too long for one', async () => {
    const hostname = `${'a'.repeat(60)}.relay.example.test`;
    const long = new X509Certificate((await createSelfSignedCertificate(hostname)).cert);
    expect(long.subject).toBe('CN=Posthorn');
    expect(long.checkHost(hostname)).toBe(hostname);
  });
});

describe('a client that takes the certificate as its trust anchor', () => {
  it.each(['relay.example.test', 'localhost', '127.0.0.1', '::1'])('is Node, and this is %s', async (name) => {
    const socket = connect({ port, host: '127.0.0.1', ca: certificate.cert });
    try {
      await once(socket, 'secureConnect');
      expect(socket.authorized).toBe(true);
      expect(checkServerIdentity(name, socket.getPeerCertificate())).toBeUndefined();
      expect(checkServerIdentity('other.example.test', socket.getPeerCertificate())).toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
    } finally {
      socket.destroy();
    }
  });

  itWith('openssl')('passes the strict checks of OpenSSL, as Python 3.13 makes them', async () => {
    const strict = ['-x509_strict', '-partial_chain', '-purpose', 'sslserver', '-verify_hostname', 'localhost'];
    expect(await run('openssl', 'verify', ...strict, '-CAfile', caFile, caFile)).toMatchObject({ code: 0 });
  });

  itWith('curl')('is curl', async () => {
    const url = `https://relay.example.test:${port}/`;
    const resolve = ['--resolve', `relay.example.test:${port}:127.0.0.1`];
    expect(await run('curl', '-sS', '--cacert', caFile, ...resolve, url)).toEqual({ code: 0, output: 'hello' });
    expect(await run('curl', '-sS', '--cacert', caFile, `https://localhost:${port}/`)).toMatchObject({ code: 0 });
    // Exit 60: the peer's certificate cannot be verified.
    expect(await run('curl', '-sS', ...resolve, url)).toMatchObject({ code: 60 });
    const wrongName = ['--resolve', `other.example.test:${port}:127.0.0.1`, `https://other.example.test:${port}/`];
    expect(await run('curl', '-sS', '--cacert', caFile, ...wrongName)).toMatchObject({ code: 60 });
  });

  itWith('python3')('is Python', async () => {
    const script = [
      'import socket, ssl, sys',
      'context = ssl.create_default_context(cafile=sys.argv[1])',
      'strict = getattr(ssl, "VERIFY_X509_STRICT", 0) | getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)',
      'context.verify_flags |= ssl.VerifyFlags(strict)',
      'for name in ("relay.example.test", "localhost", "127.0.0.1"):',
      '  with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as raw:',
      '    with context.wrap_socket(raw, server_hostname=name) as tls: print(tls.version())',
    ].join('\n');
    const { code, output } = await run('python3', '-c', script, caFile, String(port));
    expect({ code, output }).toEqual({ code: 0, output: 'TLSv1.3\nTLSv1.3\nTLSv1.3\n' });
  });
});
