/** What a mail program may connect to, as far as it is switched on: for autoconfiguration, and for the records in DNS. */
import type { Settings } from './settings.js';

/** The ports of what people connect their mail programs to. */
export type MailPorts = Pick<
  Settings,
  'imapsPort' | 'imapPort' | 'pop3sPort' | 'pop3Port' | 'submissionsPort' | 'submissionPort'
>;

export interface MailService {
  readonly protocol: 'imap' | 'pop3' | 'smtp';
  /** TLS from the first byte, or a command that begins it. */
  readonly tls: 'implicit' | 'starttls';
  /** The service of its SRV record: RFC 6186 section 3.1 to 3.3, RFC 8314 section 5.1. */
  readonly srv: string;
  /** The lower, the better: RFC 6186 section 3.4. */
  readonly priority: number;
  readonly port: number;
}

/** IMAP before POP3, and TLS from the first byte before STARTTLS (RFC 8314 section 3). */
const SERVICES = [
  { protocol: 'imap', tls: 'implicit', srv: '_imaps', priority: 0, port: 'imapsPort' },
  { protocol: 'imap', tls: 'starttls', srv: '_imap', priority: 10, port: 'imapPort' },
  { protocol: 'pop3', tls: 'implicit', srv: '_pop3s', priority: 20, port: 'pop3sPort' },
  { protocol: 'pop3', tls: 'starttls', srv: '_pop3', priority: 30, port: 'pop3Port' },
  { protocol: 'smtp', tls: 'implicit', srv: '_submissions', priority: 0, port: 'submissionsPort' },
  { protocol: 'smtp', tls: 'starttls', srv: '_submission', priority: 10, port: 'submissionPort' },
] as const satisfies readonly (Omit<MailService, 'port'> & { readonly port: keyof MailPorts })[];

/** The best of each kind first; without those whose port is 0. */
export function mailServices(ports: MailPorts): readonly MailService[] {
  return SERVICES.map((service) => ({ ...service, port: ports[service.port] })).filter(({ port }) => port !== 0);
}
