/**
 * One SMTP session on smtp-server's connection: greets at once whoever has a good name, says faults in the owner's words,
 * and refuses what the library lets pass.
 *
 * BUGS of the library that are met here: it waits 100 ms before every banner, puts an enhanced status code of its own
 * before ours, refuses addresses that are some and rewrites others, ignores parameters it does not know, takes what is no
 * base64 for base64, offers AUTH before TLS, drops what was sent behind STARTTLS without a word, counts few of a client's
 * errors, and writes nothing to one that has closed its own side.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { isBadBase64, readAddressCommand, unknownParameter, type AddressVerb } from './command-rules.js';
import { DoorConduct, REFUSED_RECIPIENTS_MAX } from './door-conduct.js';
import type { DoorFacts, IncomingClient } from './door-facts.js';
import { DoorStream, type FaultyLine, type LineFault } from './door-stream.js';
import { overdue } from './session-deadlines.js';
import type { SmtpFault } from './smtp-session.js';

/** An oversized message is read to its end, so that the client hears why; a client that goes on for ever is not. */
const OVERSIZE_READ_FACTOR = 2;
const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3} /;
/** What the library says to whoever sends a command after `close`. */
const SHUTTING_DOWN = 'Server shutting down';
/** Faults after which a network is watched. */
const MISCONDUCT: ReadonlySet<SmtpFault> = new Set(['early_talker', 'too_many_errors', 'pipelined_before_tls']);

type ParsedAddress = Exclude<ReturnType<SMTPConnection['_parseAddressCommand']>, false>;

export class DoorConnection extends SMTPConnection {
  private readonly conduct = new DoorConduct(this.door.kind === 'intake' ? REFUSED_RECIPIENTS_MAX : undefined);
  private greetedAtMs = performance.now();
  private messageAtMs = this.greetedAtMs;
  private handshakeAtMs: number | undefined;
  private dataAtMs: number | undefined;

  constructor(
    server: SMTPServer & { readonly door: DoorFacts },
    socket: Socket | TLSSocket,
    options: ConstructorParameters<typeof SMTPConnection>[2],
    private readonly client: IncomingClient,
  ) {
    super(server, socket, options);
    client.entry.isIdle = () => this.isWaitingForClient;
    client.entry.evict = () => this.say('too_many_connections', 'all clients together');
  }

  override init(): void {
    this._setListeners(() => {
      this.greet().catch((error: unknown) => this.failed(error));
    });
  }

  /** Ends the session where its client has taken too long. */
  checkDeadlines(nowMs: number): void {
    if (this._closing || (!this.isWaitingForClient && !this._upgrading)) return;
    const late = overdue(
      {
        nowMs,
        lineSinceMs: this.stream?.inLineSinceMs,
        handshakeSinceMs: this._upgrading ? this.handshakeAtMs : undefined,
        dataSinceMs: this._dataStream ? this.dataAtMs : undefined,
        dataOctets: this.stream?.dataBytes ?? 0,
        // Where nobody can log in, nobody is waited for.
        strangerSinceMs: this.isStranger && this.door.kind !== 'intake' ? this.greetedAtMs : undefined,
        messageSinceMs: this.messageAtMs,
      },
      this.door.times,
    );
    if (late !== undefined) this.say('too_slow', late);
  }

  override send(code: number, data: string | string[], context?: string | false): void {
    // Only EHLO answers with a list.
    if (Array.isArray(data) && code === 250) {
      // RFC 4954 section 4: AUTH is not offered where it would be refused, which is before TLS.
      const offered = this.secure ? data : data.filter((line) => !line.startsWith('AUTH '));
      this.write(code, [...offered, `LIMITS RCPTMAX=${this.door.recipientsMax}`], false);
      return;
    }
    const fault = typeof data === 'string' ? faultOf(code, data, context) : undefined;
    if (fault) return this.say(fault, fault === 'too_slow' ? 'nothing has come' : '');
    if (context === 'DATA_OK') this.messageDone();
    if (code === 235) this.loggedIn();
    if (this.conduct.isOneErrorTooMany(code)) return this.say('too_many_errors');
    const ours = typeof data === 'string' && ENHANCED.test(data);
    this.write(code, data, ours ? false : context);
  }

