/**
 * An SMTP door on smtp-server: the protocol is the library's, what is said is ours. The way in is `door-server.ts`, the
 * session `door-connection.ts`, the octets `door-stream.ts`.
 */
import { BlockList, type AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SMTPServer, SMTPServerSession } from 'smtp-server';
import type { ByteBudget } from '../mail/byte-budget.js';
import type { ConnectionGate } from './connection-gate.js';
import type { SmtpDoorKind } from './door-kind.js';
import { DoorServer } from './door-server.js';
import { receiveMessage } from './receive-message.js';
import { SESSION_TIMES, type SessionTimes } from './session-deadlines.js';
import type { SmtpDoorOwner, SmtpReply, SmtpSession } from './smtp-session.js';
import type { TlsCertificate } from './tls-certificate.js';
import { TLS_POLICY } from './tls-policy.js';

export interface SmtpDoorOptions {
  readonly hostname: string;
  readonly kind: SmtpDoorKind;
  readonly certificate?: TlsCertificate;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
  readonly budget: ByteBudget;
  readonly gate: ConnectionGate;
  /** Peers that begin with a PROXY header, and are believed. */
  readonly proxies?: BlockList;
  readonly times?: SessionTimes;
}

/** After this, and nothing heard of a client, the network is asked whether it is still there. */
const KEEP_ALIVE_MS = 60_000;
/** What a session that is under way at SIGTERM may take to finish its message. */
const CLOSE_MS = 30_000;
const SHUTTING_DOWN = 'Server shutting down';
/** Of the commands that the library knows, those that are no SMTP, or are for proxies that we do not believe. */
const NOT_OURS = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'];

const NOT_OFFERED: Record<SmtpDoorKind, readonly string[]> = {
  starttls: [],
  implicit: [],
  trusted: ['AUTH', 'STARTTLS'],
  intake: ['AUTH'],
};

export class SmtpServerDoor {
  private readonly server: DoorServer;

  constructor(
    options: SmtpDoorOptions,
    owner: SmtpDoorOwner,
    private readonly onError: (error: Error) => void,
  ) {
    const { kind, hostname, messageBytesMax, recipientsMax, gate, times = SESSION_TIMES } = options;
    const server = new DoorServer(
      {
        name: hostname,
        banner: 'Posthorn',
        heloResponse: '%s',
        secure: kind === 'implicit',
        ...TLS_POLICY,
        ...options.certificate,
        authMethods: ['PLAIN', 'LOGIN'],
        authOptional: true,
        disabledCommands: [...NOT_OURS, ...NOT_OFFERED[kind]],
        hideENHANCEDSTATUSCODES: false,
        size: messageBytesMax,
        maxRecipients: recipientsMax,
        disableReverseLookup: true,
        socketTimeout: times.idleMs,
        closeTimeout: CLOSE_MS,
        logger: false,
        ...SOCKETS,
        ...handlersOf(owner, options),
      },
      { kind, owner, gate, times, messageBytesMax, recipientsMax, proxies: options.proxies ?? new BlockList() },
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
   * Takes no more connections, ends those that wait for no reply, the others when they have had it, and resolves when all
   * are over, or after 30 s.
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

/** For `net.createServer`, which the library hands its options: a client that has sent its last still hears our replies. */
const SOCKETS = { allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };

type ServerOptions = NonNullable<ConstructorParameters<typeof SMTPServer>[0]>;
type Handlers = Pick<ServerOptions, 'onSecure' | 'onAuth' | 'onMailFrom' | 'onRcptTo' | 'onData'>;

function handlersOf(owner: SmtpDoorOwner, { budget }: SmtpDoorOptions): Handlers {
  return {
    onSecure: (socket, _session, done) => {
      socket.allowHalfOpen = SOCKETS.allowHalfOpen;
      owner.tlsOpened((socket as TLSSocket).getProtocol() ?? 'unknown');
      done();
    },
    onAuth: (auth, session, done) => {
      const { username = '', password, authzid = '' } = auth;
      // RFC 4616 section 2: to act as somebody else than who logs in. Here nobody may.
      if (authzid !== '' && authzid !== username) return done(replyError(owner.faultReply('other_identity', '')));
      owner.authenticate(username, password ?? '', sessionFacts(session)).then((result) => {
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
      receiveMessage(stream, budget)
        .then((body) => {
          if (typeof body === 'string') return owner.faultReply(body, '');
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
  };
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
