/**
 * What makes two requests the same for an idempotency key: their content, not its spelling. Keys of objects are taken in
 * order, and of bytes that stood as base64 the bytes.
 */
import { createHash, type Hash } from 'node:crypto';

/** @param payload a body that was read: of objects, lists, strings, numbers and bytes */
export function payloadHash(payload: unknown): string {
  const hash = createHash('sha256');
  feed(hash, payload);
  return `http:${hash.digest('base64url')}`;
}

/** Every value is told with its kind and its length, so that no two payloads are fed alike. */
function feed(hash: Hash, value: unknown): void {
  if (Buffer.isBuffer(value)) hash.update(`b${value.length}:`).update(value);
  else if (Array.isArray(value)) {
    hash.update(`l${value.length}:`);
    for (const element of value) feed(hash, element);
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    hash.update(`o${entries.length}:`);
    for (const [key, field] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {
      feed(hash, key);
      feed(hash, field);
    }
  } else {
    const text = JSON.stringify(value) ?? '';
    hash.update(`v${Buffer.byteLength(text)}:${text}`);
  }
}
