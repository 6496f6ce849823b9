/**
 * An SMTP door on smtp-server: the protocol is the library's, what is said is ours.
 *
 * BUGS of the library that are met here: it waits 100 ms before every banner (a trusted client is greeted at once), it
 * puts an enhanced status code of its own before ours, it knows jokes for commands, and it dies of a client's reset
 * without an `error` listener.
 */
import type { EventEmitter } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { ByteBudget } from '../mail/byte-budget.js';
import { receiveMessage } from './receive-message.js';
import type { SmtpDoorOwner, SmtpFault, SmtpReply, SmtpSession } from './smtp-session.js';
import type { TlsCertificate } from './tls-certificate.js';

export interface SmtpDoorOptions {
  readonly hostname: string;
  /** `starttls`: AUTH only after STARTTLS. `implicit`: TLS from the first byte. `trusted`: neither TLS nor AUTH. */
  readonly kind: 'starttls' | 'implicit' | 'trusted';
  readonly certificate?: TlsCertificate;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
  readonly budget: ByteBudget;
}

/** Connections a door holds at once; one more is answered 421. */
const CONNECTIONS_MAX = 5_000;
// RFC 5321 section 4.5.3.2.7: a server waits at least 5 minutes for the next command.
const IDLE_MS = 5 * 60_000;
/** What a session that is under way at SIGTERM may take to finish its message. */
const CLOSE_MS = 30_000;
const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3} /;
/** What the library says to whoever sends a command after `close`. */
const SHUTTING_DOWN = 'Server shutting down';
/** Of the commands that the library knows, those that are no SMTP, or are for proxies that we do not believe. */
const NOT_OURS = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'];

export class SmtpServerDoor {
  private readonly server: SMTPServer;

  constructor(
    options: SmtpDoorOptions,
    owner: SmtpDoorOwner,
    private readonly onError: (error: Error) => void,
  ) {
    const trusted = options.kind === 'trusted';
    const server = new DoorServer(
      {
        name: options.hostname,
        banner: 'Posthorn',
        heloResponse: '%s',
        secure: options.kind === 'implicit',
        minVersion: 'TLSv1.2',
        ...options.certificate,
        authMethods: ['PLAIN', 'LOGIN'],
        authOptional: true,
        disabledCommands: trusted ? [...NOT_OURS, 'AUTH', 'STARTTLS'] : NOT_OURS,
        hideENHANCEDSTATUSCODES: false,
        size: options.messageBytesMax,
        maxRecipients: options.recipientsMax,
        disableReverseLookup: true,
        maxClients: CONNECTIONS_MAX,
        socketTimeout: IDLE_MS,
        closeTimeout: CLOSE_MS,
        logger: false,
        onConnect: (session, done) => {
          owner.connectionsChanged(1);
          answer(owner.connect(sessionFacts(session)), done);
        },
        onSecure: (socket, _session, done) => {
          owner.tlsOpened((socket as TLSSocket).getProtocol() ?? 'unknown');
          done();
        },
        onClose: () => {
          owner.connectionsChanged(-1);
        },
        onAuth: (auth, session, done) => {
          owner.authenticate(auth.username ?? '', auth.password ?? '', sessionFacts(session)).then((result) => {
            if (result.kind === 'accepted') done(null, { user: result.user });
            else done(replyError(result.reply));
          }, done);
        },
        onMailFrom: (address, session, done) => {
          answer(owner.mailFrom(address.address, sessionFacts(session, address)), done);
        },
        onRcptTo: (address, session, done) => {
          answer(owner.rcptTo(address.address, sessionFacts(session)), done);
        },
        onData: (stream, session, done) => {
          receiveMessage(stream, options.budget)
            .then((body) => {
              if (typeof body === 'string') return owner.faultReply(body);
              const { mailFrom, rcptTo } = session.envelope;
              const envelope = {
                reversePath: mailFrom === false ? '' : mailFrom.address,
                recipients: rcptTo.map(({ address }) => address),
              };
              return owner.message(body.bytes, envelope, sessionFacts(session)).finally(body.release);
            })
            .then((reply) => {
              if (reply.code < 400) done(null, reply.text);
              else done(replyError(reply));
            }, done);
        },
      },
      { limits: `LIMITS RCPTMAX=${String(options.recipientsMax)}`, eager: trusted, owner },
    );
    server.on('error', onError);
    this.server = server;
  }

