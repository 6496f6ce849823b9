/** The bodies and the query of `/v1/domains`. */
import { z } from 'zod';
import { sendingDomainName } from '../accounts/sending-domains.js';

/** An RSA key of 4096 bits has 3,300 characters. */
const KEY_CHARACTERS_MAX = 16_384;

export const domainSchema = z.strictObject({
  name: z
    .string()
    .max(1_000)
    .transform((text, context): string => {
      const name = sendingDomainName(text);
      if (name !== undefined) return name;
      context.addIssue({ code: 'custom', message: 'must be a domain as in "example.org", or "*" for any' });
      return z.NEVER;
    }),
  /** The operator's word that the account may send as this domain; needs the scope `admin`. */
  assumeVerified: z.boolean().optional(),
});

export const keyImportSchema = z.strictObject({
  selector: z
    .string()
    .toLowerCase()
    // RFC 6376 section 3.1, one label of it.
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
      error: 'must be a selector: 1 to 63 letters, digits and hyphens, as before "._domainkey"',
    }),
  privateKey: z.string().min(1).max(KEY_CHARACTERS_MAX),
  /** The operator's word that DNS shows the public key; needs the scope `admin`. */
  assumePublished: z.boolean().optional(),
});

export type NewDomain = z.output<typeof domainSchema>;
export type KeyImport = z.output<typeof keyImportSchema>;
