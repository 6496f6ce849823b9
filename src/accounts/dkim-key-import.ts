/** Reads a private key that somebody brings along, and says what would be right where it cannot be taken. RFC 6376, RFC 8301. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { normalizeDomain } from '../mail/address.js';

export type ReadKey =
  | {
      readonly kind: 'read';
      /** Lower-case, as DNS compares it. */
      readonly selector: string;
      readonly privateKey: KeyObject;
      /** What is weak about it. */
      readonly advice?: string;
    }
  | { readonly kind: 'refused'; readonly why: string };

/** An RSA key of 4096 bits takes 3,300. */
const PEM_CHARACTERS_MAX = 8_192;
/** RFC 8301 section 3.2: signers use at least 1024 bits and should use 2048; verifiers need not know more than 4096. */
const BITS = { min: 1_024, good: 2_048, max: 4_096 };
const WEAK = `under ${String(BITS.good)} bits is weak: rotate to a key of ${String(BITS.good)} bits soon`;
const WANTED = 'an RSA or Ed25519 private key in PEM, as "openssl genrsa 2048" writes one';

const signOffLoop = promisify(sign);
const verifyOffLoop = promisify(verify);

/** @param domain lower-case A-labels */
export async function readImportedKey(selector: string, domain: string, pem: string): Promise<ReadKey> {
  const name = selector.toLowerCase();
  const fault = selectorFault(selector, domain) ?? pemFault(pem);
  if (fault !== undefined) return refused(fault);
  const privateKey = parsed(pem);
  if (!privateKey) return refused(`the PEM cannot be read: it must be ${WANTED}, whole and without changes`);
  const kind = privateKey.asymmetricKeyType;
  if (kind !== 'rsa' && kind !== 'ed25519')
    return refused(`the key is of the kind ${String(kind)}, it must be ${WANTED}`);
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? BITS.good;
  if (bits < BITS.min || bits > BITS.max) {
    const range = `must have ${String(BITS.min)} to ${String(BITS.max)} bits, and ${WEAK}`;
    return refused(`the RSA key has ${String(bits)} bits: it ${range}`);
  }
  if (!(await isSound(privateKey))) return refused(`the parts of the key do not fit together: it must be ${WANTED}`);
  const advice = bits < BITS.good ? `an RSA key of ${String(bits)} bits: ${WEAK}` : undefined;
  return { kind: 'read', selector: name, privateKey, ...(advice !== undefined && { advice }) };
}

/** What is wrong with a selector of any case. */
export function selectorFault(selector: string, domain: string): string | undefined {
  const name = selector.toLowerCase();
  // RFC 6376 section 3.1: labels as a domain has them, and the whole name must fit into DNS; x for the _ that no host has.
  const isName = /^[a-z0-9.-]+$/.test(name) && normalizeDomain(`${name}.xdomainkey.${domain}`) !== undefined;
  return isName
    ? undefined
    : 'the selector must be DNS labels, such as "mail" or "2026.mail": letters, digits and hyphens';
}

function refused(why: string): ReadKey {
  return { kind: 'refused', why };
}

/** What it is instead, by the name that the PEM gives itself. */
function pemFault(pem: string): string | undefined {
  if (pem.length > PEM_CHARACTERS_MAX) return `the PEM must have at most ${String(PEM_CHARACTERS_MAX)} characters`;
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label = '']) => label);
  const [label] = labels;
  if (label === undefined) return `there is no PEM: it must be ${WANTED}, with its "-----BEGIN" and "-----END" lines`;
  if (labels.length > 1) return 'the PEM must hold one private key and nothing else';
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(pem)) {
    return 'the key is encrypted: take off its passphrase first, with "openssl pkey -in KEY -out PLAIN-KEY"';
  }
  if (label.endsWith('PUBLIC KEY')) return `this is a public key: the private one is needed, ${WANTED}`;
  if (label !== 'PRIVATE KEY' && label !== 'RSA PRIVATE KEY') {
    return `this is "${label}": it must be ${WANTED}`;
  }
  return undefined;
}

function parsed(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return undefined;
  }
}

/**
 * Whether it signs what its public half verifies, and not at an absurd cost: the exponents of a made-up key can be so large
 * that each signature takes a second.
 */
async function isSound(privateKey: KeyObject): Promise<boolean> {
  try {
    const { n = '', e = '', d = '' } = privateKey.export({ format: 'jwk' });
    const isOrdinary = privateKey.asymmetricKeyType === 'ed25519' || (e.length <= 8 && d.length <= n.length);
    if (!isOrdinary) return false;
    const algorithm = privateKey.asymmetricKeyType === 'rsa' ? 'sha256' : null;
    const text = Buffer.from('posthorn');
    const signature = await signOffLoop(algorithm, text, privateKey);
    return await verifyOffLoop(algorithm, text, createPublicKey(privateKey), signature);
  } catch {
    return false;
  }
}
