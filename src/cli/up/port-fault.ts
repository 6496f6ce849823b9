/** Says why a listener could not have its port, and which setting gives it another. */
import type { Settings } from '../../config/settings.js';

const SETTING_OF_PORT = {
  submissionPort: 'POSTHORN_SUBMISSION_PORT',
  submissionsPort: 'POSTHORN_SUBMISSIONS_PORT',
  trustedPort: 'POSTHORN_TRUSTED_PORT',
  bouncePort: 'POSTHORN_BOUNCE_PORT',
  imapsPort: 'POSTHORN_IMAPS_PORT',
  imapPort: 'POSTHORN_IMAP_PORT',
  pop3sPort: 'POSTHORN_POP3S_PORT',
  pop3Port: 'POSTHORN_POP3_PORT',
  httpPort: 'POSTHORN_HTTP_PORT',
  opsPort: 'POSTHORN_OPS_PORT',
} as const satisfies Partial<Record<keyof Settings, string>>;

/** What Node says when it cannot listen. */
export interface ListenError extends NodeJS.ErrnoException {
  port?: number;
  address?: string;
}

/** A sentence for the operator; undefined where `error` is about no port. */
export function portFault({ code, port, address }: ListenError, settings: Settings): string | undefined {
  if (port === undefined) return undefined;
  const place = `port ${port} on ${address ?? settings.listen}`;
  const fields = Object.keys(SETTING_OF_PORT) as (keyof typeof SETTING_OF_PORT)[];
  const field = fields.find((candidate) => settings[candidate] === port);
  const another = `${field ? `choose another with ${SETTING_OF_PORT[field]}, or ` : ''}move all with POSTHORN_PORT_BASE`;
  switch (code) {
    case 'EADDRINUSE':
      return `${place} is taken: stop what listens there, ${another}`;
    case 'EACCES':
      return `${place} may not be bound by this user: ${another}`;
    case 'EADDRNOTAVAIL':
      return `${place} cannot be bound: POSTHORN_LISTEN is no address of this machine`;
    default:
      return `${place} cannot be bound (${code ?? 'for no known reason'}): ${another}`;
  }
}
