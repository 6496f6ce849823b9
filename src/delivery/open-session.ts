/**
 * Opens a session with a destination: a smarthost, or the first of a domain's MXs that greets us. RFC 5321 section 5.1:
 * by preference, and on to the next where one cannot be reached or does not serve.
 *
 * Opportunistic TLS must still deliver where the peer's TLS is broken: such a host is tried again in plaintext.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import mxConnect from 'mx-connect';
import type { AttemptOutcome } from '../mail/outcome.js';
import type { DnsResolver } from '../network/dns-resolver.js';
import { LookupWatch } from './lookup-watch.js';
import { dnsFailed, noSuchDomain, notConnected, nullMx, privateMx } from './local-reply.js';
import { openSession, type SessionOpening, type SmtpClientSession } from './nodemailer-session.js';
import type { Destination } from './routing.js';

const CONNECT_TIMEOUT_MS = 30_000;
/** RFC 5321 section 5.1 asks for at least two addresses; more than this many dead ones only waste time. */
const HOSTS_TRIED_MAX = 6;

export interface OpenOptions {
  /** What we call ourselves in EHLO. */
  readonly hostname: string;
  readonly mxPort: number;
  readonly allowPrivateMx: boolean;
  readonly resolver: DnsResolver;
  /** Gives up what is not open yet. */
  readonly signal: AbortSignal;
}

export type Opening =
  | { readonly kind: 'open'; readonly session: SmtpClientSession }
  /** `mx`: the host that failed last, where one was reached. */
  | { readonly kind: 'failed'; readonly outcome: AttemptOutcome; readonly mx?: string };

/** An error of mx-connect. */
interface DialError extends Error {
  code?: string;
  response?: string;
  category?: string;
  temporary?: boolean;
}

export function openDestination(destination: Destination, options: OpenOptions): Promise<Opening> {
  return destination.kind === 'mx' ? openMx(destination, options) : openSmarthost(destination, options);
}

async function openMx(destination: Destination & { kind: 'mx' }, options: OpenOptions): Promise<Opening> {
  const { domain, tls } = destination;
  const failedHosts: string[] = [];
  const brokenTls = new Set<string>();
  let last: Extract<Opening, { kind: 'failed' }> | undefined;
  for (let tries = 0; tries < HOSTS_TRIED_MAX && !options.signal.aborted; tries++) {
    const watch = new LookupWatch(options.resolver);
    let mx: Awaited<ReturnType<typeof mxConnect>>;
    try {
      mx = await mxConnect({
        target: domain.startsWith('[') ? literalAddress(domain) : domain,
        port: options.mxPort,
        maxConnectTime: CONNECT_TIMEOUT_MS,
        ignoreMXHosts: failedHosts,
        dnsOptions: {
          resolveRecords: watch.records,
          blockLocalAddresses: !options.allowPrivateMx,
          blockReservedNetworks: !options.allowPrivateMx,
        },
      });
    } catch (error) {
      // Where hosts have answered, their words explain more than the silence of the rest; but one that refuses us does not
      // speak for others that could not be reached.
      const allAnswered = [...watch.addresses].every((address) => failedHosts.includes(address));
      if (last && (allAnswered || last.outcome.kind !== 'bounced')) return last;
      return { kind: 'failed', outcome: dialOutcome(error as DialError, domain, watch.nothingExists) };
    }
    const label = `${mx.hostname}[${mx.host}]:${String(mx.port)}`;
    const plaintext = brokenTls.has(mx.host);
    const opening = await openSession(
      {
        socket: mx.socket,
        hostname: mx.hostname,
        label,
        secured: false,
        tls: plaintext ? 'none' : tls,
        verify: false,
      },
      options.hostname,
      options.signal,
    );
    if (opening.kind === 'open') return opening;
    // One host's "later" outweighs another's "no".
    if (last === undefined || last.outcome.kind === 'bounced') {
      last = { kind: 'failed', outcome: opening.outcome, mx: label };
    }
    if (mayGoPlain(opening, tls) && !plaintext) brokenTls.add(mx.host);
    else failedHosts.push(mx.host);
  }
  return last ?? { kind: 'failed', outcome: notConnected(`No MX of ${domain} could be reached`) };
}

async function openSmarthost(destination: Destination & { kind: 'smarthost' }, options: OpenOptions): Promise<Opening> {
  const { host, port, tls } = destination;
  const label = `${host}:${String(port)}`;
  for (const mode of [tls, 'none'] as const) {
    let socket: Socket;
    try {
      socket = await dial(destination);
    } catch (error) {
      return { kind: 'failed', outcome: notConnected(`${label}: ${(error as Error).message}`), mx: label };
    }
    const opening = await openSession(
      {
        socket,
        hostname: host,
        label,
        secured: destination.secure,
        tls: mode,
        // A password is handed only to a host that has proved its name.
        verify: destination.auth !== undefined && mode !== 'none',
        auth: destination.auth,
      },
      options.hostname,
      options.signal,
    );
    if (opening.kind === 'open') return opening;
    if (!mayGoPlain(opening, tls) || destination.secure || destination.auth) {
      return { kind: 'failed', outcome: opening.outcome, mx: label };
    }
  }
  return { kind: 'failed', outcome: notConnected(`${label} speaks neither TLS nor plaintext with us`), mx: label };
}

function mayGoPlain(opening: SessionOpening, tls: Destination['tls']): boolean {
  return opening.kind === 'failed' && opening.tls && tls === 'opportunistic';
}

function dial({ host, port, secure, auth }: Destination & { kind: 'smarthost' }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = secure
      ? connectTls({ host, port, servername: host, minVersion: 'TLSv1.2', rejectUnauthorized: auth !== undefined })
      : connectTcp({ host, port });
    const timer = setTimeout(() => {
      socket.destroy(new Error('the connection timed out'));
    }, CONNECT_TIMEOUT_MS);
    socket.once('error', (error: Error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function dialOutcome(error: DialError, domain: string, nothingExists: boolean): AttemptOutcome {
  const text = (error.response ?? error.message).replace(/^DNS Error: /, '');
  if (error.code === 'ENULLMX') return nullMx(domain);
  if (error.code === 'InvalidIpAddress' && error.temporary !== true) return privateMx(text);
  if (error.category !== 'dns') return notConnected(text);
  // Only a name that does not exist is a permanent fault of DNS; an empty or missing answer may be mended.
  return nothingExists ? noSuchDomain(domain) : dnsFailed(text);
}

/** RFC 5321 section 4.1.3. */
function literalAddress(domain: string): string {
  return domain.slice(1, -1).replace(/^ipv6:/i, '');
}
