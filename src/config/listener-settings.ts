/** What is listened on, and who may connect: part of the schema of all settings. */
import { listenAddress } from './hosts.js';
import { networks } from './networks.js';
import { accountName, listenerPort, threeNumbers, wholeNumber } from './scalars.js';
import { aboutSettings } from './setting.js';
import type { Given } from './setting.js';

/** Added to the default ports where those below 1024 are not ours to bind. */
export const FALLBACK_PORT_BASE = 10_000;
/** With it the highest default port, 9090, is still a port. */
const PORT_BASE_MAX = 65_535 - 9090;
const atBase = (port: number) => ({
  default: (given: Given) => String(port + Number(given.text('POSTHORN_PORT_BASE'))),
  defaultWords: `${port} + port base`,
});

export const listenerSettings = {
  portBase: wholeNumber(0, PORT_BASE_MAX).register(aboutSettings, {
    name: 'POSTHORN_PORT_BASE',
    default: ({ machine }) => String(machine.mayBindLowPorts ? 0 : FALLBACK_PORT_BASE),
    defaultWords: `0; ${FALLBACK_PORT_BASE} when not allowed to bind ports below 1024`,
    meaning: `Added to every default port (not to ports that are set), 0 to ${PORT_BASE_MAX}, with which the highest is 65535. The way to run several at once.`,
  }),
  submissionPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_SUBMISSION_PORT',
    ...atBase(587),
    meaning: 'Submission with STARTTLS before AUTH. 0 turns it off, as for every listener.',
  }),
  submissionsPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_SUBMISSIONS_PORT',
    ...atBase(465),
    meaning: 'Submission with implicit TLS.',
  }),
  trustedPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_TRUSTED_PORT',
    ...atBase(2525),
    meaning:
      'The trusted relay: plain SMTP without AUTH, only from `POSTHORN_TRUSTED_NETWORKS`, off while that is empty.',
  }),
  bouncePort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_BOUNCE_PORT',
    ...atBase(25),
    meaning:
      'The intake of bounces and complaints: what the MX of `POSTHORN_BOUNCE_DOMAIN` points at. It takes signed return paths, and `postmaster@`, `abuse@` and `fbl@` of our domains.',
  }),
  imapsPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_IMAPS_PORT',
    ...atBase(993),
    meaning: 'The mailbox of bounce reports over IMAP with implicit TLS.',
  }),
  imapPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_IMAP_PORT',
    ...atBase(143),
    meaning: 'The mailbox over IMAP, with STARTTLS before a login.',
  }),
  pop3sPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_POP3S_PORT',
    ...atBase(995),
    meaning: 'The mailbox over POP3 with implicit TLS.',
  }),
  pop3Port: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_POP3_PORT',
    ...atBase(110),
    meaning: 'The mailbox over POP3, with STLS before a login.',
  }),
  httpPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_HTTP_PORT',
    ...atBase(8080),
    meaning: 'The HTTP API.',
  }),
  opsPort: listenerPort().register(aboutSettings, {
    name: 'POSTHORN_OPS_PORT',
    ...atBase(9090),
    meaning: '`/metrics`, `/livez` and `/readyz`.',
  }),
  listen: listenAddress().register(aboutSettings, {
    name: 'POSTHORN_LISTEN',
    default: (given) => (given.text('POSTHORN_REDIS_URL') === undefined ? '127.0.0.1' : '0.0.0.0'),
    defaultWords: '0.0.0.0; 127.0.0.1 with the embedded Redis',
    meaning: 'The IP address to listen on.',
  }),
  trustedNetworks: networks().register(aboutSettings, {
    name: 'POSTHORN_TRUSTED_NETWORKS',
    default: '',
    defaultWords: 'none',
    meaning:
      'Networks that may send through the trusted listener without a password, such as `10.0.0.0/8,fd00::/48`. None wider than /8 (IPv6 /32), which would be an open relay; at most 1000, because each connection is compared with all of them.',
  }),
  trustedAccount: accountName().register(aboutSettings, {
    name: 'POSTHORN_TRUSTED_ACCOUNT',
    default: 'default',
    meaning: 'The account that the trusted listener sends as; its sending domains bind it too.',
  }),
  proxyNetworks: networks().register(aboutSettings, {
    name: 'POSTHORN_PROXY_NETWORKS',
    default: '',
    defaultWords: 'none',
    meaning:
      'Load balancers that begin every SMTP, IMAP and POP3 connection with a PROXY protocol header (v1), which is believed from them and from nobody else. Networks as in `POSTHORN_TRUSTED_NETWORKS`.',
  }),
  connectionsPerNetwork: threeNumbers(1, 100_000).register(aboutSettings, {
    name: 'POSTHORN_CONNECTIONS_PER_NETWORK',
    default: '500,1500,3000',
    meaning:
      'SMTP connections that a client network may have open at once, and as many new ones a minute that have not logged in: of an IPv4 address, of its /24, of its /16 (IPv6: /64, /56, /48), 1 to 100000 each. Of loopback and private addresses only the first counts; the trusted listener has no such limit. For IMAP and POP3 the same numbers hold, counted apart, of connections that have not logged in.',
  }),
  mailboxSessionsPerAccount: wholeNumber(1, 100_000).register(aboutSettings, {
    name: 'POSTHORN_MAILBOX_SESSIONS_PER_ACCOUNT',
    default: '2500',
    meaning:
      'IMAP and POP3 sessions that one account may have open at once, 1 to 100000: a mail program holds several, most of them idle.',
  }),
};
