/**
 * The DNS records that make an account's mail believed, exactly as they are to be published: DKIM (RFC 6376 section
 * 3.6.1), the return path with its SPF (RFC 7208), and advice on DMARC (RFC 7489).
 */
import type { DkimKeyInfo } from './dkim-keys.js';
import { ANY_DOMAIN, type SendingDomain } from './sending-domains.js';

interface RecordBase {
  readonly name: string;
  readonly value: string;
  /** Whether mail suffers without it, as far as the owner of the domain can help it. */
  readonly required: boolean;
  /** One line, for a person. */
  readonly explanation: string;
}

export type DomainRecord =
  | (RecordBase & { readonly purpose: 'dkim'; readonly type: 'TXT'; readonly key: DkimKeyInfo })
  | (RecordBase & { readonly purpose: 'return_path'; readonly type: 'CNAME' })
  | (RecordBase & { readonly purpose: 'spf'; readonly type: 'TXT' })
  | (RecordBase & { readonly purpose: 'dmarc'; readonly type: 'TXT' });

/** What of this relay stands in the records. */
export interface RelayNames {
  readonly hostname: string;
  /** POSTHORN_BOUNCE_DOMAIN. */
  readonly bounceDomain: string;
}

/** Below the sending domain; short, and nothing that people have already. */
const RETURN_PATH_LABEL = 'ph-bounces';

/** Those of all domains together, `*`, are none. Retired keys have no record any more. */
export function domainRecords(
  domain: string,
  keys: readonly DkimKeyInfo[],
  { hostname, bounceDomain }: RelayNames,
): readonly DomainRecord[] {
  if (domain === ANY_DOMAIN) return [];
  return [
    ...keys.filter(({ state }) => state !== 'retired').map(dkimRecord),
    ...(isAtOrBelow(bounceDomain, domain) ? [] : [returnPathRecord(domain, bounceDomain)]),
    {
      purpose: 'spf',
      type: 'TXT',
      name: bounceDomain,
      value: `v=spf1 a:${hostname} ~all`,
      required: false,
      explanation: "SPF stands at the return path's target: the relay's operator publishes it, once for all domains",
    },
    {
      purpose: 'dmarc',
      type: 'TXT',
      name: `_dmarc.${domain}`,
      value: `v=DMARC1; p=none; rua=mailto:postmaster@${domain}`,
      required: false,
      explanation:
        'Tells receivers what to do with mail that fails DKIM and SPF; a DMARC record that is there already is fine',
    },
  ];
}

/**
 * The domain of the return path for mail from `fromDomain`: its own name for it once DNS shows that, so that SPF speaks
 * for the From domain; else the relay's. RFC 7489 section 3.1.2.
 */
export function returnPathDomain(domains: readonly SendingDomain[], fromDomain: string, bounceDomain: string): string {
  if (isAtOrBelow(bounceDomain, fromDomain)) return bounceDomain;
  const own = domains.find(({ name }) => name === fromDomain);
  return own?.returnPath === 'verified' ? returnPathName(fromDomain) : bounceDomain;
}

function dkimRecord(key: DkimKeyInfo): DomainRecord {
  const isRsa = key.algorithm === 'rsa-sha256';
  return {
    purpose: 'dkim',
    type: 'TXT',
    name: key.record.name,
    value: key.record.value,
    required: isRsa,
    explanation: explanationOf(key, isRsa),
    key,
  };
}

function explanationOf({ state }: DkimKeyInfo, isRsa: boolean): string {
  const what = isRsa ? 'The public key that proves our signatures' : 'The public key of the second, shorter signature';
  switch (state) {
    case 'pending':
      return `${what}; used as soon as DNS shows it`;
    case 'retiring':
      return `${what}, until now: keep it while mail that it signed is on its way`;
    case 'active':
    case 'retired':
      return what;
    default:
      return state satisfies never;
  }
}

function returnPathRecord(domain: string, bounceDomain: string): DomainRecord {
  return {
    purpose: 'return_path',
    type: 'CNAME',
    name: returnPathName(domain),
    value: bounceDomain,
    required: false,
    explanation: 'The address that bounces come back to, below your domain, so that SPF passes for it',
  };
}

/** The domain of return paths below a sending domain. */
export function returnPathName(domain: string): string {
  return `${RETURN_PATH_LABEL}.${domain}`;
}

function isAtOrBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
