/** Secrets of ours: 256 bits of chance, shown once, kept as SHA-256. Random secrets need no slow hash; words are never taken. */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

/**
 * Letters and digits only: a secret is pasted into command lines, URLs and PHP files, where a leading `-` is an option,
 * and `$`, `%` or `/` something else.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 of 62 characters are 256 bits. */
const SECRET_CHARACTERS = 43;
const ID_CHARACTERS = 16;

export function newSecret(): string {
  return random(SECRET_CHARACTERS);
}

/** A name for a credential that tells nothing of its secret. */
export function newCredentialId(): string {
  return `cred_${random(ID_CHARACTERS)}`;
}

/** SHA-256 in lower-case hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares in constant time. `hash` is what `hashSecret` gave. */
export function secretMatches(secret: string, hash: string): boolean {
  const given = Buffer.from(hashSecret(secret), 'hex');
  const kept = Buffer.from(hash, 'hex');
  return kept.length === given.length && timingSafeEqual(given, kept);
}

function random(characters: number): string {
  return Array.from({ length: characters }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
}
