/** Verifies the DKIM signature of a message as its receiver would, with the key that DNS publishes. RFC 6376 section 6. */
import { promises } from 'node:dns';
import { dkimVerify } from 'mailauth';

export type DkimProof =
  { readonly kind: 'verified'; readonly domain: string } | { readonly kind: 'failed'; readonly why: string };

/** @param dnsServer `ip:port` */
export async function verifyDkim(message: Buffer, dnsServer: string): Promise<DkimProof> {
  const resolver = new promises.Resolver();
  resolver.setServers([dnsServer]);
  const { results } = await dkimVerify(message, {
    resolver: async (name: string, type: string) => (await resolver.resolve(name, type)) as string[][],
  });
  const signed = results.filter(({ signingDomain }) => signingDomain !== undefined);
  const good = signed.find(({ status }) => status.result === 'pass');
  if (good?.signingDomain !== undefined) return { kind: 'verified', domain: good.signingDomain };
  const verdicts = signed.map(({ status }) => [status.result, status.comment].filter(Boolean).join(' '));
  return { kind: 'failed', why: verdicts.join(', ') || 'no signature' };
}
