/** What `/v1/suppressions` takes. */
import { z } from 'zod';
import { time } from '../accounts/account-schema.js';
import type { SuppressionReason } from '../bounces/suppression/suppressions.js';
import { CATEGORIES } from '../mail/classification.js';
import { formatAddress, parseAddress } from '../mail/address.js';
import { STREAMS } from '../mail/stream.js';
import { line } from '../submission/option-schemas.js';
import { accountQuerySchema } from './acting-account.js';
import { shown } from './mailbox.js';

/** In one step, in which Redis serves nobody else. */
const ADDRESSES_AT_ONCE_MAX = 1_000;
const PAGE_MAX = 1_000;
const PAGE_USUAL = 100;
/** With the angle brackets and spaces that a list may have around an address. */
const ADDRESS_CHARACTERS_MAX = 1_000;
const BECAUSE_CHARACTERS_MAX = 500;
/** Ten years; who means longer means for ever. */
const LASTS_MAX_S = 315_360_000;

/** What looks like one of ours and is none is misspelt. */
const LIKE_A_NAME = /^[a-z]+(?:_[a-z]+)+$/;
const REASONS: readonly SuppressionReason[] = [...CATEGORIES, 'complaint', 'manual'];

export const addressSchema = z
  .string()
  .max(ADDRESS_CHARACTERS_MAX)
  .transform((text, context): string => {
    const found = text.isWellFormed() ? parseAddress(text.trim()) : undefined;
    if (found) return formatAddress(found);
    context.addIssue({ code: 'custom', message: `"${shown(text)}" is no mail address: must be "a@b"` });
    return z.NEVER;
  });

const because = line(1, BECAUSE_CHARACTERS_MAX);
const reasonName = z.enum(REASONS, { error: `must be one of ${REASONS.join(', ')}` });

const entry = z
  .strictObject({
    address: addressSchema.refine((text) => !/^"?\*"?@/.test(text), { error: 'a whole domain cannot be suppressed' }),
    /** One of ours, for what another service found out; any other text is what people are to read. */
    reason: because.refine((text) => isReason(text) || !LIKE_A_NAME.test(text), {
      error: `must be one of ${REASONS.join(', ')}, or a sentence`,
    }),
    because,
    streams: z
      .array(z.enum(STREAMS, { error: `must be one of ${STREAMS.join(', ')}` }))
      .min(1)
      .max(STREAMS.length),
    until: time.refine((at) => at > Date.now(), { error: 'must be in the future' }),
    /** Seconds. */
    expiresIn: z.number().int().min(1).max(LASTS_MAX_S),
  })
  .partial()
  .required({ address: true })
  .refine(({ until, expiresIn }) => until === undefined || expiresIn === undefined, {
    path: ['expiresIn'],
    error: 'must not stand beside until',
  })
  .refine(({ reason, because: also }) => also === undefined || reason === undefined || isReason(reason), {
    path: ['because'],
    error: 'must not stand beside a reason in words of its own',
  });

const entries = z.array(entry).min(1).max(ADDRESSES_AT_ONCE_MAX);

/** One, or a list of them for what another service has known. Faults are told of the form that was meant. */
export const newSuppressionsSchema = z.unknown().transform((body, context): NewEntries => {
  const isList = Array.isArray(body);
  const result = isList ? entries.safeParse(body) : entry.safeParse(body);
  if (result.success) return { isList, entries: [result.data].flat() };
  context.issues.push(...result.error.issues.map((issue) => ({ ...issue, input: undefined })));
  return z.NEVER;
});

export const suppressionQuerySchema = accountQuerySchema.extend({
  state: z.enum(['suppressed', 'reactivated']).default('suppressed'),
  reason: reasonName.optional(),
  address: addressSchema.optional(),
  cursor: z
    .string()
    .max(ADDRESS_CHARACTERS_MAX)
    .refine(isCursor, { error: 'must be the cursor of an earlier page' })
    .transform((text) => Buffer.from(text, 'base64url').toString())
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,9}$/, { error: `must be a number from 1 to ${PAGE_MAX}` })
    .transform(Number)
    .refine((count) => count >= 1 && count <= PAGE_MAX, { error: `must be a number from 1 to ${PAGE_MAX}` })
    .default(PAGE_USUAL),
});

/** The reason of a removal stands in the query, which every client can send with DELETE, or in a body. */
export const reactivationQuerySchema = accountQuerySchema.extend({ reason: because.optional() });
export const reactivationSchema = z.strictObject({ reason: because.optional() }).optional();

export type NewEntry = z.output<typeof entry>;
export interface NewEntries {
  readonly isList: boolean;
  readonly entries: readonly NewEntry[];
}
export type ListQuery = z.output<typeof suppressionQuerySchema>;
export type ReactivationQuery = z.output<typeof reactivationQuerySchema>;
export type Reactivation = z.output<typeof reactivationSchema>;

/** As a page gives it: an address in base64url. */
function isCursor(text: string): boolean {
  const decoded = Buffer.from(text, 'base64url').toString();
  return decoded.includes('@', 1) && Buffer.from(decoded).toString('base64url') === text;
}

export function isReason(text: string): text is SuppressionReason {
  return (REASONS as readonly string[]).includes(text);
}
