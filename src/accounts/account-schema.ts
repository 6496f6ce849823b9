/** What accounts and credentials may look like from outside: one form for the HTTP API and for POSTHORN_PROVISION. */
import { z } from 'zod';
import { isAccountName } from '../config/scalars.js';
import '../config/schema-words.js';
import { ON_LIMIT, SUPPRESSED_RECIPIENTS } from './account.js';

/** More than a relay sends; the exact limit is where the counting ends. */
const COUNT_MAX = 1_000_000_000;
/** The most that POSTHORN_RECIPIENTS_MAX and POSTHORN_MESSAGE_BYTES_MAX can be. */
const RECIPIENTS_MAX = 10_000;
const MESSAGE_BYTES_MAX = 67_108_864;
const VOLUME_FACTOR_MAX = 1_000_000;
/** Whoever wants more wants never, which is 0. */
const SUPPRESS_AFTER_MAX = 100;
const LABEL_CHARACTERS_MAX = 100;
/** As long as an address may be: RFC 5321 section 4.5.3.1.3. */
const USER_CHARACTERS_MAX = 254;

function count(max: number) {
  return z
    .int({ error: `must be a whole number from 1 to ${max}` })
    .min(1, `must be at least 1`)
    .max(max);
}

export const accountName = z.string().refine(isAccountName, {
  error: 'must be an account name: up to 64 letters, digits, ".", "_", "-", a letter or digit first',
});

export const messageLimits = z.strictObject({
  perSecond: count(COUNT_MAX).optional(),
  perHour: count(COUNT_MAX).optional(),
  perDay: count(COUNT_MAX).optional(),
  perMonth: count(COUNT_MAX).optional(),
});

export const accountLimits = z.strictObject({
  messages: messageLimits.optional(),
  criticalMessages: messageLimits.optional(),
  recipientsPerMessage: count(RECIPIENTS_MAX).optional(),
  messageBytes: count(MESSAGE_BYTES_MAX).optional(),
});

export const onLimit = z.enum(ON_LIMIT, { error: `must be ${ON_LIMIT.join(' or ')}` });

export const suppressedRecipients = z.enum(SUPPRESSED_RECIPIENTS, {
  error: `must be ${SUPPRESSED_RECIPIENTS.join(' or ')}`,
});

export const suppressAfter = z
  .int({ error: `must be a whole number from 0 (never) to ${SUPPRESS_AFTER_MAX}` })
  .min(0)
  .max(SUPPRESS_AFTER_MAX);

/** Fields that are absent are as in DEFAULT_WATCH. */
export const abuseWatch = z.strictObject({
  volumeFactor: z.number().gt(1, 'must be more than 1').max(VOLUME_FACTOR_MAX).optional(),
  unknownRate: z.number().gt(0, 'must be more than 0, and at most 1').max(1).optional(),
  action: z.enum(['alert', 'suspend'], { error: 'must be alert or suspend' }).optional(),
});

/** What a person calls a credential. */
export const label = z
  .string()
  .min(1)
  .max(LABEL_CHARACTERS_MAX)
  .refine((text) => !/[\x00-\x1f\x7f]/.test(text) && text.isWellFormed(), {
    error: 'must be one line without control characters',
  });

/** What an SMTP client logs in as: mostly an address. Case does not matter. */
export const smtpUser = z
  .string()
  .max(USER_CHARACTERS_MAX)
  .regex(/^[\x21-\x7e]+$/, { error: 'must be visible ASCII characters without spaces, mostly an address' });

/** A time of ISO 8601 with its zone, as milliseconds since the epoch. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time with its zone, such as 2030-01-31T12:00:00Z' })
  .transform((text) => Date.parse(text));
