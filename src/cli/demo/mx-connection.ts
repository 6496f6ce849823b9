/**
 * The wire of one connection to a scripted MX: replies out, lines in, delays, drops, stalls and the change to TLS.
 * What is said stands in `mx-dialogue.ts`.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket, type SecureContext } from 'node:tls';
import type { MxAnswer, SmtpReply } from './mx-script.js';
import { WireReader } from './wire-reader.js';

/** Whether the dialogue goes on after a command. */
export type Turn = 'go on' | 'over';

/** RFC 5321 section 4.5.3.2.6: a client waits 10 minutes for the reply to its final dot; it must be first to give up. */
const IDLE_MS = 15 * 60_000;
/** A TLS record with a fatal alert, handshake_failure (RFC 8446 section 6). */
const HANDSHAKE_FAILURE = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28]);

export class MxConnection {
  readonly reader: WireReader;
  readonly remoteAddress: string;
  readonly #gone = new AbortController();
  #socket: Socket;
  #out = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.reader = new WireReader(socket);
    this.#watch(socket);
  }

  /** The protocol, such as `TLSv1.3`; undefined in the clear. */
  get tls(): string | undefined {
    return this.#socket instanceof TLSSocket ? (this.#socket.getProtocol() ?? undefined) : undefined;
  }

  /** Does what the script says, after `delayMs`. A reply waits for `flush`, so that those to a group go together. */
  async perform(answer: MxAnswer, delayMs = 0): Promise<Turn> {
    if (delayMs > 0) {
      this.flush();
      await sleep(delayMs, undefined, { signal: this.#gone.signal, ref: false }).catch(() => undefined);
    }
    if (answer === 'drop before reply') return 'over';
    if (answer === 'stall') {
      this.flush();
      await this.reader.ignoreTheRest();
      return 'over';
    }
    this.#out += `${answer}\r\n`;
    // RFC 5321 section 3.8: 421 is the last word on a connection.
    return answer.slice(answer.lastIndexOf('\n') + 1).startsWith('421') ? 'over' : 'go on';
  }

  say(reply: SmtpReply): Turn {
    this.#out += `${reply}\r\n`;
    return 'go on';
  }

  flush(): void {
    if (this.#out !== '' && this.#socket.writable) this.#socket.write(this.#out);
    this.#out = '';
  }

  /** Sends what was said, then closes. */
  close(): void {
    this.flush();
    this.#socket.destroySoon();
  }

  /** Becomes the server of a TLS handshake. Where that fails, the reader sees the end of the connection. */
  startTls(secureContext: SecureContext): void {
    this.flush();
    this.reader.release();
    this.#socket.setTimeout(0);
    const secure = new TLSSocket(this.#socket, { isServer: true, secureContext });
    this.#socket = secure;
    this.#watch(secure);
    this.reader.moveTo(secure);
  }

  /** Answers the client's first words of TLS with a fatal alert. */
  async breakHandshake(): Promise<Turn> {
    this.flush();
    if (await this.reader.waitForMore()) this.#socket.write(HANDSHAKE_FAILURE);
    return 'over';
  }

  #watch(socket: Socket): void {
    // A reset or a failed handshake closes the socket, and the reader sees the end.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#gone.abort();
    });
    socket.setTimeout(IDLE_MS, () => socket.destroy());
  }
}