  override _createParser(): SMTPStream {
    const stream = new DoorStream({
      command: (line, next) => this._onCommand(line, next),
      fault: (fault, next, line) => this.lineFault(fault, next, line),
      expectsAuth: () => this._nextHandler !== false,
    });
    // The client has sent its last; it has had its replies when the stream has read all. RFC 5321 section 4.1.1.10.
    stream.on('finish', () => {
      if (stream === this._parser) this.close();
    });
    return stream;
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    if (!this._ready || this._upgrading) return super._onCommand(command, callback);
    this.conduct.lineBegins();
    if (this._nextHandler) {
      if (isBadBase64(command.toString('latin1'))) {
        this._nextHandler = false;
        return this.refuseCommand(501, '5.5.2 This is no base64', callback);
      }
    } else if (this.conduct.isOnePaddingTooMany(command)) {
      return this.say('too_many_errors');
    }
    super._onCommand(command, callback);
  }

  override handler_STARTTLS(command: Buffer, callback: () => void): void {
    const { admission } = this.client;
    const isKnown = admission.kind === 'admitted' && admission.isKnown;
    const begin = (): void => {
      if (this._closing || this._closed || this._socket.destroyed) return callback();
      // CVE-2011-0411: what stands behind STARTTLS was sent by somebody in between, or by a client that guesses.
      if (!this.stream?.isPipelined) return super.handler_STARTTLS(command, callback);
      this.say('pipelined_before_tls');
      callback();
    };
    this.door.gate.handshakes
      .take(isKnown)
      .then(begin)
      .catch((error: unknown) => this.failed(error));
  }

  override upgrade(callback: () => void, secureCallback?: () => void): void {
    this.handshakeAtMs = performance.now();
    // As in `DoorServer._upgrade`.
    this._socket.allowHalfOpen = false;
    super.upgrade(callback, secureCallback);
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    const [, , initial] = command.toString('latin1').trim().split(/\s+/);
    // RFC 4954 section 4: `=` is an empty initial response.
    if (this.secure && initial !== undefined && initial !== '=' && isBadBase64(initial)) {
      return this.refuseCommand(501, '5.5.2 This is no base64', callback);
    }
    super.handler_AUTH(command, callback);
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    this.withReadablePath('MAIL', command, callback, () => super.handler_MAIL(command, callback));
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    this.withReadablePath('RCPT', command, callback, () => super.handler_RCPT(command, callback));
  }

  /** The address stays as it was given: the owner of the door judges it as it does those that come by other ways. */
  override _parseAddressCommand(name: string, command: Buffer | string): ParsedAddress | false {
    const parsed = readAddressCommand(name === 'mail from' ? 'MAIL' : 'RCPT', command.toString());
    return parsed ?? false;
  }

  override handler_DATA(command: Buffer, callback: () => void): void {
    super.handler_DATA(command, callback);
    if (!this._dataStream) return;
    this.dataAtMs = performance.now();
    const readMax = this.door.messageBytesMax * OVERSIZE_READ_FACTOR;
    this.stream?.cutOffAt(readMax, () => {
      this.say('message_too_large');
      this.close();
    });
  }

  override _onClose(): void {
    this.client.left();
    super._onClose();
  }

  private async greet(): Promise<void> {
    const { admission } = this.client;
    if (admission.kind === 'refused') return this.say(admission.fault, admission.detail);
    // What has come by now is read in these two turns, and heard as too early.
    await turn();
    await turn();
    if (admission.isWatched) await pause(this.door.times.greetingPauseMs);
    if (this._closing || this._closed) return;
    if (this.stream?.inLineSinceMs !== undefined) return this.say('early_talker');
    this.greetedAtMs = this.messageAtMs = performance.now();
    this.connectionReady();
  }

