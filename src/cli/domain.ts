/** `./posthorn domain`: the domains that an account may send as. */
import { readFile } from 'node:fs/promises';
import type { ParseArgsConfig } from 'node:util';
import { complain, openApi, type ApiClient, type ApiResult } from './api-client.js';
import { EXIT_DONE, EXIT_FAILED, readCommandLine, usageError } from './command-line.js';
import type { Command } from './command.js';
import { domainLine, domainText, type DomainView } from './domain-text.js';

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

/** What followed the verb. */
interface Given {
  readonly name: string;
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  /** The file that --key names. */
  readonly key: string;
}

interface Verb {
  readonly operands: readonly string[];
  /** Besides --json and --account. */
  readonly options?: NonNullable<ParseArgsConfig['options']>;
  /** Options of these that must be there. */
  readonly needs?: readonly string[];
  /** What the API is asked. @param path of the verb, with what `query` adds */
  run(api: ApiClient, given: Given, query: string): Promise<ApiResult<unknown>>;
  format(answer: unknown): string;
  /** Whether the answer is what was hoped for; it is where this is absent. */
  isGood?(answer: unknown): boolean;
}

const path = (name: string): string => `/v1/domains/${encodeURIComponent(name)}`;
const formatOne = (answer: unknown): string => domainText(answer as DomainView);

const VERBS: Readonly<Record<string, Verb>> = {
  add: {
    operands: ['NAME'],
    options: { 'assume-verified': { type: 'boolean' } },
    run: (api, { name, values }, query) => {
      const assumeVerified = values['assume-verified'] === true;
      return api.request('POST', `/v1/domains${query}`, { name, ...(assumeVerified && { assumeVerified }) });
    },
    format: formatOne,
  },
  list: {
    operands: [],
    run: (api, _, query) => api.request('GET', `/v1/domains${query}`),
    format: (answer) => (answer as { data: DomainView[] }).data.map(domainLine).join(''),
  },
  show: {
    operands: ['NAME'],
    run: (api, { name }, query) => api.request('GET', path(name) + query),
    format: formatOne,
  },
  verify: {
    operands: ['NAME'],
    run: (api, { name }, query) => api.request('POST', `${path(name)}/verify${query}`),
    format: formatOne,
    isGood: (answer) => isVerified(answer as DomainView),
  },
  rotate: {
    operands: ['NAME'],
    run: (api, { name }, query) => api.request('POST', `${path(name)}/dkim/rotate${query}`),
    format: formatOne,
  },
  'import-key': {
    operands: ['NAME'],
    options: { selector: { type: 'string' }, key: { type: 'string' }, 'assume-published': { type: 'boolean' } },
    needs: ['selector', 'key'],
    run: (api, { name, values, key }, query) => {
      const assumePublished = values['assume-published'] === true;
      const body = { selector: values.selector, privateKey: key, ...(assumePublished && { assumePublished }) };
      return api.request('POST', `${path(name)}/dkim/import${query}`, body);
    },
    format: formatOne,
  },
  remove: {
    operands: ['NAME'],
    run: (api, { name }, query) => api.request('DELETE', path(name) + query),
    format: () => '',
  },
};

const VERB_NAMES = 'add, list, show, verify, rotate, import-key or remove';

export const domainCommand: Command = {
  name: 'domain',
  summary: 'the domains that may be sent as: add, list, show, verify, rotate, import-key, remove',
  help: HELP,
  async run([verbName = '', ...argv]) {
    const asksForHelp = verbName === '--help' || verbName === '-h';
    const verb = Object.hasOwn(VERBS, verbName) ? VERBS[verbName] : undefined;
    if (!verb && !asksForHelp) return usageError(domainCommand, `say ${VERB_NAMES}`);
    const options = { json: { type: 'boolean' }, account: { type: 'string' }, ...verb?.options } as const;
    const line = readCommandLine(domainCommand, asksForHelp ? ['--help'] : argv, options, verb?.operands);
    if (line.kind === 'over' || !verb) return line.kind === 'over' ? line.exitCode : EXIT_DONE;
    const values: Given['values'] = line.values;
    const missing = verb.needs?.find((option) => values[option] === undefined);
    if (missing !== undefined) return usageError(domainCommand, `--${missing} is missing`);
    const key = await keyFile(values.key);
    if (key === undefined) return usageError(domainCommand, `the file ${String(values.key)} cannot be read`);
    const api = await openApi();
    if (api.kind === 'failed') return complain('domain', api);
    const query = typeof values.account === 'string' ? `?account=${encodeURIComponent(values.account)}` : '';
    const answer = await verb.run(api.body, { name: line.operands[0] ?? '', values, key }, query);
    if (answer.kind === 'failed') return complain('domain', answer);
    const asJson = values.json === true && answer.body !== undefined;
    process.stdout.write(asJson ? `${JSON.stringify(answer.body)}\n` : verb.format(answer.body));
    return verb.isGood?.(answer.body) === false ? EXIT_FAILED : EXIT_DONE;
  },
};

function isVerified({ state, records = [] }: DomainView): boolean {
  return state === 'verified' && records.every(({ required, status }) => !required || status === 'ok');
}

async function keyFile(file: unknown): Promise<string | undefined> {
  if (typeof file !== 'string') return '';
  return readFile(file, 'utf8').catch(() => undefined);
}
