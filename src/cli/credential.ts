/** `./posthorn credential`: the SMTP users and API keys of an account. */
import { newSecretOf } from '../accounts/credential.js';
import { hashSecret } from '../accounts/secrets.js';
import { readDuration } from '../config/durations.js';
import type { CredentialView } from '../http-api/credential-view.js';
import { shown, type ApiClient, type ApiResult } from './api-client.js';
import { readAssignments } from './assignments.js';
import {
  commandOfVerbs,
  table,
  usageFault,
  type LocalVerb,
  type OptionValues,
  type UsageFault,
  type Verb,
} from './verbs.js';

const HELP = `usage: ./posthorn credential create smtp|api [options] [--account NAME] [--json]
       ./posthorn credential list [--account NAME] [--json]
       ./posthorn credential remove ID [--account NAME] [--force]
       ./posthorn credential hash [--api] [--json]

  create   makes an SMTP user with a password, or an API key. The secret is printed now and never again
  list     the account's credentials, with when they were last used
  remove   takes it away: it is refused within a second, in sessions that are open too. --force: though it is the API key
           in use
  hash     makes a secret (--api: that of an API key) and prints it with its hash, for the file POSTHORN_PROVISION: keep
           the secret, put the hash there. It takes no word of yours, because a hash hides only what nobody can guess.
           Needs no relay

Options of create:
  --user USER        what an SMTP client logs in as; the account's name at its first domain where it is absent
  --name LABEL       what you call it
  --scope SCOPE      smtp: smtp, mailbox, mailbox:read (all of them where none is given)
                     api: send, read, suppressions, domains, webhooks, templates, admin (all but admin where none is
                     given). May be given several times
  --expires-in TIME  such as 90d, or --expires-at 2030-01-31T12:00:00Z
  --limit NAME=N     the most that may be sent with it: perSecond, perHour, perDay, perMonth. May be given several times

--account acts for another account than that of the API key in use, which needs the scope admin.
Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 done, 1 refused or no answer, 2 bad usage.
`;

/** As the API: ten years are the most. */
const ANY_TIME = { minMs: 1_000, maxMs: 315_360_000_000 };
const ACCOUNT = { account: { type: 'string' } } as const;

const VERBS: Readonly<Record<string, Verb | LocalVerb>> = {
  create: {
    operands: ['smtp|api'],
    options: {
      ...ACCOUNT,
      user: { type: 'string' },
      name: { type: 'string' },
      scope: { type: 'string', multiple: true },
      'expires-in': { type: 'string' },
      'expires-at': { type: 'string' },
      limit: { type: 'string', multiple: true },
    },
    run: create,
    format: formatCreated,
  },
  list: {
    operands: [],
    options: ACCOUNT,
    run: (api, _, { account }) => api.request('GET', `/v1/credentials${query({ account })}`),
    format: (answer) => table((answer as { data: CredentialView[] }).data.map(row)),
  },
  remove: {
    operands: ['ID'],
    options: { ...ACCOUNT, force: { type: 'boolean' } },
    run: (api, [id = ''], { account, force }) =>
      api.request('DELETE', `/v1/credentials/${encodeURIComponent(id)}${query({ account, force })}`),
    format: () => '',
  },
  hash: {
    operands: [],
    options: { api: { type: 'boolean' } },
    make: ({ api }) => {
      const secret = newSecretOf(api === true ? 'api' : 'smtp');
      return { secret, hash: `sha256:${hashSecret(secret)}` };
    },
    format: (answer) => {
      const { secret, hash } = answer as { secret: string; hash: string };
      return [
        `secret  ${secret}`,
        `hash    ${hash}`,
        '',
        'Give the secret to the client, it is shown once. Put the hash into the file POSTHORN_PROVISION.',
        '',
      ].join('\n');
    },
  },
};

export const credentialCommand = commandOfVerbs(
  { name: 'credential', summary: 'SMTP users and API keys: create, list, remove, hash', help: HELP },
  VERBS,
);

function create(
  api: ApiClient,
  [kind = '']: readonly string[],
  values: OptionValues,
): Promise<ApiResult<unknown>> | UsageFault {
  const { account, user, name, scope, 'expires-in': wait, 'expires-at': expiresAt } = values;
  const limits = readAssignments('limit', values.limit);
  if (limits.kind === 'usage') return limits;
  const lasting = wait === undefined ? undefined : readDuration(String(wait), ANY_TIME);
  if (lasting?.kind === 'fault') return usageFault(`--expires-in ${lasting.expected.join(', ')}`);
  return api.request('POST', '/v1/credentials', {
    kind,
    account,
    user,
    name,
    expiresAt,
    ...(scope !== undefined && { scopes: scope }),
    ...(lasting && { expiresIn: Math.ceil(lasting.value / 1000) }),
    ...(limits.value && { limits: limits.value }),
  });
}

function query(parameters: OptionValues): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) text.set(name, String(value));
  return text.size === 0 ? '' : `?${text.toString()}`;
}

function formatCreated(answer: unknown): string {
  const { id, kind, user, secret, account } = answer as CredentialView & { readonly secret: string };
  const facts = [
    ...(user === undefined ? [] : [['SMTP user', shown(user)]]),
    [kind === 'smtp' ? 'SMTP password' : 'API key', secret],
  ];
  return `${id}  of the account ${account}; the secret is shown once\n\n${table(facts.map(([name = '', value = '']) => [`  ${name}`, value]))}`;
}

function row({ id, kind, user, name, scopes, expiresAt, lastUsedAt, provisioned }: CredentialView): string[] {
  return [
    id,
    kind,
    shown(user ?? '-'),
    shown(name ?? '-'),
    scopes.join(','),
    `used ${lastUsedAt ?? 'never'}`,
    ...(expiresAt === undefined ? [] : [`expires ${expiresAt}`]),
    ...(provisioned ? ['provisioned'] : []),
  ];
}
