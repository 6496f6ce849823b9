/**
 * Encrypts what must not be read out of Redis: AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) makes of
 * POSTHORN_SECRET_KEY. A sealed text opens only at the place that it was sealed for.
 *
 * Its form is `v1:` and the base64 of nonce, ciphertext and tag.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const VERSION = 'v1:';
const KEY_BYTES = 32;
/** Random: with 96 bits one secret may seal 2^32 texts. NIST SP 800-38D section 8.3. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What the derived key is for, so that the secret may serve other ends by other keys. */
const PURPOSE = 'posthorn dkim private keys v1';

/** Where a text belongs, such as account, domain and selector: it is authenticated with the text. */
export type SealedPlace = readonly string[];

export class KeyEncryption {
  private readonly key: Buffer;

  /** @param secret POSTHORN_SECRET_KEY */
  constructor(secret: string) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES));
  }

  seal(text: string, place: SealedPlace): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(octetsOf(place));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return VERSION + sealed.toString('base64');
  }

  /** Undefined where it was sealed with another secret or for another place, or was altered. */
  open(sealed: string, place: SealedPlace): string | undefined {
    const octets = Buffer.from(sealed.slice(VERSION.length), 'base64');
    if (!sealed.startsWith(VERSION) || octets.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, this.key, octets.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(octetsOf(place));
    decipher.setAuthTag(octets.subarray(-TAG_BYTES));
    const text = decipher.update(octets.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}

/** Of any version: what a later one sealed is not taken for a key in the clear. */
export function isSealed(text: string): boolean {
  return /^v\d+:/.test(text);
}

/** JSON, so that no two places have the same octets. */
function octetsOf(place: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify(place));
}
