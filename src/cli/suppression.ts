/** `./posthorn suppression`: the addresses that an account's mail does not go to any more. */
import { readDuration } from '../config/durations.js';
import type { SuppressionPageView, SuppressionView } from '../http-api/suppression-view.js';
import { shown, type ApiClient, type ApiResult } from './api-client.js';
import { importEntries, readEntries, type ImportedSuppressions } from './suppression-file.js';
import { commandOfVerbs, table, usageFault, type OptionValues, type UsageFault, type Verb } from './verbs.js';

const HELP = `usage: ./posthorn suppression list [--reason REASON] [--address ADDRESS] [--state reactivated] [--limit N] [--cursor CURSOR] [--account NAME] [--json]
       ./posthorn suppression show ADDRESS [--account NAME] [--json]
       ./posthorn suppression add ADDRESS [--because TEXT] [options] [--account NAME] [--json]
       ./posthorn suppression add --file FILE [--because TEXT] [options] [--account NAME] [--json]
       ./posthorn suppression remove ADDRESS --because TEXT [--account NAME]

  list     the suppressed addresses, a page at a time; --state reactivated: those that somebody took off the list
  show     why one address is suppressed, since when and for how long, and what was taken away of it before
  add      holds mail to the address back; what is suppressed for the same reason already is only ever widened or lengthened
  remove   lets mail go there again, and forgets what counted against it; who, when and why is kept for a year

Options of add:
  --reason REASON    manual where it is absent; complaint, or a class such as unknown_recipient, for what another service
                     has found out
  --stream STREAM    only mail of this stream: critical, default or bulk. May be given several times
  --file FILE        addresses one a line, or lines of JSON as the API takes them; empty lines and such as begin with # are
                     skipped. They are added 1,000 at a time; to add them again does no harm
  --expires-in TIME  such as 30d, or --until 2030-01-31T12:00:00Z; as long as the reason lasts where neither is given

--account acts for another account than that of the API key in use, which needs the scope admin.
Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 done, 1 refused or no answer, 2 bad usage.
`;

/** As the API: ten years are the most. */
const ANY_TIME = { minMs: 1_000, maxMs: 315_360_000_000 };
const ACCOUNT = { account: { type: 'string' } } as const;

const path = (address = ''): string => `/v1/suppressions/${encodeURIComponent(address)}`;

const VERBS: Readonly<Record<string, Verb>> = {
  list: {
    operands: [],
    options: {
      ...ACCOUNT,
      reason: { type: 'string' },
      address: { type: 'string' },
      state: { type: 'string' },
      limit: { type: 'string' },
      cursor: { type: 'string' },
    },
    run: (api, _, { account, reason, address, state, limit, cursor }) =>
      api.request('GET', `/v1/suppressions${query({ account, reason, address, state, limit, cursor })}`),
    format: (answer) => {
      const { data, cursor } = answer as SuppressionPageView;
      return table(data.map(row)) + (cursor === null ? '' : `\nThere are more: --cursor ${cursor}\n`);
    },
  },
  show: {
    operands: ['ADDRESS'],
    options: ACCOUNT,
    run: (api, [address], { account }) => api.request('GET', `${path(address)}${query({ account })}`),
    format: (answer) => (answer as { data: SuppressionView[] }).data.map(formatOne).join('\n'),
  },
  add: {
    operands: ['ADDRESS?'],
    options: {
      ...ACCOUNT,
      file: { type: 'string' },
      reason: { type: 'string' },
      because: { type: 'string' },
      stream: { type: 'string', multiple: true },
      'expires-in': { type: 'string' },
      until: { type: 'string' },
    },
    run: add,
    format: (answer) => {
      const added = answer as SuppressionView | ImportedSuppressions;
      return 'addresses' in added ? `added ${added.added} of ${added.addresses}\n` : formatOne(added);
    },
  },
  remove: {
    operands: ['ADDRESS'],
    options: { ...ACCOUNT, because: { type: 'string' } },
    run: (api, [address], { account, because }) =>
      because === undefined
        ? usageFault('--because is missing: why mail may go there again')
        : api.request('DELETE', `${path(address)}${query({ account, reason: because })}`),
    format: () => '',
  },
};

export const suppressionCommand = commandOfVerbs(
  { name: 'suppression', summary: 'addresses that mail does not go to: list, show, add, remove', help: HELP },
  VERBS,
);

function add(
  api: ApiClient,
  [address]: readonly string[],
  values: OptionValues,
): Promise<ApiResult<unknown>> | UsageFault {
  const { account, file, reason, because, stream, 'expires-in': wait, until } = values;
  if ((address === undefined) === (file === undefined)) return usageFault('say one of ADDRESS and --file FILE');
  const lasting = wait === undefined ? undefined : readDuration(String(wait), ANY_TIME);
  if (lasting?.kind === 'fault') return usageFault(`--expires-in ${lasting.expected.join(', ')}`);
  const shared = {
    reason,
    because,
    until,
    ...(stream !== undefined && { streams: stream }),
    ...(lasting && { expiresIn: Math.ceil(lasting.value / 1000) }),
  };
  const to = `/v1/suppressions${query({ account })}`;
  if (file === undefined) return api.request('POST', to, { address, ...shared });
  const read = readEntries(String(file), shared);
  return read.kind === 'usage' ? read : importEntries(api, to, read.entries);
}

function query(parameters: OptionValues): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) text.set(name, String(value));
  return text.size === 0 ? '' : `?${text.toString()}`;
}

function row({ address, reason, since, until, streams, because, reactivated }: SuppressionView): string[] {
  const [start, end] = [`since ${since}`, until === null ? 'for ever' : `until ${until}`];
  const why = reactivated ? `taken away ${reactivated.at}: ${reactivated.because}` : because;
  return [shown(address), reason, start, end, streams ? streams.join(',') : 'all mail', shown(why)];
}

function formatOne(suppression: SuppressionView): string {
  const { address, reason, since, until, streams, because, messageId, bypassedBy, addedBy, reactivated } = suppression;
  const facts = [
    ['because', because],
    ['since', since],
    ['until', until ?? 'for ever'],
    ['holds back', streams ? `mail of ${streams.join(', ')}` : 'all mail'],
    ['message', messageId],
    ['bypassed by', bypassedBy],
    ['added by', addedBy],
    ['taken away', reactivated && `${reactivated.at} by ${reactivated.by}: ${reactivated.because}`],
  ];
  const told = facts.flatMap(([name = '', value]) => (value === undefined ? [] : [[`  ${name}`, shown(value)]]));
  return `${shown(address)}  ${reason}\n${table(told)}`;
}
