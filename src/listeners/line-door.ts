/**
 * A door of a protocol that speaks in lines (IMAP, POP3): takes connections in as the SMTP doors do (a place in the process,
 * the address behind a load balancer, the limits of the client's network, TLS), and hands each to its owner.
 */
import { createServer, type AddressInfo, type BlockList, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { isListed, plainAddress } from '../network/client-networks.js';
import type { ConnectionGate } from './connection-gate.js';
import type { ConnectionLease } from './connection-limits.js';
import { LineConnection } from './line-connection.js';
import { ConnectionLost } from './line-writer.js';
import { readProxyHeader } from './proxy-protocol.js';
import { SESSION_TIMES } from './session-deadlines.js';
import type { TlsCertificate } from './tls-certificate.js';
import { TLS_POLICY } from './tls-policy.js';

export interface LineDoorOptions {
  /** `implicit`: TLS from the first octet. `starttls`: when the client asks for it. */
  readonly kind: 'starttls' | 'implicit';
  readonly certificate: TlsCertificate;
  readonly gate: ConnectionGate;
  /** Peers that begin with a PROXY header, and are believed. */
  readonly proxies: BlockList;
}

export interface LineDoorOwner {
  /** A whole session. The connection is closed when it resolves; ConnectionLost is no fault of it. */
  serve(connection: LineConnection, startTls: () => Promise<void>): Promise<void>;
  /** What a client reads that is not let in, with its line ending. */
  refusal(fault: 'too_many_connections' | 'too_many_failed_logins', detail: string): string;
  tlsOpened(version: string): void;
  proxyFault(fault: string, address: string): void;
  failed(error: Error): void;
}

const KEEP_ALIVE_MS = 60_000;
/** What a session that is under way at SIGTERM may take for the command that it works on. */
const CLOSE_MS = 10_000;
/** What a client that is sent away has to read why. */
const LEAVING_MS = 1_000;
/** Refused clients that are told why at once; more are closed without a word. */
const LEAVING_MAX = 100;

export class LineDoor {
  private readonly server: Server;
  private readonly sessions = new Map<LineConnection, Promise<void>>();
  private context: SecureContext;
  private leaving = 0;
  private isClosing = false;

  constructor(
    private readonly options: LineDoorOptions,
    private readonly owner: LineDoorOwner,
  ) {
    this.context = contextOf(options.certificate);
    // A client that has sent its last still hears our replies.
    const sockets = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    this.server = createServer(sockets, (socket) => {
      socket.on('error', () => undefined);
      this.takeIn(socket).catch((error: unknown) => {
        socket.destroy();
        if (!(error instanceof ConnectionLost)) owner.failed(error as Error);
      });
    });
    this.server.on('error', (error) => owner.failed(error));
  }

  /** Resolves with the port that was bound. */
  async listen(port: number, address: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, address, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** New connections see the new certificate; open ones go on. */
  replaceCertificate(certificate: TlsCertificate): void {
    try {
      this.context = contextOf(certificate);
    } catch (error) {
      this.owner.failed(error as Error);
    }
  }

  /** Takes no more connections, says goodbye to the open ones, and resolves when all are over or have had their time. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.server.close();
    const late = setTimeout(() => {
      for (const connection of this.sessions.keys()) connection.destroy();
    }, CLOSE_MS);
    for (const connection of this.sessions.keys()) connection.interrupt('shutting_down');
    await Promise.all(this.sessions.values());
    clearTimeout(late);
  }

  private async takeIn(socket: Socket): Promise<void> {
    const { gate, kind } = this.options;
    await gate.arrivals.take();
    const address = await this.addressOf(socket);
    if (address === undefined || socket.destroyed) return void socket.destroy();
    const held: { connection?: LineConnection; lease?: ConnectionLease; isGone?: true } = {};
    const entry = {
      isIdle: () => held.connection?.isReading ?? true,
      evict: () => (held.connection ? held.connection.interrupt('evicted') : void socket.destroy()),
    };
    if (!gate.take(entry)) return this.sendAway(socket, 'too_many_connections', 'all clients together');
    socket.once('close', () => {
      held.isGone = true;
      gate.leave(entry);
      held.lease?.release();
    });
    const admission = await gate.admit(address, 'mailbox');
    if (admission.kind === 'refused') return this.sendAway(socket, admission.fault, admission.detail);
    held.lease = admission.lease;
    if (held.isGone) return admission.lease.release();
    if (admission.isWatched) await delay(SESSION_TIMES.greetingPauseMs);
    const upgrade = (plain: Socket): Promise<TLSSocket> => this.upgrade(plain, admission.isKnown);
    const stream = kind === 'implicit' ? await upgrade(socket) : socket;
    held.connection = new LineConnection(stream, address, () => {
      gate.loggedIn(entry);
      admission.lease.loggedIn();
      admission.lease.release();
    });
    await this.serve(held.connection, upgrade);
  }

  private async serve(connection: LineConnection, upgrade: (plain: Socket) => Promise<TLSSocket>): Promise<void> {
    if (this.isClosing) connection.interrupt('shutting_down');
    const session = this.owner
      .serve(connection, () => connection.startTls(upgrade))
      .catch((error: unknown) => {
        if (!(error instanceof ConnectionLost)) this.owner.failed(error as Error);
      })
      .then(() => connection.end());
    this.sessions.set(connection, session);
    await session;
    this.sessions.delete(connection);
  }

  /** Who the client is, behind a load balancer too; undefined where the balancer does not say it. */
  private async addressOf(socket: Socket): Promise<string | undefined> {
    const peer = plainAddress(socket.remoteAddress ?? '');
    if (!isListed(this.options.proxies, peer)) return peer;
    const header = await readProxyHeader(socket, SESSION_TIMES.proxyHeaderMs);
    if (header.kind === 'client') return header.address;
    if (header.kind === 'unknown') return peer;
    this.owner.proxyFault(header.fault, peer);
    return undefined;
  }

  /** Rejects with ConnectionLost where the client does not get through the handshake. */
  private async upgrade(plain: Socket, isKnown: boolean): Promise<TLSSocket> {
    await this.options.gate.handshakes.take(isKnown);
    if (plain.destroyed) throw new ConnectionLost();
    // Under TLS both sides end at once; a client that has gone is noticed.
    plain.allowHalfOpen = false;
    const socket = new TLSSocket(plain, { isServer: true, secureContext: this.context });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lost = (): void => reject(new ConnectionLost());
    const timer = setTimeout(lost, SESSION_TIMES.handshakeMs);
    socket.once('secure', resolve).once('close', lost).on('error', lost);
    try {
      await promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    socket.allowHalfOpen = true;
    this.owner.tlsOpened(socket.getProtocol() ?? 'unknown');
    return socket;
  }

  /** Resolves when the client has heard why, or should have. */
  private async sendAway(socket: Socket, fault: Parameters<LineDoorOwner['refusal']>[0], detail: string) {
    if (this.leaving >= LEAVING_MAX) return void socket.destroy();
    this.leaving += 1;
    const text = this.owner.refusal(fault, detail);
    try {
      const stream = this.options.kind === 'implicit' ? await this.upgrade(socket, false) : socket;
      // What it has sent is read and forgotten: a socket that is closed over it resets, and the reply is lost.
      stream.resume().end(text);
      await Promise.race([delay(LEAVING_MS), new Promise((resolve) => stream.once('close', resolve))]);
    } finally {
      this.leaving -= 1;
      socket.destroy();
    }
  }
}

function contextOf(certificate: TlsCertificate): SecureContext {
  return createSecureContext({ ...TLS_POLICY, ...certificate });
}
