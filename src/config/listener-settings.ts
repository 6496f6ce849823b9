/** The ports that are listened on: part of the schema of all settings. */
import { listenerPort, wholeNumber } from './scalars.js';
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
};
