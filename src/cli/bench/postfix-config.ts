/**
 * The configuration that Postfix is fastest with for this work, found by measuring its processor time per message:
 * against its defaults `max_use` and the lean rewriting saved 15 %, more than 20 parallel deliveries cost 5 to 10 %, and
 * a connection cache for every destination made no difference to the one on demand.
 */
import { SENDER_DOMAIN } from './mail-system.js';

export interface PostfixSettings {
  readonly queue: string;
  readonly data: string;
  readonly log: string;
  readonly folder: string;
  readonly sinkPort: number;
  readonly proofPort: number;
  /** Of the milter that signs. */
  readonly milterSocket: string | undefined;
}

/** As many deliveries at once as there are sessions. */
const CONCURRENCY = 20;

export function postfixMainConfig(settings: PostfixSettings, { logToFile }: { logToFile: boolean }): string {
  const { queue, data, log, folder, sinkPort, proofPort, milterSocket } = settings;
  const parameters: Record<string, string | number> = {
    compatibility_level: '3.6',
    queue_directory: queue,
    data_directory: data,
    myhostname: SENDER_DOMAIN,
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    relayhost: `[127.0.0.1]:${sinkPort}`,
    transport_maps: `inline:{proof.example=smtp:[127.0.0.1]:${proofPort}}`,
    // No limit that is there for strangers.
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_recipient_restrictions: '',
    smtpd_client_event_limit_exceptions: 'static:all',
    smtpd_client_connection_count_limit: 0,
    smtpd_peername_lookup: 'no',
    smtpd_tls_security_level: 'none',
    smtp_tls_security_level: 'none',
    // The next hop is an address.
    smtp_dns_support_level: 'disabled',
    smtp_host_lookup: 'native',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    notify_classes: '',
    // Take mail as fast as it comes, and deliver as fast from the first message on.
    in_flow_delay: 0,
    default_process_limit: 200,
    initial_destination_concurrency: CONCURRENCY,
    default_destination_concurrency_limit: CONCURRENCY,
    qmgr_message_active_limit: 200_000,
    qmgr_message_recipient_limit: 200_000,
    smtp_connection_cache_destinations: 'static:all',
    smtp_connection_cache_on_demand: 'yes',
    // Processes live on instead of being replaced after 100 messages.
    max_use: 1_000_000,
    // Nothing in the message needs to be looked into or rewritten.
    smtputf8_enable: 'no',
    disable_mime_input_processing: 'yes',
    disable_mime_output_conversion: 'yes',
    enable_original_recipient: 'no',
    local_header_rewrite_clients: '',
    swap_bangpath: 'no',
  };
  if (milterSocket !== undefined) {
    parameters.smtpd_milters = `unix:${milterSocket}`;
    // Never unsigned: what cannot be signed is deferred, and the run fails.
    parameters.milter_default_action = 'tempfail';
  }
  if (logToFile) {
    parameters.maillog_file = log;
    parameters.maillog_file_prefixes = folder;
  }
  return Object.entries(parameters)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

/** The master.cf of Debian with chroot off everywhere, since the queue has none of the files that it wants. */
export function postfixServices(port: number): string {
  const rows = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'pickup unix n - n 60 1 pickup',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'verify unix - - n - 1 verify',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'relay unix - - n - - smtp',
    'showq unix n - n - - showq',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'discard unix - - n - - discard',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  return `${rows.join('\n')}\n`;
}
