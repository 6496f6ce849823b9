/** A DKIM key of a sending domain: as it signs, as it is shown, as it is kept. RFC 6376, RFC 8301, RFC 8463. */
import { createPublicKey, type KeyObject } from 'node:crypto';

/** RSA first: every verifier knows it, and it stands first wherever keys are listed. */
export const DKIM_ALGORITHMS = ['rsa-sha256', 'ed25519-sha256'] as const;
export type DkimAlgorithm = (typeof DKIM_ALGORITHMS)[number];

/**
 * `pending`: to be published, signs nothing yet. `active`: signs. `retiring`: signs no more, and must stay published while mail
 * that it signed is on the way. `retired`: its record may go, its private key is deleted.
 */
export type DkimKeyState = 'pending' | 'active' | 'retiring' | 'retired';

/** What signs. */
export interface DkimKey {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  readonly privateKey: KeyObject;
}

/** What is shown. */
export interface DkimKeyInfo {
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  readonly state: DkimKeyState;
  /** Milliseconds since the epoch, as `changedAt`, which is when it came to its state. */
  readonly createdAt: number;
  readonly changedAt: number;
  /** Of the modulus of an RSA key. */
  readonly bits?: number;
  readonly imported?: true;
  /** The TXT record to publish. */
  readonly record: { readonly name: string; readonly value: string };
}

/** What Redis holds. */
export interface StoredKey extends Omit<DkimKeyInfo, 'record'> {
  /** As the `p=` of its record holds it. */
  readonly publicKey: string;
  /** PKCS #8, PEM, sealed where POSTHORN_SECRET_KEY is set; gone once the key is retired. */
  readonly privateKey?: string;
}

export function infoOf(domain: string, { publicKey, privateKey: _, ...shown }: StoredKey): DkimKeyInfo {
  const type = shown.algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519';
  const record = { name: `${shown.selector}._domainkey.${domain}`, value: `v=DKIM1; k=${type}; p=${publicKey}` };
  return { ...shown, record };
}

/** What follows from a private key of either kind. RFC 6376 section 3.6.1, RFC 8463 section 4. */
export function traitsOf(privateKey: KeyObject): Pick<StoredKey, 'algorithm' | 'publicKey' | 'bits'> {
  const publicKey = createPublicKey(privateKey);
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined) {
    // The key itself, 32 octets, without the structure around it.
    const octets = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    return { algorithm: 'ed25519-sha256', publicKey: octets.toString('base64') };
  }
  const octets = publicKey.export({ type: 'spki', format: 'der' });
  return { algorithm: 'rsa-sha256', publicKey: octets.toString('base64'), bits };
}