  private say(fault: SmtpFault, detail = ''): void {
    if (this._closing) return;
    // Who has logged in is a customer, with a program that errs.
    if (MISCONDUCT.has(fault) && this.isStranger) this.door.gate.misbehaved(this.remoteAddress);
    const reply = this.door.owner.faultReply(fault, detail);
    // Here it is AUTH that came before TLS, for which the library has 538.
    const code = fault === 'tls_required' ? 538 : reply.code;
    if (this.conduct.isOneErrorTooMany(code)) return this.say('too_many_errors');
    this.write(reply.code, reply.text, false);
  }

  private write(code: number, data: string | string[], context?: string | false): void {
    // It may still read: RFC 9293 section 3.6.
    if (this._socket.readyState === 'writeOnly') Object.defineProperty(this._socket, 'readyState', { value: 'open' });
    super.send(code, data, context);
    // What was under way when the door began to close may have been this.
    if (this._server._closeTimeout) setImmediate(() => this.endWhereIdle());
  }

  private endWhereIdle(): void {
    if (this._closing || this._closed || this._dataStream || this._handlerPending) return;
    this.say('shutting_down');
  }

  private refuseCommand(code: number, text: string, callback?: () => void): void {
    this.send(code, text);
    callback?.();
  }

  private lineFault(fault: LineFault, next: () => void, { isEndless = false, octetsMax }: FaultyLine): void {
    this.conduct.lineBegins();
    if (!this._upgrading) this.say(this._ready ? fault : 'early_talker', octetsMax === undefined ? '' : `${octetsMax}`);
    if (isEndless) this.say('too_slow', 'a command line has no end');
    this._whenWritable(() => setImmediate(next));
  }

  private withReadablePath(verb: AddressVerb, command: Buffer, callback: () => void, go: () => void): void {
    this.conduct.envelopeBegins(verb);
    const parsed = readAddressCommand(verb, command.toString());
    const unknown = parsed && unknownParameter(verb, parsed);
    if (parsed && unknown === undefined) return go();
    if (!parsed) this.say('unreadable_path', verb === 'MAIL' ? 'MAIL FROM:<address>' : 'RCPT TO:<address>');
    // RFC 5321 section 4.1.1.11.
    else this.say('unknown_parameter', unknown);
    callback();
  }

  /** What none of us foresaw: no client waits for it. */
  private failed(error: unknown): void {
    this._onError(error as Error);
    this.close();
  }

  private messageDone(): void {
    this.conduct.messageDone();
    this.messageAtMs = performance.now();
  }

  private loggedIn(): void {
    const { admission, entry } = this.client;
    this.door.gate.loggedIn(entry);
    if (admission.kind === 'admitted') admission.lease.loggedIn();
    this.messageAtMs = performance.now();
  }

  private get door(): DoorFacts {
    return (this._server as SMTPServer & { readonly door: DoorFacts }).door;
  }

  private get stream(): DoorStream | undefined {
    return this._parser ? (this._parser as DoorStream) : undefined;
  }

  private get isStranger(): boolean {
    return this.door.kind !== 'trusted' && !this.session.user;
  }

  /** Whether the next move is the client's: a command, or more of its message. */
  private get isWaitingForClient(): boolean {
    return !this._handlerPending && (!this._dataStream || this.stream?._dataMode === true);
  }
}

/** What the library is about to refuse in words of its own. */
function faultOf(code: number, text: string, context?: string | false): SmtpFault | undefined {
  if (context === 'MESSAGE_TOO_BIG') return 'message_too_large';
  if (context === 'TOO_MANY_RECIPIENTS') return 'too_many_recipients';
  if (code === 538) return 'tls_required';
  if (code !== 421) return undefined;
  if (text.endsWith('You talk too soon')) return 'early_talker';
  if (text === SHUTTING_DOWN) return 'shutting_down';
  if (text.startsWith('Timeout')) return 'too_slow';
  return text === 'Error: too many unrecognized commands' ? 'too_many_errors' : undefined;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
