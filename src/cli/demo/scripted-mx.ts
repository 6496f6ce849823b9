/**
 * A mail server of a small internet on loopback, whose every reply is scripted: the demonstration's MXs, and the
 * instrument of the delivery tests, which audits what arrives octet by octet. Written on bare sockets, so that it
 * shares no fault with the libraries it is there to test.
 *
 * Bounded: connections, one message, all messages together, and every wait.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { MxConnection } from './mx-connection.js';
import { MxDialogue, type MxSite } from './mx-dialogue.js';
import type { MxScript } from './mx-script.js';
import type { ReceivedMessage } from './received-message.js';

export interface MxOptions {
  readonly address?: string;
  /** 0: any free one. Several MXs share one: `findCommonPort`. */
  readonly port?: number;
  /** What it calls itself in its greeting. */
  readonly name?: string;
  /** PEM. Without it STARTTLS is not offered. */
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly script?: MxScript;
  /** What EHLO offers besides STARTTLS. */
  readonly capabilities?: readonly string[];
  /** Octets of one message; the figure that the default SIZE tells. */
  readonly messageOctetsMax?: number;
}

export interface ScriptedMx {
  readonly address: string;
  readonly port: number;
  /** In the order of their final dots. */
  readonly received: readonly ReceivedMessage[];
  /** TCP connections so far. */
  readonly connections: number;
  /** MAIL commands so far that were answered with 2xx. */
  readonly transactions: number;
  /** Calls `listener` for each message from now on. */
  onMessage(listener: (message: ReceivedMessage) => void): void;
  /** The messages, as soon as there are `count` of them; rejects after `timeoutMs`. */
  waitFor(count: number, timeoutMs?: number): Promise<readonly ReceivedMessage[]>;
  /** Ends every connection. Rejects with what a function of the script threw. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 1000;
const MESSAGE_OCTETS_MAX = 64 * 1024 * 1024;
/** All messages of one MX: they are kept until it closes. */
const RECEIVED_OCTETS_MAX = 1024 * 1024 * 1024;
/** Addresses whose attempts are counted; the oldest are forgotten. */
const ADDRESSES_MAX = 100_000;
const WAIT_MS = 10_000;

/** Starts an MX; by default one that takes everything. */
export async function startMx(options: MxOptions = {}): Promise<ScriptedMx> {
  const { address = '127.0.0.1', port = 0 } = options;
  const books = new Books();
  const site = siteOf(options, books);
  const faults: unknown[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const connection = new MxConnection(socket);
    socket.once('close', () => sockets.delete(socket));
    new MxDialogue(connection, site, ++connections)
      .run()
      .catch((fault: unknown) => faults.push(fault))
      .finally(() => {
        connection.close();
      });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, address);
  await once(server, 'listening');
  // Such as EMFILE: said when the test closes its MX.
  server.on('error', (fault) => faults.push(fault));

  return {
    address,
    port: (server.address() as AddressInfo).port,
    received: books.received,
    get connections() {
      return connections;
    },
    get transactions() {
      return books.transactions;
    },
    onMessage: (listener) => {
      books.listeners.add(listener);
    },
    waitFor: (count, timeoutMs = WAIT_MS) => books.waitFor(count, timeoutMs),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      if (faults.length > 0) throw faults[0];
    },
  };
}

function siteOf(options: MxOptions, books: Books): MxSite {
  const { messageOctetsMax = MESSAGE_OCTETS_MAX, tls } = options;
  const size = `SIZE ${messageOctetsMax}`;
  return {
    name: options.name ?? 'mx.example.test',
    script: options.script ?? {},
    capabilities: options.capabilities ?? ['PIPELINING', size, '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'],
    secureContext: tls === undefined ? undefined : createSecureContext({ key: tls.key, cert: tls.cert }),
    messageOctetsMax,
    countAttempt: (recipient) => books.countAttempt(recipient.toLowerCase()),
    countTransaction: () => {
      books.transactions++;
    },
    hasRoomFor: (octets) => books.receivedOctets + octets <= RECEIVED_OCTETS_MAX,
    take: (message) => {
      books.take(message);
    },
  };
}

/** What an MX remembers across its connections. */
class Books {
  readonly received: ReceivedMessage[] = [];
  readonly listeners = new Set<(message: ReceivedMessage) => void>();
  transactions = 0;
  receivedOctets = 0;
  readonly #attempts = new Map<string, number>();

  countAttempt(recipient: string): number {
    const attempt = (this.#attempts.get(recipient) ?? 0) + 1;
    // Set anew, so that the first key is the one that was longest unheard of.
    this.#attempts.delete(recipient);
    this.#attempts.set(recipient, attempt);
    if (this.#attempts.size > ADDRESSES_MAX) this.#attempts.delete(this.#attempts.keys().next().value ?? '');
    return attempt;
  }

  take(message: ReceivedMessage): void {
    this.receivedOctets += message.data.length;
    this.received.push(message);
    for (const listener of this.listeners) listener(message);
  }

  async waitFor(count: number, timeoutMs: number): Promise<readonly ReceivedMessage[]> {
    if (this.received.length >= count) return this.received;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      reject(new Error(`${this.received.length} of ${count} messages after ${timeoutMs} ms`));
    }, timeoutMs);
    const listener = (): void => {
      if (this.received.length >= count) resolve(undefined);
    };
    this.listeners.add(listener);
    try {
      await promise;
      return this.received;
    } finally {
      clearTimeout(timer);
      this.listeners.delete(listener);
    }
  }
}
