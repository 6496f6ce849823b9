/**
 * Reads the header with which a load balancer says who the client is: PROXY protocol version 1, section 2.1 of
 * haproxy.org/download/3.0/doc/proxy-protocol.txt. Nothing behind the header is consumed.
 *
 * smtp-server's own reader takes lines of 1,024 octets that end in a bare LF, ports that are none, addresses of another
 * family than was said, and waits for as long as a session may be idle.
 */
import { isIPv4, isIPv6, type Socket } from 'node:net';
import { plainAddress } from '../network/client-networks.js';

export type ProxyHeader =
  | { readonly kind: 'client'; readonly address: string; readonly port: number }
  /** The balancer speaks for itself (health checks): the connection's own address stands. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'fault'; readonly fault: string };

/** Section 2.1: the longest header, its CRLF included. */
const HEADER_OCTETS_MAX = 107;
const CAPITAL_P = 80;
/** Section 2.2: how version 2 begins. */
const VERSION_2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Reads the header off `socket`, on which nobody else reads yet. Section 2: it may take 3 seconds and more. */
export function readProxyHeader(socket: Socket, withinMs: number): Promise<ProxyHeader> {
  const { promise, resolve } = Promise.withResolvers<ProxyHeader>();
  let held = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      held = Buffer.concat([held, chunk]);
      const header = headerIn(held);
      if (!header) continue;
      settle(header.header);
      if (header.end < held.length) socket.unshift(held.subarray(header.end));
      return;
    }
  };
  const onEnd = (): void => settle({ kind: 'fault', fault: 'closed before the PROXY protocol header' });
  const timer = setTimeout(() => settle({ kind: 'fault', fault: 'no PROXY protocol header in time' }), withinMs);
  // At once: what is put back makes the socket readable again.
  const settle = (header: ProxyHeader): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    for (const event of ['end', 'close', 'error']) socket.off(event, onEnd);
    resolve(header);
  };
  socket.on('readable', onReadable);
  for (const event of ['end', 'close', 'error']) socket.on(event, onEnd);
  return promise;
}

/** The header that these octets begin with, and where it ends; undefined where more must come. */
function headerIn(octets: Buffer): { readonly header: ProxyHeader; readonly end: number } | undefined {
  const fault = (text: string) => ({ header: { kind: 'fault', fault: text }, end: octets.length }) as const;
  if (octets.subarray(0, VERSION_2.length).equals(VERSION_2.subarray(0, octets.length))) {
    return octets.length < VERSION_2.length ? undefined : fault('a PROXY protocol header of version 2: send version 1');
  }
  const end = octets.subarray(0, HEADER_OCTETS_MAX).indexOf('\r\n');
  if (end >= 0) return { header: parseProxyHeader(octets.toString('latin1', 0, end)), end: end + 2 };
  return octets.length >= HEADER_OCTETS_MAX || octets[0] !== CAPITAL_P ? fault('no PROXY protocol header') : undefined;
}

/** Reads the line without its CRLF. */
export function parseProxyHeader(line: string): ProxyHeader {
  // What follows UNKNOWN is to be ignored.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return { kind: 'unknown' };
  const match = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line);
  const [, family, source = '', destination = '', ...ports] = match ?? [];
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  const [port = NaN, destinationPort = NaN] = ports.map(portOf);
  // `fe80::1%eth0` is an address to Node, and means nothing from another machine.
  if (line.includes('%') || !isAddress(source) || !isAddress(destination) || Number.isNaN(port + destinationPort)) {
    return { kind: 'fault', fault: 'a malformed PROXY protocol header' };
  }
  return { kind: 'client', address: plainAddress(source), port };
}

function portOf(text: string): number {
  const port = Number(text);
  return port <= 65_535 && String(port) === text ? port : NaN;
}