  /** Resolves with the port that was bound. */
  async listen(port: number, address: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.server.once('error', reject);
      this.server.listen(port, address, () => {
        this.server.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.server.address() as AddressInfo).port;
  }

  /** New connections see the new certificate; open ones go on. */
  replaceCertificate(certificate: TlsCertificate): void {
    try {
      this.server.updateSecureContext({ ...certificate });
    } catch (error) {
      this.onError(error as Error);
    }
  }

  /**
   * Takes no more connections, ends those that wait for no reply, and resolves when the others have had it, or after 30 s.
   * RFC 5321 section 3.8: 421 tells a client to come back.
   */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(resolve);
    });
    for (const connection of this.server.connections) {
      if (!connection._dataStream && !connection._handlerPending) connection.send(421, SHUTTING_DOWN);
    }
    await closed;
  }
}

class DoorServer extends SMTPServer {
  constructor(
    options: ConstructorParameters<typeof SMTPServer>[0],
    readonly door: { readonly limits: string; readonly eager: boolean; readonly owner: SmtpDoorOwner },
  ) {
    super(options);
  }

  override connect(socket: Socket | TLSSocket, socketOptions?: object | null): void {
    const connection = new DoorConnection(this, socket, socketOptions ?? {});
    this.connections.add(connection);
    (connection as EventEmitter).on('error', (error: Error) => {
      this._onError(error);
    });
    connection.init();
  }
}

class DoorConnection extends SMTPConnection {
  override init(): void {
    const server = this._server as DoorServer;
    if (!server.door.eager) {
      super.init();
      return;
    }
    this._setListeners(() => {
      if (server.connections.size > CONNECTIONS_MAX) {
        this.send(421, `4.3.2 ${this.name} has too many connections, try again in a moment`);
        return;
      }
      this.connectionReady();
    });
  }

  override send(code: number, data: string | string[], context?: string | false): void {
    const { owner, limits } = (this._server as DoorServer).door;
    // Only EHLO answers with a list.
    if (Array.isArray(data) && code === 250) {
      // RFC 4954 section 4: AUTH is not offered where it would be refused, which is before TLS.
      const offered = this.secure ? data : data.filter((line) => !line.startsWith('AUTH '));
      super.send(code, [...offered, limits], false);
      return;
    }
    const fault = typeof data === 'string' ? faultOf(code, data, context) : undefined;
    if (fault) {
      const reply = owner.faultReply(fault);
      super.send(reply.code, reply.text, false);
      return;
    }
    const ours = typeof data === 'string' && ENHANCED.test(data);
    super.send(code, data, ours ? false : context);
  }
}

/** What the library is about to refuse in words of its own. */
function faultOf(code: number, text: string, context?: string | false): SmtpFault | undefined {
  if (context === 'MESSAGE_TOO_BIG') return 'message_too_large';
  if (context === 'TOO_MANY_RECIPIENTS') return 'too_many_recipients';
  if (code === 538) return 'tls_required';
  if (code === 421 && text.endsWith('You talk too soon')) return 'early_talker';
  if (code === 421 && text === SHUTTING_DOWN) return 'shutting_down';
  return undefined;
}

/** @param mail what MAIL FROM says, where the session does not have it yet */
function sessionFacts(session: SMTPServerSession, mail = session.envelope.mailFrom): SmtpSession {
  const { SIZE: size, SMTPUTF8: utf8 } = (mail && (mail.args as Record<string, unknown> | false)) || {};
  return {
    id: session.id,
    clientAddress: session.remoteAddress,
    clientName: session.hostNameAppearsAs || '',
    secure: session.secure,
    protocol: session.transmissionType,
    user: session.user,
    smtpUtf8: utf8 === true,
    ...(typeof size === 'string' && { declaredBytes: Number(size) }),
    recipients: session.envelope.rcptTo.length,
  };
}

function answer(reply: Promise<SmtpReply | undefined>, done: (error?: Error | null) => void): void {
  reply.then((refusal) => {
    done(refusal ? replyError(refusal) : null);
  }, done);
}

function replyError(reply: SmtpReply): Error & { responseCode: number } {
  return Object.assign(new Error(reply.text), { responseCode: reply.code });
}
