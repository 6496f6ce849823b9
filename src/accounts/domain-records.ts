/**
 * The DNS records that make an account's mail believed, exactly as they are to be published: DKIM (RFC 6376 section
 * 3.6.1), the return path with its SPF (RFC 7208), and advice on DMARC (RFC 7489). And those by which mail programs find
 * this relay.
 */
import { mailServices, type MailPorts, type MailService } from '../config/mail-services.js';
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
  | (RecordBase & { readonly purpose: 'dmarc'; readonly type: 'TXT' })
  | (RecordBase & { readonly purpose: 'mail_program'; readonly type: 'CNAME' | 'SRV' });

/** What of this relay stands in the records. */
export interface RelayNames extends MailPorts {
  readonly hostname: string;
  /** POSTHORN_BOUNCE_DOMAIN. */
  readonly bounceDomain: string;
}

/** Below the sending domain; short, and nothing that people have already. */
const RETURN_PATH_LABEL = 'ph-bounces';
/** Where mail programs look for their settings: the name is theirs. */
const AUTOCONFIG_LABEL = 'autoconfig';
/** RFC 2782: among records of one priority. There is one of each. */
const SRV_WEIGHT = 1;

/** Those of all domains together, `*`, are none. Retired keys have no record any more. */
export function domainRecords(
  domain: string,
  keys: readonly DkimKeyInfo[],
  relay: RelayNames,
): readonly DomainRecord[] {
  if (domain === ANY_DOMAIN) return [];
  const { hostname, bounceDomain } = relay;
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
    ...mailProgramRecords(domain, relay),
  ];
}

/** Whether the state of a domain depends on it. */
export function bearsOnState({ purpose }: DomainRecord): boolean {
  return purpose === 'dkim' || purpose === 'return_path';
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

function mailProgramRecords(domain: string, relay: RelayNames): readonly DomainRecord[] {
  const services = mailServices(relay);
  const autoconfig = `${AUTOCONFIG_LABEL}.${domain}`;
  // Settings without a server to fetch mail from are none: then the HTTP API gives none.
  const isTold = services.some(({ protocol }) => protocol !== 'smtp') && autoconfig !== relay.hostname;
  return [
    ...(isTold ? [autoconfigRecord(autoconfig, relay)] : []),
    ...services.map((each) => srvRecord(domain, relay, each)),
  ];
}

function autoconfigRecord(name: string, { hostname }: RelayNames): DomainRecord {
  return {
    purpose: 'mail_program',
    type: 'CNAME',
    name,
    value: hostname,
    required: false,
    explanation: `Where mail programs fetch their settings: http://${name}/mail/config-v1.1.xml must reach the HTTP API`,
  };
}

/** RFC 6186 section 3, RFC 8314 section 5.1. */
function srvRecord(
  domain: string,
  { hostname }: RelayNames,
  { protocol, tls, srv, priority, port }: MailService,
): DomainRecord {
  const what = protocol === 'smtp' ? 'send mail' : `read reports over ${protocol === 'imap' ? 'IMAP' : 'POP3'}`;
  return {
    purpose: 'mail_program',
    type: 'SRV',
    name: `${srv}._tcp.${domain}`,
    value: `${priority} ${SRV_WEIGHT} ${port} ${hostname}`,
    required: false,
    explanation: `Where mail programs ${what}, with ${tls === 'implicit' ? 'TLS from the first byte' : 'STARTTLS'}`,
  };
}

/** The domain of return paths below a sending domain. */
export function returnPathName(domain: string): string {
  return `${RETURN_PATH_LABEL}.${domain}`;
}

function isAtOrBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
