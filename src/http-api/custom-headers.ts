/**
 * The header fields that a client may add to a message. Not those that have a field of their own in the body, that MIME
 * or the relay writes, or that tell where a message has been: RFC 5322 section 3.6, RFC 2045, RFC 5321 section 4.4.
 */
import { z } from 'zod';
import { headerLine } from './text-schemas.js';

const NAME_CHARACTERS_MAX = 76;
const VALUE_CHARACTERS_MAX = 8_192;
const VALUES_MAX = 20;
const HEADERS_MAX = 50;

const OWN_FIELD: ReadonlyMap<string, string> = new Map([
  ['from', 'from'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['bcc', 'bcc'],
  ['reply-to', 'replyTo'],
  ['subject', 'subject'],
]);
const RELAYS_OWN: ReadonlySet<string> = new Set([
  'sender',
  'received',
  'return-path',
  'delivered-to',
  'dkim-signature',
  'domainkey-signature',
  'authentication-results',
  'mime-version',
]);
const RELAYS_OWN_PREFIXES = ['content-', 'resent-', 'arc-', 'received-', 'x-posthorn-'];
/** Two of these in one message are read differently by every reader. RFC 5322 section 3.6. */
const ONCE: ReadonlySet<string> = new Set(['message-id', 'date', 'in-reply-to', 'references']);

const MESSAGE_ID = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,200}@[\x21-\x3b\x3d\x3f-\x7e]{1,200}>$/;
// RFC 5322 section 3.3, without comments.
const DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}(?::\d{2})? (?:[+-]\d{4}|GMT|UT)$/;

/** Name to value, or to a list of values for a field that comes several times. */
export const customHeaders = z
  .record(
    z.string(),
    z.union([headerLine(VALUE_CHARACTERS_MAX), z.array(headerLine(VALUE_CHARACTERS_MAX)).max(VALUES_MAX)]),
  )
  .superRefine((headers, context) => {
    const names = Object.keys(headers);
    if (names.length > HEADERS_MAX)
      context.addIssue({ code: 'custom', message: `must be at most ${HEADERS_MAX} fields` });
    const seen = new Set<string>();
    for (const [name, value] of Object.entries(headers).slice(0, HEADERS_MAX)) {
      const values = typeof value === 'string' ? [value] : value;
      const fault = faultOfName(name, seen) ?? faultOfValues(name.toLowerCase(), values);
      if (fault !== undefined) context.addIssue({ code: 'custom', path: [name], message: fault });
      seen.add(name.toLowerCase());
    }
  })
  .transform((headers) =>
    Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((single) => ({ name, value: single })),
    ),
  );

function faultOfName(name: string, seen: ReadonlySet<string>): string | undefined {
  const lower = name.toLowerCase();
  // RFC 5322 section 2.2 takes more than these, and nobody uses it; a `__proto__` is never one.
  if (name.length > NAME_CHARACTERS_MAX || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    return `is no name of a header field (letters, digits and hyphens, at most ${NAME_CHARACTERS_MAX})`;
  }
  const own = OWN_FIELD.get(lower);
  if (own !== undefined) return `has a field of its own: use "${own}"`;
  if (RELAYS_OWN.has(lower) || RELAYS_OWN_PREFIXES.some((prefix) => lower.startsWith(prefix))) {
    return 'is written by the relay, not by its clients';
  }
  return seen.has(lower) ? 'comes twice: give one name a list of values' : undefined;
}

function faultOfValues(name: string, values: readonly string[]): string | undefined {
  if (ONCE.has(name) && values.length > 1) return 'may come once in a message';
  if (name === 'message-id' && !values.every((value) => MESSAGE_ID.test(value))) return 'must be <left@right>';
  if (name === 'date' && !values.every((value) => DATE.test(value) && !Number.isNaN(Date.parse(value)))) {
    return 'must be a date as in "Sat, 21 Nov 2026 06:32:12 +0000"';
  }
  return undefined;
}
