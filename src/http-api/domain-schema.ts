/** The body of `POST /v1/domains`. */
import { z } from 'zod';
import { ANY_DOMAIN } from '../accounts/sending-domains.js';
import { normalizeDomain } from '../mail/address.js';

/** A domain as the account's list holds it; undefined where it is none. */
export function domainName(text: string): string | undefined {
  if (text === ANY_DOMAIN) return text;
  const name = normalizeDomain(text);
  return name?.startsWith('[') ? undefined : name;
}

export const domainSchema = z.strictObject({
  name: z
    .string()
    .max(1_000)
    .transform((text, context): string => {
      const name = domainName(text);
      if (name !== undefined) return name;
      context.addIssue({ code: 'custom', message: 'must be a domain as in "example.org", or "*" for any' });
      return z.NEVER;
    }),
  assumeVerified: z.literal(true, {
    error: "must be true, the operator's word that the account may send as this domain: DNS verification comes later",
  }),
});

export type NewDomain = z.output<typeof domainSchema>;
