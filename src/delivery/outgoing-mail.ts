/**
 * A message as one transaction of it leaves: a return path of our own, by which a bounce is matched to it, the same reference
 * as a header field for servers that rewrite the return path, and the signatures of its sending domain.
 *
 * The reference is not signed with DKIM: it proves itself, and a server that takes it out breaks nothing.
 */
import { returnPathDomain } from '../accounts/domain-records.js';
import type { DkimKeys } from '../accounts/dkim-keys.js';
import { signingDomain, type SendingDomain, type SendingDomains } from '../accounts/sending-domains.js';
import { REFERENCE_FIELD, type ReturnPathSigner } from '../bounces/return-path/return-path.js';
import type { Clock } from '../mail/clock.js';
import type { Claim } from '../queue/spool.js';
import type { Metrics } from '../telemetry/metrics.js';
import { dkimSignatures } from './dkim-signer.js';
import type { Destination } from './routing.js';

export interface OutgoingParts {
  readonly domains: SendingDomains;
  readonly dkimKeys: DkimKeys;
  readonly returnPaths: ReturnPathSigner;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface OutgoingMail {
  /** Empty for the null reverse path: a bounce is never bounced. RFC 5321 section 4.5.5. */
  readonly reversePath: string;
  readonly content: Buffer;
}

/** @param bounceDomain where bounces come back to for domains without a name of their own for it */
export async function outgoingMail(
  { message, work }: Claim,
  body: Buffer,
  destination: Destination,
  bounceDomain: string,
  parts: OutgoingParts,
): Promise<OutgoingMail> {
  const { domains, returnPaths } = parts;
  const own = await domains.recent(message.account);
  const reference = returnPaths.localPart({ messageId: message.id, transaction: work.transaction });
  const reversePath =
    message.reversePath === '' ? '' : `${reference}@${returnPathDomain(own, message.fromDomain, bounceDomain)}`;
  const signatures = await sign(message, body, own, destination, parts);
  return {
    reversePath,
    content: Buffer.concat([Buffer.from(`${signatures}${REFERENCE_FIELD}: ${reference}\r\n`), body]),
  };
}

async function sign(
  { account, fromDomain }: Claim['message'],
  body: Buffer,
  own: readonly SendingDomain[],
  { dkim }: Destination,
  { dkimKeys, metrics, clock }: OutgoingParts,
): Promise<string> {
  const domain = signingDomain(own, fromDomain);
  if (domain === '') return '';
  const active = await dkimKeys.signingKeys(account, domain);
  const keys = dkim === 'rsa' ? active.filter(({ algorithm }) => algorithm === 'rsa-sha256') : active;
  const fields = await dkimSignatures(body, keys, clock.now());
  if (fields === undefined) return '';
  for (const { algorithm } of keys) metrics.dkimSignatures.inc({ algorithm });
  return fields;
}
