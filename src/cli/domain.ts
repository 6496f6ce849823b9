/** `./posthorn domain`: the domains that an account may send as. */
import { shown } from './api-client.js';
import { commandOfVerbs, usageFault, type Verb } from './verbs.js';

const HELP = `usage: ./posthorn domain add NAME --assume-verified [--json]
       ./posthorn domain list [--json]
       ./posthorn domain show NAME [--json]
       ./posthorn domain remove NAME

  add      lets the account send as NAME; --assume-verified is your word that it may. The name * stands for every
           domain: an internal relay
  list     the account's sending domains
  show     one domain and the DNS records to publish for it, the DKIM key among them
  remove   takes the domain away; mail that is accepted already is still delivered

Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 done, 1 refused or no answer, 2 bad usage.
`;

interface Domain {
  readonly name: string;
  readonly state: string;
  readonly verifiedBy?: string;
  readonly addedAt: string;
  readonly records?: readonly { readonly type: string; readonly name: string; readonly value: string }[];
}

const path = (name = ''): string => `/v1/domains/${encodeURIComponent(name)}`;

const VERBS: Readonly<Record<string, Verb>> = {
  add: {
    operands: ['NAME'],
    options: { 'assume-verified': { type: 'boolean' } },
    run: (api, [name], { 'assume-verified': assumeVerified }) =>
      assumeVerified === true
        ? api.request('POST', '/v1/domains', { name, assumeVerified })
        : usageFault('DNS verification comes later: add --assume-verified as your word for it'),
    format: (answer) => formatDomain(answer as Domain),
  },
  list: {
    operands: [],
    run: (api) => api.request('GET', '/v1/domains'),
    format: (answer) => (answer as { data: Domain[] }).data.map((domain) => `${headline(domain)}\n`).join(''),
  },
  show: {
    operands: ['NAME'],
    run: (api, [name]) => api.request('GET', path(name)),
    format: (answer) => formatDomain(answer as Domain),
  },
  remove: {
    operands: ['NAME'],
    run: (api, [name]) => api.request('DELETE', path(name)),
    format: () => '',
  },
};

export const domainCommand = commandOfVerbs(
  { name: 'domain', summary: 'the domains that may be sent as: add, list, show, remove', help: HELP },
  VERBS,
);

function formatDomain(domain: Domain): string {
  const records = (domain.records ?? []).map(({ type, name, value }) => `  ${name}. ${type} ${zoneText(value)}\n`);
  const lead = records.length > 0 ? ['\nPublish in DNS:\n\n'] : [];
  return [`${headline(domain)}\n`, ...lead, ...records].join('');
}

function headline({ name, state, verifiedBy }: Domain): string {
  return shown(
    `${name}  ${state}${verifiedBy === undefined ? '' : ` (by the ${verifiedBy === 'dns' ? 'DNS' : verifiedBy})`}`,
  );
}

/** As a zone file wants it: strings of at most 255 octets. RFC 1035 section 3.3.14. */
function zoneText(value: string): string {
  return (value.match(/.{1,255}/g) ?? []).map((part) => `"${part}"`).join(' ');
}
