/** IP networks in CIDR notation: RFC 4632, RFC 4291 section 2.3. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { fault, listOfText, ok, readEach } from './setting.js';
import type { Read } from './setting.js';

/** Every connection is compared with each of them. */
const NETWORKS_MAX = 1000;
/** A wider one is a mistake or an open relay. */
const IPV4_PREFIX_MIN = 8;
const IPV6_PREFIX_MIN = 32;
const EXAMPLES = 'a network such as 10.0.0.0/8, 192.0.2.7 or fd00::/48';
const TOO_WIDE = `must be no wider than /${IPV4_PREFIX_MIN} (IPv6: /${IPV6_PREFIX_MIN}): whoever is in it may send without a password`;

/**
 * Reads a network into its one form: `10.1.2.3/8` is `10.0.0.0/8`, a bare address a network of one, and an
 * IPv4-mapped network (RFC 4291 section 2.5.5.2) the IPv4 network that it means.
 */
export function readNetwork(text: string): Read<string> {
  const match = /^([0-9a-f:.]{1,45})(?:\/(\d{1,3}))?$/i.exec(text);
  const address = match?.[1] ?? '';
  const version = isIP(address);
  if (match === null || version === 0) return fault(`must be ${EXAMPLES}`);
  const bits = version === 4 ? 32 : 128;
  const prefix = Number(match[2] ?? bits);
  if (prefix > bits) return fault(`must be ${EXAMPLES}: the prefix is at most ${bits}`);
  return version === 4 ? ipv4Network(address, prefix) : ipv6Network(address, prefix);
}

export function networks() {
  return listOfText(
    (items) => {
      const read = readEach(items, 'network', NETWORKS_MAX, readNetwork);
      return read.kind === 'ok' ? ok([...new Set(read.value)]) : read;
    },
    (values) => values.join(','),
  );
}

function ipv4Network(address: string, prefix: number): Read<string> {
  if (prefix < IPV4_PREFIX_MIN) return fault(TOO_WIDE);
  return ok(`${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`).toString()}/${prefix}`);
}

function ipv6Network(address: string, prefix: number): Read<string> {
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) {
    // ::ffff:0:0/96 is all of IPv4, though as an IPv6 prefix it looks narrow.
    return prefix < 96 ? fault(TOO_WIDE) : ipv4Network(parsed.toIPv4Address().toString(), prefix - 96);
  }
  if (prefix < IPV6_PREFIX_MIN) return fault(TOO_WIDE);
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`);
  // So is a part of ::/32 that holds them.
  if (prefix < 96 && network.match(ipaddr.IPv6.parse('::ffff:0:0'), prefix)) return fault(TOO_WIDE);
  return ok(`${network.toString()}/${prefix}`);
}
