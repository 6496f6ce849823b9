/**
 * Every setting, once: how it is read, its default and its meaning. The loader, the type `Settings`, what
 * `--print-config` prints and the table in the README all come from here; the order is that of the table.
 */
import { z } from 'zod';
import { duration, durations } from './durations.js';
import { dnsServers, domainName, readDomainName } from './hosts.js';
import { listenerSettings } from './listener-settings.js';
import { routes } from './routes.js';
import { choice, choices, flag, key, path, remotePort, secretText, wholeNumber } from './scalars.js';
import { aboutSettings } from './setting.js';
import type { AboutSetting } from './setting.js';
import { apiUrl, redisUrl } from './urls.js';

/** The jobs that a process can do. */
export const ROLES = ['submission', 'api', 'worker', 'bounces', 'mailbox'] as const;
export type Role = (typeof ROLES)[number];

/** Worker processes that one machine is given at most; more machines take more. */
const WORKERS_MAX = 256;
/** RFC 5321 section 4.5.3.1.7: a server takes at least 64 KiB. The doors hold 64 MiB of incoming mail together. */
const MESSAGE_BYTES = { min: 65_536, max: 67_108_864 };
/** Nobody waits longer for a mail. */
export const EXPIRE_AFTER_DAYS_MAX = 30;

const noteOnDurability = (text: string) =>
  /^replicated/i.test(text) ? ' (replicated:N comes with the cluster work)' : '';

