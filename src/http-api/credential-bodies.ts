/** What `/v1/credentials` takes: a new SMTP user or API key, and whose. */
import { z } from 'zod';
import { accountQuerySchema } from './acting-account.js';
import { accountName, label, messageLimits, smtpUser, time } from '../accounts/account-schema.js';
import { SCOPES, SMTP_SCOPES } from '../accounts/credential.js';
import { forceSchema } from './account-bodies.js';

/** Ten years; who means longer means for ever. */
const EXPIRES_IN_MAX_S = 315_360_000;

const options = {
  name: label.optional(),
  /** The caller's own where it is absent. */
  account: accountName.optional(),
  expiresAt: time.refine((at) => at > Date.now(), { error: 'must be in the future' }).optional(),
  /** Seconds. */
  expiresIn: z.number().int().min(1).max(EXPIRES_IN_MAX_S).optional(),
  limits: messageLimits.optional(),
};

export const newCredentialSchema = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({
        kind: z.literal('smtp'),
        user: smtpUser.optional(),
        scopes: z
          .array(z.enum(SMTP_SCOPES))
          .min(1)
          .max(SMTP_SCOPES.length)
          .default([...SMTP_SCOPES]),
        ...options,
      }),
      z.strictObject({
        kind: z.literal('api'),
        // What rules over all accounts is to be asked for by name.
        scopes: z
          .array(z.enum(SCOPES))
          .min(1)
          .max(SCOPES.length)
          .default(SCOPES.filter((scope) => scope !== 'admin')),
        ...options,
      }),
    ],
    { error: 'must be "smtp" for a user and password, or "api" for an API key' },
  )
  .refine(({ expiresAt, expiresIn }) => expiresAt === undefined || expiresIn === undefined, {
    path: ['expiresIn'],
    error: 'must not stand beside expiresAt',
  });

export const removalSchema = accountQuerySchema.extend(forceSchema.shape);

export type NewCredentialBody = z.output<typeof newCredentialSchema>;
export type Removal = z.output<typeof removalSchema>;
