/**
 * Mozilla's autoconfiguration, by which Thunderbird, Evolution, KMail, K-9 and others set an account up from an address:
 * https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat, and draft-ietf-mailmaint-autoconfig.
 */
import { mailServices, type MailPorts, type MailService } from '../config/mail-services.js';

export interface ConfiguredRelay extends MailPorts {
  readonly hostname: string;
}

/** The draft's limits: 60 and 20 characters. */
const DISPLAY_NAME = 'Posthorn: sending, and bounce reports';
const SHORT_NAME = 'Posthorn';

/**
 * The configuration file for the addresses of `domain`, the same for every domain. Undefined where no mail can be fetched:
 * programs take no configuration without a server for it.
 *
 * @param domain as A-labels
 */
export function clientConfig(domain: string, relay: ConfiguredRelay): string | undefined {
  const services = mailServices(relay);
  if (services.every(({ protocol }) => protocol === 'smtp')) return undefined;
  const name = xmlText(domain);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<clientConfig version="1.1">',
    `  <emailProvider id="${name}">`,
    `    <domain>${name}</domain>`,
    `    <displayName>${xmlText(DISPLAY_NAME)}</displayName>`,
    `    <displayShortName>${xmlText(SHORT_NAME)}</displayShortName>`,
    ...services.flatMap((service) => serverLines(service, xmlText(relay.hostname))),
    '  </emailProvider>',
    '</clientConfig>',
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** The order within is the draft's; the first server of a kind is what programs choose. */
function serverLines({ protocol, tls, port }: MailService, host: string): readonly string[] {
  const element = protocol === 'smtp' ? 'outgoingServer' : 'incomingServer';
  const lines = [
    `<hostname>${host}</hostname>`,
    `<port>${port}</port>`,
    `<socketType>${tls === 'implicit' ? 'SSL' : 'STARTTLS'}</socketType>`,
    // Our users are addresses, and PLAIN under TLS is all we take.
    '<authentication>password-cleartext</authentication>',
    '<username>%EMAILADDRESS%</username>',
    // Without it Thunderbird deletes what it has fetched, for everybody.
    ...(protocol === 'pop3' ? ['<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer></pop3>'] : []),
  ];
  return [`    <${element} type="${protocol}">`, ...lines.map((line) => `      ${line}`), `    </${element}>`];
}

/** For text and for attributes in double quotes. */
function xmlText(text: string): string {
  const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => escaped[character] ?? '');
}