export const settingsSchema = z.object({
  configFile: path().optional().register(aboutSettings, {
    name: 'POSTHORN_CONFIG',
    meaning:
      'A YAML file with the settings of this table, lower-case and without the prefix (`expire_after: 48h`); lists may be YAML lists. The environment wins over it. At most 1 MiB.',
    isPath: true,
    isEnvironmentOnly: true,
  }),
  roles: choices(ROLES, 'role').register(aboutSettings, {
    name: 'POSTHORN_ROLES',
    default: 'all',
    meaning:
      'What this process does: `all`, or some of `submission` (the SMTP doors), `api` (HTTP), `worker` (delivery), `bounces` (what comes back) and `mailbox` (IMAP and POP3), separated by commas.',
  }),
  redisUrl: redisUrl().optional().register(aboutSettings, {
    name: 'POSTHORN_REDIS_URL',
    defaultWords: 'an embedded Redis',
    meaning:
      'The Redis that keeps the mail: `redis://host:6379`, `rediss://` for TLS, `redis+sentinel://host:26379,host:26379/mymaster`, or `unix:///path` for a socket.',
    secret: 'in urls',
  }),
  redisUnchecked: flag().register(aboutSettings, {
    name: 'POSTHORN_REDIS_UNCHECKED',
    default: 'false',
    meaning:
      "The operator's word that Redis keeps what `POSTHORN_DURABILITY` promises, where its configuration cannot be read.",
  }),
  dataDir: path().register(aboutSettings, {
    name: 'POSTHORN_DATA_DIR',
    default: './data',
    meaning: "Directory of the embedded Redis's files, the generated certificate and the first credentials.",
    isPath: true,
  }),
  hostname: domainName({ mayBeAny: false }).register(aboutSettings, {
    name: 'POSTHORN_HOSTNAME',
    default: ({ machine }) => readDomainName(machine.fqdn) ?? 'localhost',
    defaultWords: "the machine's full name",
    meaning:
      'The name in the banner and in EHLO. Receiving servers expect that it resolves to the address we send from, and back.',
  }),
  firstDomain: domainName({ mayBeAny: true }).register(aboutSettings, {
    name: 'POSTHORN_FIRST_DOMAIN',
    default: (given) => given.text('POSTHORN_HOSTNAME') ?? '',
    defaultWords: 'the hostname',
    meaning: "The first account's sending domain, or `*` for any (an internal relay).",
  }),
  bounceDomain: domainName({ mayBeAny: false }).register(aboutSettings, {
    name: 'POSTHORN_BOUNCE_DOMAIN',
    default: (given) => `bounces.${given.text('POSTHORN_HOSTNAME') ?? 'localhost'}`,
    defaultWords: '`bounces.` and the hostname',
    meaning:
      'Domain of the return path: where bounces come back to, and where SPF stands. Sending domains point to it with a CNAME.',
  }),
  durability: choice(['memory', 'fsync'], noteOnDurability).register(aboutSettings, {
    name: 'POSTHORN_DURABILITY',
    default: 'fsync',
    meaning:
      'What a 250 or 202 means: `memory` (Redis has it), or `fsync` (it is on the disk: AOF with `appendfsync always`). The service refuses to start when Redis is configured for less.',
  }),
  tlsCert: path().optional().register(aboutSettings, {
    name: 'POSTHORN_TLS_CERT',
    defaultWords: 'self-signed, generated once',
    meaning: 'PEM file of the certificate chain. Set together with `POSTHORN_TLS_KEY`.',
    isPath: true,
  }),
  tlsKey: path().optional().register(aboutSettings, {
    name: 'POSTHORN_TLS_KEY',
    defaultWords: 'self-signed, generated once',
    meaning: "PEM file of the certificate's private key.",
    isPath: true,
  }),
  routes: routes().register(aboutSettings, {
    name: 'POSTHORN_ROUTES',
    default: '*=mx',
    meaning:
      "Where mail goes, the first match wins: `example.net=smtp://127.0.0.1:2526,*.corp=smtps://user:pass@relay:465,*=mx`. A pattern is a domain, `*.` and a domain for its subdomains, or `*`, which must be there and last. A target is `mx` (the domain's own servers), `smtp://` (port 25) or `smtps://` (port 465); `?tls=none`, `?tls=opportunistic` (the default) or `?tls=require` after it says whether to encrypt, and `?dkim=rsa` (`?tls=require&dkim=rsa`) leaves out the Ed25519 signature for servers that stumble over it. At most 1000 routes, because each message is compared with all of them.",
    secret: 'in urls',
  }),
  dnsServers: dnsServers().register(aboutSettings, {
    name: 'POSTHORN_DNS_SERVERS',
    default: '',
    defaultWords: "the system's",
    meaning:
      'DNS servers to ask, `ip` or `ip:port`, IPv6 with a port as `[ip]:port`. At most 8, because no lookup gets further down the list.',
  }),
  mxPort: remotePort().register(aboutSettings, {
    name: 'POSTHORN_MX_PORT',
    default: '25',
    meaning: 'The port that `mx` routes connect to, 1 to 65535. Other than 25 only for tests.',
  }),
  allowPrivateMx: flag().register(aboutSettings, {
    name: 'POSTHORN_ALLOW_PRIVATE_MX',
    default: 'false',
    meaning:
      'Let `mx` routes reach loopback and private addresses. Off, because whoever owns a recipient domain chooses where its MX points.',
  }),
  workers: wholeNumber(1, WORKERS_MAX).register(aboutSettings, {
    name: 'POSTHORN_WORKERS',
    default: ({ machine }) => String(Math.min(Math.max(machine.cores - 1, 1), WORKERS_MAX)),
    defaultWords: 'cores - 1, at least 1',
    meaning: `Worker processes that \`up\` starts, 1 to ${WORKERS_MAX}: more than a machine has cores bring nothing, and each takes memory and Redis connections.`,
  }),
  messageBytesMax: wholeNumber(MESSAGE_BYTES.min, MESSAGE_BYTES.max, 'a number of bytes').register(aboutSettings, {
    name: 'POSTHORN_MESSAGE_BYTES_MAX',
    default: '26214400',
    meaning: `The largest message taken, in bytes: SIZE, and the HTTP limit. From ${MESSAGE_BYTES.min} (RFC 5321 wants no less) to ${MESSAGE_BYTES.max} (all that a process holds of incoming mail).`,
  }),
  recipientsMax: wholeNumber(1, 10_000).register(aboutSettings, {
    name: 'POSTHORN_RECIPIENTS_MAX',
    default: '1000',
    meaning:
      'Recipients of one message, 1 to 10000: all of them are written in one step, in which Redis serves nobody else.',
  }),
  retryDelaysMs: durations('delay', 32, '100ms', '7d').register(aboutSettings, {
    name: 'POSTHORN_RETRY',
    default: '1m,5m,10m,20m,40m,1h,2h,4h',
    meaning:
      'How long a deferred recipient waits before each next try; then the last repeats. Up to 32 delays of `100ms` (a shorter one hammers) to `7d` (a longer one never comes).',
  }),
  expireAfterMs: duration('1s', `${EXPIRE_AFTER_DAYS_MAX}d`).register(aboutSettings, {
    name: 'POSTHORN_EXPIRE_AFTER',
    default: '48h',
    meaning: `When to give up on a recipient and bounce, \`1s\` to \`${EXPIRE_AFTER_DAYS_MAX}d\`: nobody waits longer for a mail.`,
  }),
  eventRetentionMs: duration('1s', '365d').register(aboutSettings, {
    name: 'POSTHORN_EVENT_RETENTION',
    default: '168h',
    meaning: "How long messages' histories are kept, `1s` to `365d`: they live in Redis's memory.",
  }),
  bodyRetentionMs: duration('0', '30d').register(aboutSettings, {
    name: 'POSTHORN_BODY_RETENTION',
    default: '0',
    meaning:
      "How long a body is kept after its last recipient is settled, `0` (not at all, but until a report that shows its header is made, ten minutes at most) to `30d`: bodies are the most of Redis's memory.",
  }),
  historyMax: wholeNumber(1, 100_000_000).register(aboutSettings, {
    name: 'POSTHORN_HISTORY_MAX',
    default: '1000000',
    meaning:
      "Messages whose history is kept, 1 to 100000000; the oldest are shed first. It bounds Redis's memory where the retention does not.",
  }),
  reportRetentionMs: duration('1h', '365d').register(aboutSettings, {
    name: 'POSTHORN_REPORT_RETENTION',
    default: '30d',
    meaning:
      'How long reports of bounces, delays and complaints are kept for the mailbox, `1h` to `365d`; of each account 10000 at most, and 256 MiB.',
  }),
  ...listenerSettings,
  secretKey: secretText(32).optional().register(aboutSettings, {
    name: 'POSTHORN_SECRET_KEY',
    defaultWords: 'none',
    meaning:
      'Encrypts the private DKIM keys in Redis (AES-256-GCM). 32 characters or more, such as `openssl rand -base64 32` gives; keep it, without it the keys are lost.',
    secret: 'whole',
  }),
  provision: path().optional().register(aboutSettings, {
    name: 'POSTHORN_PROVISION',
    defaultWords: 'none',
    meaning:
      'A YAML file of accounts, their domains and their credentials (as hashes): applied at the start and whenever it changes, and no first account is made.',
    isPath: true,
  }),
  bounceRules: path().optional().register(aboutSettings, {
    name: 'POSTHORN_BOUNCE_RULES',
    defaultWords: 'none',
    meaning:
      'A YAML file of rules that say what a refusal means, in the form of those in `src/bounces/classify/rules/`; they go before these ([bounce-rules.md](docs/bounce-rules.md) has an example). Read at the start.',
    isPath: true,
  }),
  logAddresses: choice(['full', 'domain', 'hash']).register(aboutSettings, {
    name: 'POSTHORN_LOG_ADDRESSES',
    default: 'full',
    meaning: 'How mail addresses stand in the log: `full`, `domain` (only what follows the @) or `hash`.',
  }),
  logLevel: choice(['debug', 'info', 'warn', 'error']).register(aboutSettings, {
    name: 'POSTHORN_LOG_LEVEL',
    default: 'info',
    meaning: 'The least that is logged: `debug`, `info`, `warn` or `error`.',
  }),
  apiUrl: apiUrl().optional().register(aboutSettings, {
    name: 'POSTHORN_API_URL',
    defaultWords: 'this machine, `POSTHORN_HTTP_PORT`',
    meaning: 'The relay that the command line talks to, such as `http://127.0.0.1:8080`.',
  }),
  apiKey: key().optional().register(aboutSettings, {
    name: 'POSTHORN_API_KEY',
    defaultWords: "the data directory's first credentials",
    meaning: 'The API key that the command line uses.',
    secret: 'whole',
  }),
});

export type SettingField = keyof typeof settingsSchema.shape;

export interface Setting extends AboutSetting {
  readonly field: SettingField;
}

/** All settings in their order. */
export const SETTINGS: readonly Setting[] = (Object.keys(settingsSchema.shape) as SettingField[]).map((field) => {
  const about = aboutSettings.get(settingsSchema.shape[field]);
  if (about === undefined) throw new Error(`the setting ${field} has no name`);
  return { field, ...about };
});
