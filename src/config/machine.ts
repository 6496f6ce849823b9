/** What defaults depend on of the machine that the service runs on. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';

export interface Machine {
  /** The machine's full name; a bare host name where it has no other. */
  readonly fqdn: string;
  /** Processors that this process may use. */
  readonly cores: number;
  /** Whether this process may listen on ports 25 to 1023. */
  readonly mayBindLowPorts: boolean;
  /** The directory that relative paths start from. */
  readonly cwd: string;
}

/** The machine we are on. The name comes from its own files: DNS is not asked, because a start must not wait for it. */
export function thisMachine(): Machine {
  return {
    fqdn: fullName(hostname(), readSmallFile('/etc/hosts')),
    cores: availableParallelism(),
    mayBindLowPorts: mayBindLowPorts({
      uid: process.getuid?.() ?? -1,
      processStatus: readSmallFile('/proc/self/status'),
      unprivilegedPortStart: readSmallFile('/proc/sys/net/ipv4/ip_unprivileged_port_start'),
    }),
    cwd: process.cwd(),
  };
}

/** What `hostname -f` would say: the first name with a dot on the line of `/etc/hosts` that names this host. */
export function fullName(hostName: string, hostsFile: string | undefined): string {
  if (hostName.includes('.')) return hostName;
  for (const line of (hostsFile ?? '').split('\n')) {
    const names = line.replace(/#.*/, '').trim().split(/\s+/).slice(1);
    const full = names.includes(hostName) ? names.find((name) => name.includes('.')) : undefined;
    if (full !== undefined) return full;
  }
  return hostName;
}

export interface PortRights {
  /** User id of the process, -1 where there is no such thing. */
  readonly uid: number;
  /** `/proc/self/status` and `/proc/sys/net/ipv4/ip_unprivileged_port_start`, where they exist. */
  readonly processStatus: string | undefined;
  readonly unprivilegedPortStart: string | undefined;
}

/** Bit of CAP_NET_BIND_SERVICE: capabilities(7). */
const CAP_NET_BIND_SERVICE = 10n;
/** The lowest of all default ports. */
const LOWEST_PORT = 25;

export function mayBindLowPorts(rights: PortRights): boolean {
  const start = /^\d+/.exec(rights.unprivilegedPortStart ?? '')?.[0];
  if (start !== undefined && Number(start) <= LOWEST_PORT) return true;
  const capabilities = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(rights.processStatus ?? '')?.[1];
  // Root in a container may have lost the capability, so where the kernel says which there are, that decides.
  if (capabilities !== undefined) return ((BigInt(`0x${capabilities}`) >> CAP_NET_BIND_SERVICE) & 1n) === 1n;
  return rights.uid === 0;
}

function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
