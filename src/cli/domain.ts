/** `./posthorn domain`: the domains that an account may send as. */
import { readFileSync } from 'node:fs';
import type { ApiClient } from './api-client.js';
import { domainLine, domainText, type DomainView } from './domain-text.js';
import { commandOfVerbs, usageFault, type OptionValues, type Verb } from './verbs.js';

const HELP = `usage: ./posthorn domain add NAME [--assume-verified]
       ./posthorn domain list
       ./posthorn domain show NAME
       ./posthorn domain verify NAME
       ./posthorn domain rotate NAME
       ./posthorn domain import-key NAME --selector SELECTOR --key FILE [--assume-published]
       ./posthorn domain remove NAME

  add         adds NAME and prints the DNS records to publish; it may be sent from as soon as DNS shows its DKIM key.
              --assume-verified is your word that it may be at once. The name * stands for every domain: an internal
              relay, on your word only
  list        the account's sending domains
  show        one domain and the DNS records to publish for it
  verify      asks DNS now: for each record what it shows, and what to change. Exit code 1 while the domain is not
              verified, or a record that it needs is not as it should be
  rotate      makes new DKIM keys: publish their records, and they are used once DNS shows them
  import-key  takes a DKIM key that exists already (PEM); it signs once DNS shows it, with --assume-published at once
  remove      takes the domain away; mail that is accepted already is still delivered

  --account NAME  another account's domains; --assume-verified, --assume-published and this need the scope admin
  --json          the answer as JSON

Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 done, 1 refused or no answer, 2 bad usage.
`;

const path = (name = '', verb = ''): string => `/v1/domains/${encodeURIComponent(name)}${verb}`;
const formatOne = (answer: unknown): string => domainText(answer as DomainView);
const ACCOUNT = { account: { type: 'string' } } as const;

const VERBS: Readonly<Record<string, Verb>> = {
  add: {
    operands: ['NAME'],
    options: { ...ACCOUNT, 'assume-verified': { type: 'boolean' } },
    run: (api, [name], values) => {
      const assumeVerified = values['assume-verified'] === true;
      return api.request('POST', `/v1/domains${of(values)}`, { name, ...(assumeVerified && { assumeVerified }) });
    },
    format: formatOne,
  },
  list: {
    operands: [],
    options: ACCOUNT,
    run: (api, _, values) => api.request('GET', `/v1/domains${of(values)}`),
    format: (answer) => (answer as { data: DomainView[] }).data.map(domainLine).join(''),
  },
  show: {
    operands: ['NAME'],
    options: ACCOUNT,
    run: (api, [name], values) => api.request('GET', path(name) + of(values)),
    format: formatOne,
  },
  verify: {
    operands: ['NAME'],
    options: ACCOUNT,
    run: (api, [name], values) => api.request('POST', path(name, '/verify') + of(values)),
    format: formatOne,
    isGood: (answer) => isVerified(answer as DomainView),
  },
  rotate: {
    operands: ['NAME'],
    options: ACCOUNT,
    run: (api, [name], values) => api.request('POST', path(name, '/dkim/rotate') + of(values)),
    format: formatOne,
  },
  'import-key': {
    operands: ['NAME'],
    options: {
      ...ACCOUNT,
      selector: { type: 'string' },
      key: { type: 'string' },
      'assume-published': { type: 'boolean' },
    },
    run: importKey,
    format: formatOne,
  },
  remove: {
    operands: ['NAME'],
    options: ACCOUNT,
    run: (api, [name], values) => api.request('DELETE', path(name) + of(values)),
    format: () => '',
  },
};

export const domainCommand = commandOfVerbs(
  { name: 'domain', summary: `the domains that may be sent as: ${Object.keys(VERBS).join(', ')}`, help: HELP },
  VERBS,
);

function importKey(api: ApiClient, [name]: readonly string[], values: OptionValues): ReturnType<Verb['run']> {
  const { selector, key } = values;
  if (selector === undefined) return usageFault('--selector is missing');
  if (typeof key !== 'string') return usageFault('--key is missing');
  let privateKey: string;
  try {
    privateKey = readFileSync(key, 'utf8');
  } catch {
    return usageFault(`the file ${key} cannot be read`);
  }
  const assumePublished = values['assume-published'] === true;
  const body = { selector, privateKey, ...(assumePublished && { assumePublished }) };
  return api.request('POST', path(name, '/dkim/import') + of(values), body);
}

/** What a path ends in where another account is meant. */
function of({ account }: OptionValues): string {
  return typeof account === 'string' ? `?account=${encodeURIComponent(account)}` : '';
}

function isVerified({ state, records = [] }: DomainView): boolean {
  return state === 'verified' && records.every(({ required, status }) => !required || status === 'ok');
}
