/** The kinds of text that bodies are made of, each with its bound. */
import { z } from 'zod';
import { line } from '../submission/option-schemas.js';

/** RFC 5321 section 4.5.3.1.6: a line holds 1000 octets, and what has no space in it cannot be folded. */
const WORD_OCTETS_MAX = 900;
/** Of the largest message that can be configured, 64 MiB. */
const BASE64_CHARACTERS_MAX = 96 * 1024 * 1024;

/** One line that becomes a header field: it can be folded. */
export function headerLine(max: number) {
  return line(0, max).refine(
    (text) => text.split(' ').every((word) => Buffer.byteLength(word) <= WORD_OCTETS_MAX || !isAscii(word)),
    `must not hold more than ${WORD_OCTETS_MAX} characters without a space`,
  );
}

/** Text of a body, of any length; the whole message is bounded. */
export function bodyText() {
  return z
    .string()
    .refine((text) => !text.includes('\0'), 'must not hold a NUL character')
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');
}

/** Bytes as base64: RFC 4648 section 4, line breaks allowed, padding not required. */
export function base64Bytes() {
  return z
    .string()
    .max(BASE64_CHARACTERS_MAX)
    .transform((text, context) => {
      const bytes = decodeBase64(text);
      if (bytes) return bytes;
      context.addIssue({ code: 'custom', message: 'must be base64' });
      return z.NEVER;
    });
}

// No regular expression decides the whole: over megabytes it would backtrack.
function decodeBase64(text: string): Buffer | undefined {
  const padding = text.indexOf('=');
  const digits = padding === -1 ? text : text.slice(0, padding);
  const tail = padding === -1 ? '' : text.slice(padding);
  if (/[^A-Za-z0-9+/ \t\r\n]/.test(digits) || /[^= \t\r\n]/.test(tail)) return undefined;
  const padded = tail.replace(/[^=]/g, '').length;
  const length = digits.replace(/[ \t\r\n]+/g, '').length;
  const fits = padded === 0 ? length % 4 !== 1 : padded <= 2 && (length + padded) % 4 === 0;
  return fits ? Buffer.from(digits, 'base64') : undefined;
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
