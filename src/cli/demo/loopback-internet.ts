/**
 * The small internet of the demonstration: a DNS and a mail server for each host of the scenario, all on loopback.
 *
 * Each host has an address of its own where the machine has them: Linux has all of 127.0.0.0/8. Elsewhere (macOS) one
 * server at 127.0.0.1 stands for all hosts that are up; the roles go by recipient either way.
 */
import { createSelfSignedCertificate } from '../../listeners/self-signed-certificate.js';
import { findCommonPort } from './common-port.js';
import type { MxScript } from './mx-script.js';
import { DOMAINS, MESSAGES, type DemoRecipient, type MailServer } from './scenario.js';
import { startDns, type ScriptedDns } from './scripted-dns.js';
import { startMx, type ScriptedMx } from './scripted-mx.js';
import type { ReceivedMessage } from './received-message.js';

export interface LoopbackInternet {
  readonly dns: ScriptedDns;
  readonly mxPort: number;
  /** Of the servers that are up, without repetitions. */
  readonly mxAddresses: readonly string[];
  /** The newest message that a server took for this recipient. */
  receivedFor(recipient: string): ReceivedMessage | undefined;
  close(): Promise<void>;
}

const ONE_ADDRESS = '127.0.0.1';
/** Where a server is down and there is one address only: no scripted server listens on IPv6. */
const OTHER_ADDRESS = '::1';

const SERVERS = DOMAINS.flatMap(({ servers }) => servers);
const UP = SERVERS.filter(({ isDown }) => isDown !== true);
const HOSTS: readonly MailServer[] = [...UP, ...SERVERS.filter(({ isDown }) => isDown === true)];
const RECIPIENTS = new Map<string, DemoRecipient>(
  MESSAGES.flatMap(({ recipients }) => recipients).map((recipient) => [recipient.address, recipient]),
);

/** What every server says: it knows its own by their address. */
const script: MxScript = {
  rcpt: (address, { attempt }) => {
    const recipient = RECIPIENTS.get(address);
    if (!recipient) return '550 5.1.1 No such user here';
    return recipient.rcpt?.[attempt - 1] ?? recipient.rcpt?.at(-1) ?? '250 2.1.5 Ok';
  },
  dot: ({ recipients: [address = ''] }) => {
    const domain = DOMAINS.find(({ name }) => address.endsWith(`@${name}`));
    return RECIPIENTS.get(address)?.dot ?? domain?.thanks ?? '250 2.0.0 Ok';
  },
};

/** @param addressesMax 1: as on a machine that has only one loopback address */
export async function startLoopbackInternet(addressesMax = Infinity): Promise<LoopbackInternet> {
  const own = HOSTS.map((_host, index) => `127.0.0.${index + 2}`);
  const ownPort = addressesMax >= own.length ? await commonPort(own) : undefined;
  const mxPort = ownPort ?? (await findCommonPort([ONE_ADDRESS]));
  const addressOf = (host: MailServer): string => {
    if (ownPort !== undefined) return own[HOSTS.indexOf(host)] ?? ONE_ADDRESS;
    return host.isDown === true ? OTHER_ADDRESS : ONE_ADDRESS;
  };
  const mxAddresses = [...new Set(UP.map(addressOf))];
  const tls = await createSelfSignedCertificate(
    'mx.example',
    UP.map(({ name }) => name),
  );
  const dns = await startDns();
  const mxs: ScriptedMx[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([...mxs.map((mx) => mx.close()), dns.close()]);
  };
  try {
    for (const address of mxAddresses) {
      const name = UP.find((host) => addressOf(host) === address)?.name;
      mxs.push(await startMx({ address, port: mxPort, name, tls, script }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  publish(dns, addressOf);
  const receivedFor = (recipient: string): ReceivedMessage | undefined =>
    mxs.flatMap((mx) => mx.received).findLast(({ recipients }) => recipients.includes(recipient));
  return { dns, mxPort, mxAddresses, receivedFor, close };
}

/** Undefined where the machine has not got all of the addresses. */
async function commonPort(addresses: readonly string[]): Promise<number | undefined> {
  try {
    return await findCommonPort(addresses);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL') return undefined;
    throw error;
  }
}

function publish(dns: ScriptedDns, addressOf: (host: MailServer) => string): void {
  for (const { name, servers } of DOMAINS) {
    // RFC 7505 section 3: a single MX of preference 0 that names the root.
    const nullMx = { exchange: '.', priority: 0 };
    const records = servers.map((server, index) => ({ exchange: server.name, priority: (index + 1) * 10 }));
    dns.set(name, 'MX', records.length === 0 ? [nullMx] : records);
  }
  for (const host of HOSTS) {
    const address = addressOf(host);
    dns.set(host.name, address.includes(':') ? 'AAAA' : 'A', [address]);
  }
}
