/**
 * Takes the connections of a door in: a place in the process, the address that a load balancer's PROXY header tells, the
 * limits of the client's network, TLS where the door begins with it; then the session. smtp-server's class, with the
 * way to a session in our hands.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { isListed, plainAddress } from '../network/client-networks.js';
import type { ConnectionLease } from './connection-limits.js';
import { DoorConnection } from './door-connection.js';
import type { DoorFacts, IncomingClient } from './door-facts.js';
import { readProxyHeader } from './proxy-protocol.js';
import type { SmtpReply } from './smtp-session.js';

type ConnectOptions = Parameters<SMTPServer['connect']>[1] & { readonly client?: IncomingClient };

/** A refused client of the door that begins with TLS hears why only behind a handshake; so many a second are given one. */
const REFUSED_HANDSHAKES_PER_S = 10;
/** What a client that is sent away without a place has to read why and close. */
const LEAVING_MS = 250;
/** Of those, so many at once; more are closed without a word. */
const LEAVING_MAX = 100;

interface Client {
  readonly address: string;
  readonly port: number | undefined;
}

export class DoorServer extends SMTPServer {
  private leaving = 0;
  private refusedSecond = 0;
  private refusedHandshakes = 0;
  private readonly deadlines: NodeJS.Timeout;

  constructor(
    options: ConstructorParameters<typeof SMTPServer>[0],
    readonly door: DoorFacts,
  ) {
    super(options);
    this.deadlines = setInterval(() => {
      const now = performance.now();
      for (const connection of this.connections) (connection as DoorConnection).checkDeadlines(now);
    }, door.times.lookEveryMs);
    this.deadlines.unref();
  }

  override connect(socket: Socket | TLSSocket, options?: ConnectOptions | null): void {
    const client = options?.client;
    if (!client) throw new Error('a connection came in by another way');
    const connection = new DoorConnection(this, socket, options, client);
    this.connections.add(connection);
    (connection as EventEmitter).on('error', (error: Error) => {
      this._onError(error);
    });
    connection.init();
  }

  override close(callback?: () => void): void {
    super.close(() => {
      clearInterval(this.deadlines);
      callback?.();
    });
  }

  /** Every connection is guarded until its session begins: it can be waiting for its header, for Redis, or for TLS. */
  override _expectsProxyHeader(): boolean {
    return true;
  }

  /** The library's step before TLS and the session; what is not let in is destroyed here. */
  override _handleProxy(socket: Socket, callback: Parameters<SMTPServer['_handleProxy']>[1]): void {
    socket.on('error', () => undefined);
    this.takeIn(socket)
      .then((options) => {
        if (options) return callback(null, options as Parameters<typeof callback>[1]);
        socket.destroy();
        callback(new Error('the connection was not taken in'));
      })
      .catch((error: unknown) => {
        this.topOf(socket).destroy();
        this._onError(error as Error);
        callback(error as Error);
      });
  }

  override _upgrade(socket: Socket, callback: Parameters<SMTPServer['_upgrade']>[1]): void {
    const timer = setTimeout(() => {
      this.topOf(socket).destroy();
    }, this.door.times.handshakeMs);
    // Nobody would notice that a client has gone which may still read; under TLS it may again.
    socket.allowHalfOpen = false;
    super._upgrade(socket, (error, tlsSocket) => {
      clearTimeout(timer);
      callback(error, tlsSocket);
    });
  }

  private async takeIn(socket: Socket): Promise<ConnectOptions | undefined> {
    const { gate, owner, kind } = this.door;
    const entry = { isIdle: () => true, evict: () => void this.topOf(socket).destroy() };
    await gate.arrivals.take();
    const client = await this.clientOf(socket);
    if (!client || socket.destroyed) return undefined;
    const { address, port } = client;
    // Before it has a place: those of the trusted door make room for nobody, and all doors share them.
    const refused = owner.connect(address);
    if (refused) return this.sendAway(socket, refused);
    if (!gate.take(entry))
      return this.sendAway(socket, owner.faultReply('too_many_connections', 'all clients together'));
    owner.connectionsChanged(1);
    const held: { lease?: ConnectionLease } = {};
    let hasLeft = false;
    const left = (): void => {
      if (hasLeft) return;
      hasLeft = true;
      gate.leave(entry);
      owner.connectionsChanged(-1);
      held.lease?.release();
    };
    socket.once('close', left);
    const admission = await gate.admit(address, kind);
    if (admission.kind === 'admitted') held.lease = admission.lease;
    if (hasLeft) held.lease?.release();
    if (kind === 'trusted') gate.loggedIn(entry);
    if (admission.kind === 'refused' && kind === 'implicit' && !this.mayExplainRefusal()) return undefined;
    if (kind === 'implicit') await gate.handshakes.take(admission.kind === 'admitted' && admission.isKnown);
    if (socket.destroyed) return undefined;
    return { remoteAddress: address, remotePort: port, client: { entry, admission, left } };
  }

  /** Who the client is, behind a load balancer too; undefined where the balancer does not say it. */
  private async clientOf(socket: Socket): Promise<Client | undefined> {
    const { owner, proxies, times } = this.door;
    const peer = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort };
    // What the operator's own balancers have open and have not begun has no place yet; it begins at once, or ends.
    if (!isListed(proxies, peer.address)) return peer;
    const header = await readProxyHeader(socket, times.proxyHeaderMs);
    if (header.kind === 'client') return header;
    if (header.kind === 'unknown') return peer;
    owner.proxyFault(header.fault, peer.address);
    return undefined;
  }

  /** Resolves when the client has heard why, or should have. One that begins with TLS cannot hear it. */
  private async sendAway(socket: Socket, { code, text }: SmtpReply): Promise<undefined> {
    if (this.door.kind === 'implicit' || this.leaving >= LEAVING_MAX) return;
    this.leaving += 1;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LEAVING_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      // What it has sent is read and forgotten: a socket that is closed over it resets, and the reply is lost.
      socket.resume();
      socket.end(`${code} ${text}\r\n`);
    });
    this.leaving -= 1;
  }

  /** The TLS socket on top where there is one: a handshake does not bear that the other is destroyed under it. */
  private topOf(socket: Socket): Socket {
    return this._pendingSockets.get(socket) ?? socket;
  }

  private mayExplainRefusal(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.refusedSecond) [this.refusedSecond, this.refusedHandshakes] = [second, 0];
    this.refusedHandshakes += 1;
    return this.refusedHandshakes <= REFUSED_HANDSHAKES_PER_S;
  }
}
