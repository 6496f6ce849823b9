/**
 * The certificate that every door shows: the operator's files, or a self-signed one that is made once and kept in the
 * data directory. Files that change are read again, and new connections see the new certificate.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSelfSignedCertificate } from './self-signed-certificate.js';

export interface TlsCertificate {
  /** PEM. */
  readonly key: string;
  /** PEM, the chain included. */
  readonly cert: string;
}

export type CertificateReading =
  { readonly kind: 'read'; readonly certificate: TlsCertificate } | { readonly kind: 'fault'; readonly fault: string };

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

const RELOAD_EVERY_MS = 5_000;

/** The files to use: the operator's, or ours in the data directory, made where they are not there. */
export async function certificateFiles(
  own: Partial<CertificateFiles>,
  dataDir: string,
  hostname: string,
): Promise<CertificateFiles> {
  if (own.cert !== undefined && own.key !== undefined) return { cert: own.cert, key: own.key };
  const files = { cert: join(dataDir, 'tls.crt'), key: join(dataDir, 'tls.key') };
  const present = await Promise.all([stat(files.cert), stat(files.key)]).then(
    () => true,
    () => false,
  );
  if (!present) {
    const made = await createSelfSignedCertificate(hostname);
    await writeFile(files.key, made.key, { mode: 0o600 });
    await writeFile(files.cert, made.cert, { mode: 0o644 });
  }
  return files;
}

/** Reads and checks a certificate and its key. */
export async function readCertificate(files: CertificateFiles): Promise<CertificateReading> {
  const fault = (what: string, error: unknown): CertificateReading => ({
    kind: 'fault',
    fault: `${what}: ${(error as Error).message}`,
  });
  let cert: string, key: string;
  try {
    cert = await readFile(files.cert, 'utf8');
    key = await readFile(files.key, 'utf8');
  } catch (error) {
    return fault('the certificate or its key cannot be read', error);
  }
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch (error) {
    return fault(`${files.cert} holds no PEM certificate`, error);
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) {
      return { kind: 'fault', fault: `${files.key} is not the key of the certificate in ${files.cert}` };
    }
  } catch (error) {
    return fault(`${files.key} holds no PEM private key`, error);
  }
  return { kind: 'read', certificate: { cert, key } };
}

/** Calls `changed` when the files hold a new, sound certificate, and `broken` when they hold an unsound one. Returns how to stop. */
export function watchCertificate(
  files: CertificateFiles,
  changed: (certificate: TlsCertificate) => void,
  broken: (fault: string) => void,
): () => void {
  const stamp = async (): Promise<string> => {
    const stats = await Promise.all([stat(files.cert), stat(files.key)]);
    return stats.map(({ mtimeMs, ino, size }) => `${String(mtimeMs)} ${String(ino)} ${String(size)}`).join();
  };
  let seen: string | undefined;
  const look = async (): Promise<void> => {
    const now = await stamp();
    if (seen !== undefined && now !== seen) {
      const reading = await readCertificate(files);
      if (reading.kind === 'read') changed(reading.certificate);
      else broken(reading.fault);
    }
    seen = now;
  };
  const lookSafely = (): void => {
    look().catch((error: unknown) => {
      broken(String(error));
    });
  };
  lookSafely();
  const timer = setInterval(lookSafely, RELOAD_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
