/**
 * The networks that a client's address belongs to, at three widths: what one machine has, what one customer has, and
 * what one provider has. Abuse is counted by each, so that whoever changes the address within a network stays counted.
 */
import { BlockList, isIPv6, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** IPv4: an address, and what the smallest providers have. */
const IPV4_PREFIXES = [32, 24, 16] as const;
/** IPv6: RFC 6177 gives a site /48 to /64, of which it takes any address it likes. */
const IPV6_PREFIXES = [64, 56, 48] as const;
/** Ranges in which neighbours have nothing in common: all of a cluster's machines are in one /16. */
const LOCAL = new Set(['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat', 'unspecified']);

/** The narrowest, and where they mean anything the two wider ones. */
export type ClientNetworks = readonly [string, ...string[]];

/** An address without the prefix under which a socket for both families shows IPv4. RFC 4291 section 2.5.5.2. */
export function plainAddress(address: string): string {
  if (!isIPv6(address) || !ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : address;
}

/**
 * The networks of `address`, the narrowest first; of loopback and private addresses only the narrowest. What is no
 * address (a socket that has closed has none) is a network of its own.
 */
export function clientNetworks(address: string): ClientNetworks {
  if (!ipaddr.isValid(address)) return ['none'];
  const parsed = ipaddr.process(address);
  const prefixes = parsed.kind() === 'ipv4' ? IPV4_PREFIXES : IPV6_PREFIXES;
  const [narrowest, ...wider] = prefixes.map((prefix) => networkOf(parsed, prefix));
  return [narrowest ?? 'none', ...(LOCAL.has(parsed.range()) ? [] : wider)];
}

/** For asking whether an address is in one of `networks`, which are in CIDR notation. */
export function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const slash = network.lastIndexOf('/');
    const address = network.slice(0, slash);
    list.addSubnet(address, Number(network.slice(slash + 1)), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Whether `address` is in a network of the list. What is no address (see `clientNetworks`) is in none. */
export function isListed(list: BlockList, address: string): boolean {
  // A link-local address comes with its interface, which a list does not bear.
  const [bare = ''] = plainAddress(address).split('%', 1);
  const family = isIP(bare);
  return family !== 0 && list.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

function networkOf(address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number): string {
  const bits = `${address.toNormalizedString()}/${prefix}`;
  const network =
    address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(bits) : ipaddr.IPv6.networkAddressFromCIDR(bits);
  return `${network.toString()}/${prefix}`;
}
