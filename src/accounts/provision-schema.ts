/** What stands in the file POSTHORN_PROVISION: accounts, each with its domains and the hashes of its credentials. */
import { z } from 'zod';
import {
  abuseWatch,
  accountLimits,
  accountName,
  label,
  messageLimits,
  onLimit,
  smtpUser,
  suppressAfter,
  suppressedRecipients,
  time,
} from './account-schema.js';
import { DEFAULT_SUPPRESS_AFTER } from './account.js';
import { CREDENTIALS_PER_ACCOUNT_MAX, SCOPES, SMTP_SCOPES } from './credential.js';
import { DOMAINS_PER_ACCOUNT_MAX, sendingDomainName } from './sending-domains.js';

/** All of it is compared and written in one step, in which Redis serves nobody else. */
const PROVISIONED_ACCOUNTS_MAX = 1_000;
export const PATH_CHARACTERS_MAX = 4_096;

const domain = z.strictObject({
  name: z
    .string()
    .max(1_000)
    .transform((text, context): string => {
      const name = sendingDomainName(text);
      if (name !== undefined) return name;
      context.addIssue({ code: 'custom', message: 'must be a domain as in example.org, or "*" for any' });
      return z.NEVER;
    }),
  /** The operator's word that the account may send as it; absent, DNS must say so. */
  assumeVerified: z.boolean().optional(),
  dkim: z
    .strictObject({
      selector: z.string().min(1).max(253),
      /** PEM; a relative path begins where this file is. */
      privateKeyFile: z.string().min(1).max(PATH_CHARACTERS_MAX),
    })
    .optional(),
});

const credentialFields = {
  name: label.optional(),
  hash: z
    .string()
    .regex(/^sha256:[0-9a-fA-F]{64}$/, {
      error: 'must be sha256: and 64 hexadecimal digits, as ./posthorn credential hash makes it',
    })
    .transform((text) => text.slice('sha256:'.length).toLowerCase()),
  expiresAt: time.optional(),
  limits: messageLimits.optional(),
};

const credential = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('smtp'),
      user: smtpUser,
      scopes: scopesOf(SMTP_SCOPES).default([...SMTP_SCOPES]),
      ...credentialFields,
    }),
    z.strictObject({
      kind: z.literal('api'),
      scopes: scopesOf(SCOPES).default(SCOPES.filter((scope) => scope !== 'admin')),
      ...credentialFields,
    }),
  ],
  { error: 'must be smtp (with a user) or api' },
);

const account = z.strictObject({
  name: accountName,
  limits: accountLimits.default({}),
  onLimit: onLimit.default('refuse'),
  watch: abuseWatch.default({}),
  suppressedRecipients: suppressedRecipients.default('report'),
  suppressAfter: suppressAfter.default(DEFAULT_SUPPRESS_AFTER),
  domains: z.array(domain).max(DOMAINS_PER_ACCOUNT_MAX).default([]),
  credentials: z.array(credential).max(CREDENTIALS_PER_ACCOUNT_MAX).default([]),
});

export const provisionSchema = z.strictObject(
  { accounts: z.array(account, { error: 'must be a list of accounts' }).max(PROVISIONED_ACCOUNTS_MAX) },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping with a list of accounts' : undefined) },
);

export type ProvisionedAccount = z.output<typeof account>;
export type ProvisionedDomain = z.output<typeof domain>;
export type ProvisionedCredential = z.output<typeof credential>;

function scopesOf<const S extends readonly string[]>(scopes: S) {
  return z
    .array(z.enum(scopes, { error: `must be one of ${scopes.join(', ')}` }))
    .min(1)
    .transform((given) => [...new Set(given)]);
}
