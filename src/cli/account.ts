/** `./posthorn account`: whose mail the relay carries, and how much of it. */
import type { AccountEventView, AccountView } from '../http-api/account-view.js';
import { shown, type ApiClient, type ApiResult } from './api-client.js';
import { readAssignments } from './assignments.js';
import { commandOfVerbs, table, usageFault, type OptionValues, type UsageFault, type Verb } from './verbs.js';

const HELP = `usage: ./posthorn account create NAME [settings] [--json]
       ./posthorn account list [--json]
       ./posthorn account show NAME [--json]
       ./posthorn account update NAME settings [--json]
       ./posthorn account suspend NAME --reason TEXT [--json]
       ./posthorn account resume NAME [--json]
       ./posthorn account remove NAME [--force]
       ./posthorn account events NAME [--json]

  create   makes an account; give it a domain and a credential next
  list     all accounts
  show     one account with its limits
  update   changes the settings that are given, and leaves the others
  suspend  refuses what the account submits, for now (451), until it is resumed; --reason is what its clients read
  resume   takes its mail again
  remove   takes the account away with its credentials and domains; mail that is accepted already is still delivered.
           --force: though the API key in use belongs to it
  events   what happened to the account: suspensions, alerts, domains that changed

Settings:
  --limit NAME=N     the most that it may send: messages.perSecond, .perHour, .perDay, .perMonth; criticalMessages.perHour
                     and so on for the stream critical; recipientsPerMessage; messageBytes. N is a number, or none.
                     May be given several times
  --on-limit WHAT    refuse (the client is to come back) or hold (it waits in the queue)
  --watch NAME=VALUE when its mail looks abused: volumeFactor=10 (of its busiest hour), unknownRate=0.2 (of recipients),
                     action=alert or action=suspend. May be given several times
  --suppressed WHAT  recipients that are suppressed, over SMTP: report (accepted, and an event tells) or refuse (550 at RCPT)
  --suppress-after N messages refused for no reason that is known, within 30 days, until their recipient is suppressed;
                     0: never

Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 done, 1 refused or no answer, 2 bad usage.
`;

const SETTINGS = {
  limit: { type: 'string', multiple: true },
  'on-limit': { type: 'string' },
  watch: { type: 'string', multiple: true },
  suppressed: { type: 'string' },
  'suppress-after': { type: 'string' },
} as const;

const path = (name = ''): string => `/v1/accounts/${encodeURIComponent(name)}`;

const VERBS: Readonly<Record<string, Verb>> = {
  create: {
    operands: ['NAME'],
    options: SETTINGS,
    run: (api, [name], values) =>
      withSettings(values, (settings) => api.request('POST', '/v1/accounts', { name, ...settings })),
    format: formatAccount,
  },
  list: {
    operands: [],
    run: (api) => api.request('GET', '/v1/accounts'),
    format: (answer) => table((answer as { data: AccountView[] }).data.map((account) => headline(account))),
  },
  show: { operands: ['NAME'], run: (api, [name]) => api.request('GET', path(name)), format: formatAccount },
  update: {
    operands: ['NAME'],
    options: SETTINGS,
    run: (api, [name], values) =>
      withSettings(values, (settings) =>
        Object.keys(settings).length === 0
          ? usageFault('say what to change: --limit, --on-limit, --watch, --suppressed or --suppress-after')
          : api.request('PATCH', path(name), settings),
      ),
    format: formatAccount,
  },
  suspend: {
    operands: ['NAME'],
    options: { reason: { type: 'string' } },
    run: (api, [name], { reason }) =>
      reason === undefined
        ? usageFault('--reason is missing: what its clients are to read')
        : api.request('POST', `${path(name)}/suspend`, { reason }),
    format: formatAccount,
  },
  resume: {
    operands: ['NAME'],
    run: (api, [name]) => api.request('POST', `${path(name)}/resume`),
    format: formatAccount,
  },
  remove: {
    operands: ['NAME'],
    options: { force: { type: 'boolean' } },
    run: (api: ApiClient, [name], { force }) =>
      api.request('DELETE', `${path(name)}${force === true ? '?force=true' : ''}`),
    format: () => '',
  },
  events: {
    operands: ['NAME'],
    run: (api, [name]) => api.request('GET', `${path(name)}/events`),
    format: (answer) => table((answer as { data: AccountEventView[] }).data.map(formatEvent)),
  },
};

export const accountCommand = commandOfVerbs(
  {
    name: 'account',
    summary: 'whose mail it is: create, list, show, update, suspend, resume, remove, events',
    help: HELP,
  },
  VERBS,
);

type Asked = Promise<ApiResult<unknown>> | UsageFault;

function withSettings(values: OptionValues, ask: (settings: Record<string, unknown>) => Asked): Asked {
  const [limits, watch] = [readAssignments('limit', values.limit), readAssignments('watch', values.watch)];
  if (limits.kind === 'usage') return limits;
  if (watch.kind === 'usage') return watch;
  const { 'on-limit': onLimit, suppressed, 'suppress-after': after } = values;
  return ask({
    ...(limits.value && { limits: limits.value }),
    ...(onLimit !== undefined && { onLimit }),
    ...(watch.value && { watch: watch.value }),
    ...(suppressed !== undefined && { suppressedRecipients: suppressed }),
    // What is no number is for the API to refuse, in its words.
    ...(after !== undefined && { suppressAfter: /^\d+$/.test(String(after)) ? Number(after) : after }),
  });
}

function headline({ name, state, suspendedBecause, provisioned }: AccountView): string[] {
  const why = suspendedBecause === undefined ? '' : `: ${shown(suspendedBecause)}`;
  return [name, `${state}${why}`, ...(provisioned ? ['provisioned'] : [])];
}

function formatAccount(answer: unknown): string {
  const account = answer as AccountView;
  const facts = [
    ['created', account.createdAt],
    ...flattened('limits', account.limits),
    ['on limit', account.onLimit],
    ...flattened('watch', account.watch),
    ['suppressed', account.suppressedRecipients],
    ['suppress after', account.suppressAfter === 0 ? 'never' : String(account.suppressAfter)],
  ];
  return table([headline(account)]) + table(facts.map(([name = '', value = '']) => [`  ${name}`, value]));
}

function flattened(name: string, value: object): string[][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null
      ? flattened(`${name}.${key}`, inner)
      : [[`${name}.${key}`, String(inner)]],
  );
}

function formatEvent({ id: _, type, at, ...facts }: AccountEventView): string[] {
  return [at, type, shown(Object.values(facts).map(String).join(', '))];
}
