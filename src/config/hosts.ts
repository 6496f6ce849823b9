/** Names and addresses of hosts, with and without a port. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { normalizeDomain } from '../mail/address.js';
import { fault, listOfText, ok, oneOfText, readEach } from './setting.js';
import type { Read } from './setting.js';

/** A resolver asks them in turn; more than these are never reached within a lookup's time. */
const DNS_SERVERS_MAX = 8;

export interface HostPort {
  /** A domain name as lower-case A-labels, or an IP address without brackets. */
  readonly host: string;
  readonly port?: number;
}

/** Reads a domain name into lower-case A-labels. It goes into SMTP commands, so nothing else may pass. */
export function readDomainName(text: string): string | undefined {
  const name = normalizeDomain(text);
  // RFC 3696 section 2: a top-level domain is not all digits; such a name is an address with a mistake in it.
  return name === undefined || name.startsWith('[') || /(?:^|\.)\d+$/.test(name) ? undefined : name;
}

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`. */
export function readHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^[\]:/@\s]+))(?::(\d{1,5}))?$/i.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain = '', portText] = match;
  const host = bracketed === undefined ? (isIPv4(plain) ? plain : readDomainName(plain)) : normalizeIp(bracketed, 6);
  const port = portText === undefined ? undefined : Number(portText);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return port === undefined ? { host } : { host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  if (port === undefined) return isIPv6(host) ? `[${host}]` : host;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

export function domainName(options: { readonly mayBeAny: boolean }) {
  return oneOfText(
    (text) => {
      const name = options.mayBeAny && text === '*' ? text : readDomainName(text);
      const others = options.mayBeAny ? ', or * for any' : '';
      return name === undefined ? fault(`must be a domain name such as mail.example.net${others}`) : ok(name);
    },
    (value) => value,
  );
}

/** An IP address to listen on. No names: `localhost` is one address here and another there. */
export function listenAddress() {
  return oneOfText(
    (text) => {
      const address = normalizeIp(text.replace(/^\[(.*)\]$/, '$1'));
      return address === undefined ? fault('must be an IP address such as 127.0.0.1, 0.0.0.0 or ::') : ok(address);
    },
    (value) => value,
  );
}

/** Reads one DNS server into the form that `Resolver.setServers` takes. */
export function readDnsServer(text: string): Read<string> {
  const bare = normalizeIp(text);
  if (bare !== undefined) return ok(bare);
  const server = readHostPort(text);
  if (server === undefined || isIP(server.host) === 0) {
    return fault('must be an IP address with or without a port, such as 192.0.2.53, 127.0.0.1:5353 or [::1]:5353');
  }
  return ok(server.port === undefined ? server.host : formatHostPort(server));
}

export function dnsServers() {
  return listOfText(
    (items) => readEach(items, 'server', DNS_SERVERS_MAX, readDnsServer),
    (values) => values.join(','),
  );
}

function normalizeIp(text: string, version?: 4 | 6): string | undefined {
  // The library reads 010.1 as an address too, so Node says first what is one; a zone belongs to one machine only.
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  if (version !== undefined && isIP(text) !== version) return undefined;
  return ipaddr.parse(text).toString();
}
