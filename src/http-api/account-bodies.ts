/** What `/v1/accounts` takes: a new account, and a change of one as a merge patch (RFC 7396: null takes a field away). */
import { z } from 'zod';
import {
  abuseWatch,
  accountLimits,
  accountName,
  messageLimits,
  onLimit,
  suppressAfter,
  suppressedRecipients,
} from '../accounts/account-schema.js';
import { line } from '../submission/option-schemas.js';

const REASON_CHARACTERS_MAX = 200;

export const newAccountSchema = z.strictObject({
  name: accountName,
  limits: accountLimits.optional(),
  onLimit: onLimit.optional(),
  watch: abuseWatch.optional(),
  suppressedRecipients: suppressedRecipients.optional(),
  suppressAfter: suppressAfter.optional(),
});

const messageLimitsPatch = z
  .strictObject({
    perSecond: messageLimits.shape.perSecond.nullable(),
    perHour: messageLimits.shape.perHour.nullable(),
    perDay: messageLimits.shape.perDay.nullable(),
    perMonth: messageLimits.shape.perMonth.nullable(),
  })
  .nullish();

export const accountPatchSchema = z.strictObject({
  limits: z
    .strictObject({
      messages: messageLimitsPatch,
      criticalMessages: messageLimitsPatch,
      recipientsPerMessage: accountLimits.shape.recipientsPerMessage.nullable(),
      messageBytes: accountLimits.shape.messageBytes.nullable(),
    })
    .nullish(),
  onLimit: onLimit.optional(),
  watch: abuseWatch.optional(),
  suppressedRecipients: suppressedRecipients.optional(),
  suppressAfter: suppressAfter.optional(),
});

export const suspensionSchema = z.strictObject({ reason: line(1, REASON_CHARACTERS_MAX) });

/** Of whoever removes what the request itself stands on. */
export const forceSchema = z.strictObject({ force: z.enum(['true', 'false']).optional() });

export type NewAccountBody = z.output<typeof newAccountSchema>;
export type AccountPatch = z.output<typeof accountPatchSchema>;
export type Suspension = z.output<typeof suspensionSchema>;
export type Force = z.output<typeof forceSchema>;
