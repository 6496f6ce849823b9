/**
 * Takes the connections of a door in: a place in the process, the address that a load balancer's PROXY header tells, the
 * limits of the client's network, TLS where the door begins with it; then the session. smtp-server's class, with the
 * way to a session in our hands.
 */
import type { EventEmitter } from 'node:events';
import { isIPv6, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { plainAddress } from '../network/client-networks.js';
import type { ConnectionLease } from './connection-limits.js';
import { DoorConnection } from './door-connection.js';
import type { DoorFacts, IncomingClient } from './door-facts.js';
import { readProxyHeader } from './proxy-protocol.js';

type ConnectOptions = Parameters<SMTPServer['connect']>[1] & { readonly client?: IncomingClient };

/** A refused client of the door that begins with TLS hears why only behind a handshake; so many a second are given one. */
const REFUSED_HANDSHAKES_PER_S = 10;

export class DoorServer extends SMTPServer {
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
    this.takeIn(socket).then(
      (options) => {
        if (options) return callback(null, options as Parameters<typeof callback>[1]);
        socket.destroy();
        callback(new Error('the connection was not taken in'));
      },
      (error: unknown) => {
        socket.destroy();
        callback(error as Error);
      },
    );
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
    const { gate, owner, proxies, kind, times } = this.door;
    const entry = { isIdle: () => true, evict: () => void this.topOf(socket).destroy() };
    await gate.arrivals.take();
    if (socket.destroyed) return undefined;
    if (!gate.take(entry)) {
      if (kind !== 'implicit') {
        const { code, text } = owner.faultReply('too_many_connections', 'all clients together');
        await new Promise<void>((resolve) => socket.end(`${code} ${text}\r\n`, resolve));
      }
      return undefined;
    }
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
    const peer = plainAddress(socket.remoteAddress ?? '');
    let [address, port] = [peer, socket.remotePort];
    if (proxies.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4')) {
      const header = await readProxyHeader(socket, times.proxyHeaderMs);
      if (header.kind === 'fault') {
        owner.proxyFault(header.fault, peer);
        return undefined;
      }
      if (header.kind === 'client') ({ address, port } = header);
    }
    const admission = await gate.admit(address, kind === 'trusted');
    if (admission.kind === 'admitted') held.lease = admission.lease;
    if (hasLeft) held.lease?.release();
    if (kind === 'trusted') gate.loggedIn(entry);
    if (admission.kind === 'refused' && kind === 'implicit' && !this.mayExplainRefusal()) return undefined;
    if (kind === 'implicit') await gate.handshakes.take(admission.kind === 'admitted' && admission.isKnown);
    if (socket.destroyed) return undefined;
    return { remoteAddress: address, remotePort: port, client: { entry, admission, left } };
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
