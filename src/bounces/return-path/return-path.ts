/**
 * The return path of each transaction: `b+<message id>.<transaction>.<signature>@<return-path domain>`, lower-case base32
 * as in message ids. Whoever bounces to it says which mail he means, and nobody else can say it.
 *
 * At most 2 + 26 + 1 + 3 + 1 + 20 = 53 octets, of the 64 that RFC 5321 section 4.5.3.1.1 allows a local part.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { EXPIRE_AFTER_DAYS_MAX } from '../../config/settings-schema.js';
import { isMessageId, timeOfMessage } from '../../mail/message-id.js';
import { SCHEDULE_AHEAD_MAX_MS } from '../../queue/spool.js';

/** The header field that bears the local part, for where the return path is rewritten. */
export const REFERENCE_FIELD = 'X-Posthorn-Ref';

const PREFIX = 'b+';
/** 20 characters of base32 are 100 bits. */
const SIGNATURE_CHARACTERS = 20;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const LOCAL_PART = /^b\+([0-9a-z]{26})\.([0-9a-z]{1,3})\.([0-9a-z]{20})$/;

const DAY_MS = 86_400_000;

/**
 * After a message was accepted a bounce of it is believed for this long: it may have waited for its time, then for us, then
 * for its last server, which gives up after four to five days (RFC 5321 section 4.5.4.1), or a few more.
 */
export const RETURN_PATH_LIFE_MS = SCHEDULE_AHEAD_MAX_MS + (EXPIRE_AFTER_DAYS_MAX + 15) * DAY_MS;

export interface MailReference {
  readonly messageId: string;
  readonly transaction: number;
}

export type ReferenceReading =
  | ({ readonly kind: 'valid' } & MailReference)
  /** It is signed by us, and too old to be believed. */
  | ({ readonly kind: 'expired' } & MailReference)
  /** It has the form and not our signature. */
  | { readonly kind: 'forged' }
  /** It is no reference of ours at all. */
  | { readonly kind: 'other' };

export class ReturnPathSigner {
  /** @param key 32 octets of chance, the same in every process of the deployment */
  constructor(private readonly key: Buffer) {}

  /** The local part of the return path, and what stands in `REFERENCE_FIELD`. */
  localPart({ messageId, transaction }: MailReference): string {
    const number = base32(transaction);
    return `${PREFIX}${messageId}.${number}.${this.signature(messageId, number)}`;
  }

  /** Reads a local part, in any case: some servers write it in capitals. */
  read(localPart: string, nowMs: number): ReferenceReading {
    const [, messageId = '', number = '', signature = ''] = LOCAL_PART.exec(localPart.toLowerCase()) ?? [];
    if (!isMessageId(messageId)) return { kind: 'other' };
    const expected = this.signature(messageId, number);
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return { kind: 'forged' };
    const transaction = [...number].reduce((value, digit) => value * 32 + ALPHABET.indexOf(digit), 0);
    const kind = nowMs > timeOfMessage(messageId) + RETURN_PATH_LIFE_MS ? 'expired' : 'valid';
    return { kind, messageId, transaction };
  }

  private signature(messageId: string, number: string): string {
    const digest = createHmac('sha256', this.key).update(`${messageId}.${number}`).digest();
    let text = '';
    for (let i = 0; i < SIGNATURE_CHARACTERS; i++) text += ALPHABET.charAt((digest[i] ?? 0) & 31);
    return text;
  }
}

function base32(value: number): string {
  return value < 32 ? ALPHABET.charAt(value) : base32(Math.floor(value / 32)) + ALPHABET.charAt(value % 32);
}
