/**
 * Makes the certificate that a first start serves when the operator has given none: RFC 5280, a leaf (CA:false) that
 * signed itself, so that a client may take the file as its trust anchor and it can sign for no other name.
 *
 * An ECDSA key on P-256: every TLS 1.2 client since OpenSSL 1.0.1 (2012) takes it, and a handshake costs a tenth of
 * RSA-2048's.
 */
// @peculiar/x509 resolves its classes by reflection and expects the polyfill before it.
import 'reflect-metadata';
import { randomBytes, webcrypto, KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * Ten years. Whoever pinned the certificate stops sending on the day that it expires or is replaced, so that day is
 * put where nobody meets it. Apple's programs want 825 days at most; their users ought to have a real certificate.
 */
const VALIDITY_DAYS = 3650;
/** Clients whose clock is behind see a certificate that is valid already. */
const BACKDATED_DAYS = 1;
const DAY_MS = 86_400_000;
/** RFC 5280 section 4.1.2.2: up to 20 octets, positive. */
const SERIAL_OCTETS = 16;
/** RFC 5280 appendix A: ub-common-name. */
const COMMON_NAME_CHARACTERS_MAX = 64;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface SelfSignedCertificate {
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

/**
 * A key and a certificate for `hostname`, for `altNames` (DNS names or IP addresses), and for this machine itself:
 * localhost, 127.0.0.1 and ::1.
 */
export async function createSelfSignedCertificate(
  hostname: string,
  altNames: readonly string[] = [],
): Promise<SelfSignedCertificate> {
  // Some two hundred files, which only the very first start needs.
  const x509 = await import('@peculiar/x509');
  const names = [...new Set([hostname, ...altNames, 'localhost', '127.0.0.1', '::1'].map(asciiName))];
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const serial = randomBytes(SERIAL_OCTETS);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial.toString('hex'),
      name: [{ CN: [commonName(asciiName(hostname))] }],
      notBefore: new Date(now - BACKDATED_DAYS * DAY_MS),
      notAfter: new Date(now + VALIDITY_DAYS * DAY_MS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        // RFC 9525 section 6.3: clients look here and no longer at the common name.
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return {
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `${certificate.toString('pem')}\n`,
  };
}

/** RFC 5280 section 7.2: names are A-labels. */
function asciiName(name: string): string {
  return isIP(name) === 0 ? domainToASCII(name) || name : name;
}

function commonName(hostname: string): string {
  return hostname.length <= COMMON_NAME_CHARACTERS_MAX ? hostname : 'Posthorn';
}
