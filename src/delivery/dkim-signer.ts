/**
 * Signs a message for one domain with every key it is given: RFC 6376 with RSA and SHA-256 (RFC 8301), and with Ed25519
 * (RFC 8463), `relaxed` header and `simple` body. A verifier that knows only one of them takes that one.
 * Our bytes leave exactly as they were signed, so the simple body hash is safe and costs a tenth of the relaxed one.
 *
 * mailauth's own front parses the PEM and signs on the event loop for every message. Here its canonical form of a field
 * is used with cached keys, what the signatures have in common is computed once, and RSA is left to the thread pool.
 */
import { createHash, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { formatRelaxedLine } from 'mailauth/lib/tools.js';
import type { DkimKey } from '../accounts/dkim-keys.js';
import { parseHeaderBlock, type HeaderField } from '../mail/header-block.js';

const signOffLoop = promisify(sign);
const CANONICALIZATION = 'relaxed/simple';

/** RFC 6376 section 5.4.1: what a reader sees or a reply depends on. */
const SIGNED: ReadonlySet<string> = new Set(
  (
    'from sender reply-to subject date message-id to cc mime-version content-type content-transfer-encoding content-id ' +
    'content-description resent-date resent-from resent-sender resent-to resent-cc resent-message-id in-reply-to ' +
    'references list-id list-help list-unsubscribe list-unsubscribe-post list-subscribe list-post list-owner list-archive'
  ).split(' '),
);
/**
 * RFC 6376 section 8.15: named once more than they occur, so that none can be added on the way. Besides what a reader sees,
 * what says how the signed body is to be read: a second Content-Type, or a first one, makes another text of the same octets.
 */
const OVERSIGNED =
  'From Sender Reply-To Subject Date To Cc Message-ID MIME-Version Content-Type Content-Transfer-Encoding'.split(' ');

/** RFC 5322 section 2.1.1: lines of at most 78 characters. */
const LINE_CHARACTERS_MAX = 76;
/** Of `b=`, on each of its lines. */
const SIGNATURE_CHARACTERS = 72;
const FOLD = '\r\n ';

/** What all signatures of a message have in common. */
interface Signed {
  /** `h=` and `bh=`, folded. */
  readonly tags: string;
  /** The fields themselves, as they are hashed. */
  readonly canonicalFields: Buffer;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

/**
 * A DKIM-Signature field for each key in their order, each ending in CRLF, to put on top of `message`; undefined where there is
 * no key, or no From to sign.
 */
export async function dkimSignatures(
  message: Buffer,
  keys: readonly DkimKey[],
  nowMs: number,
): Promise<string | undefined> {
  const block = parseHeaderBlock(message);
  const fields = block.fields.filter(({ name }) => SIGNED.has(name));
  // RFC 6376 section 5.4: the From field must be signed.
  if (keys.length === 0 || !fields.some(({ name }) => name === 'from')) return undefined;
  // RFC 6376 section 5.4.2: of fields that repeat, the last is signed first.
  const lines = fields.toReversed().map((field) => lineOf(message, field));
  const signed: Signed = {
    tags: signedTags([...lines.map(nameOf), ...OVERSIGNED], simpleBodyHash(message.subarray(block.end + 2))),
    canonicalFields: canonicalFields(lines),
    timestamp: Math.floor(nowMs / 1000),
  };
  return (await Promise.all(keys.map((key) => signatureField(key, signed)))).join('');
}

async function signatureField(key: DkimKey, { tags, canonicalFields, timestamp }: Signed): Promise<string> {
  const who = `d=${key.domain};${FOLD}s=${key.selector}; t=${timestamp};`;
  const field = `v=1; a=${key.algorithm}; c=${CANONICALIZATION};${FOLD}${who}${FOLD}${tags}${FOLD}b=`;
  // RFC 6376 sections 3.4.2 and 3.7: relaxed, which our own folding makes easy, without the CRLF at its end.
  const canonical = Buffer.from(`dkim-signature:${field.replaceAll(FOLD, ' ')}`);
  const b = await signatureOver(Buffer.concat([canonicalFields, canonical]), key);
  return `DKIM-Signature: ${field}${inLines(b)}\r\n`;
}

/** RFC 6376 section 3.5: white space may stand around the colons of `h=`. */
function signedTags(names: readonly string[], bodyHash: string): string {
  let tags = 'h=';
  let length = tags.length;
  for (const [index, name] of names.entries()) {
    const part = index === 0 ? name : `:${name}`;
    if (length + part.length > LINE_CHARACTERS_MAX) {
      tags += `${FOLD}${part}`;
      length = 1 + part.length;
    } else {
      tags += part;
      length += part.length;
    }
  }
  return `${tags};${FOLD}bh=${bodyHash};`;
}

function inLines(base64: string): string {
  let lines = base64.slice(0, SIGNATURE_CHARACTERS);
  for (let at = SIGNATURE_CHARACTERS; at < base64.length; at += SIGNATURE_CHARACTERS) {
    lines += FOLD + base64.slice(at, at + SIGNATURE_CHARACTERS);
  }
  return lines;
}

/** The `b=` of a signature: over the fields and its own field without it, in their canonical form. */
export async function signatureOver(canonical: Buffer, { algorithm, privateKey }: DkimKey): Promise<string> {
  if (algorithm === 'rsa-sha256') return (await signOffLoop(algorithm, canonical, privateKey)).toString('base64');
  // RFC 8463 section 3: Ed25519 without a hash of its own, over the SHA-256. It takes less than the way to another thread.
  return sign(null, createHash('sha256').update(canonical).digest(), privateKey).toString('base64');
}

/** RFC 6376 section 3.4.2. `lines` are fields without the CRLF at their end. */
export function canonicalFields(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.map((line) => formatRelaxedLine(line, '\r\n')));
}

function lineOf(message: Buffer, { start, end }: HeaderField): Buffer {
  return message.subarray(start, end - 2);
}

function nameOf(line: Buffer): string {
  return line.toString('latin1', 0, line.indexOf(':')).trim();
}

/** RFC 6376 section 3.4.3: empty lines at the end are one CRLF. */
export function simpleBodyHash(body: Buffer): string {
  let end = body.length;
  while (end >= 2 && body[end - 1] === 10 && body[end - 2] === 13) end -= 2;
  return createHash('sha256').update(body.subarray(0, end)).update('\r\n').digest('base64');
}
