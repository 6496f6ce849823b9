/**
 * The dialogue of a scripted MX with one client: RFC 5321, with PIPELINING (RFC 2920), STARTTLS (RFC 3207), SIZE
 * (RFC 1870) and 8BITMIME (RFC 6152). Strict where a sloppy sender would otherwise pass: a parameter that was not
 * offered is 555, a command out of order 503, a line that ends in a bare LF 500.
 *
 * Not in it: CHUNKING, AUTH, implicit TLS.
 */
import type { SecureContext } from 'node:tls';
import type { MxConnection, Turn } from './mx-connection.js';
import type { MxAnswer, MxContext, MxScript, MxStage, SmtpReply } from './mx-script.js';
import { parsePathArgument, unsupportedParameter } from './path-argument.js';
import { auditOctets, unstuffDots, type ReceivedMessage } from './received-message.js';

/** What all connections to one MX share. */
export interface MxSite {
  readonly name: string;
  readonly script: MxScript;
  /** What EHLO offers; STARTTLS is added where it is due. */
  readonly capabilities: readonly string[];
  readonly secureContext: SecureContext | undefined;
  readonly messageOctetsMax: number;
  /** Which RCPT for this address it is, from 1. */
  countAttempt(address: string): number;
  countTransaction(): void;
  hasRoomFor(octets: number): boolean;
  take(message: ReceivedMessage): void;
}

interface Transaction {
  readonly from: string;
  readonly mailParameters: Readonly<Record<string, string>>;
  readonly recipients: string[];
  pipelined: boolean;
}

/** RFC 5321 section 4.5.3.1.8 asks for 100 at least. */
const RECIPIENTS_MAX = 1000;

export class MxDialogue {
  #refused = false;
  #helo: string | undefined;
  #offered: readonly string[] = [];
  #transaction: Transaction | undefined;
  #messages = 0;

  constructor(
    private readonly connection: MxConnection,
    private readonly site: MxSite,
    /** Which connection to this MX it is, from 1. */
    private readonly ordinal: number,
  ) {}

  /** Resolves when one side has ended it; the caller closes. Rejects only where a function of the script throws. */
  async run(): Promise<void> {
    const { silent, greeting = `220 ${this.site.name} ESMTP` } = this.site.script;
    const { reader } = this.connection;
    if (silent === true) return reader.ignoreTheRest();
    const answer = typeof greeting === 'function' ? greeting(this.#context()) : greeting;
    this.#refused = !answer.startsWith('2');
    let turn = await this.#perform('greeting', answer);
    while (turn === 'go on') {
      // RFC 2920 section 3.2: replies to a group go out together, but none waits for input that is not there.
      if (!reader.hasLine) this.connection.flush();
      const line = await reader.readLine();
      if (line.kind === 'end') return;
      if (line.kind === 'line too long') turn = await this.connection.perform('421 5.5.2 Line too long');
      else if (line.kind === 'line without CRLF') turn = this.connection.say('500 5.5.2 Lines end in CRLF');
      else turn = await this.#obey(line.text);
    }
  }

  async #obey(line: string): Promise<Turn> {
    const [, verb = '', argument = ''] = /^(\S+) ?(.*)$/s.exec(line) ?? [];
    const command = verb.toUpperCase();
    if (command === 'QUIT') {
      this.connection.say('221 2.0.0 Bye');
      return 'over';
    }
    // RFC 5321 section 3.1: after a greeting of 554.
    if (this.#refused) return this.connection.say('503 5.5.1 No service here');
    switch (command) {
      case 'EHLO':
      case 'HELO':
        return this.#hello(command, argument);
      case 'STARTTLS':
        return this.#startTls();
      case 'MAIL':
        return this.#mail(argument);
      case 'RCPT':
        return this.#rcpt(argument);
      case 'DATA':
        return this.#data();
      case 'RSET':
        return this.#rset();
      case 'NOOP':
        return this.connection.say('250 2.0.0 Ok');
      case 'VRFY':
        return this.connection.say('252 2.5.0 Send some mail and see');
      default:
        return this.connection.say('500 5.5.2 Command not known');
    }
  }

  async #hello(command: 'EHLO' | 'HELO', name: string): Promise<Turn> {
    if (name === '') return this.connection.say('501 5.5.4 Say your name');
    // RFC 5321 section 4.1.4: like RSET.
    this.#transaction = undefined;
    this.#offered = [];
    const { ehlo = this.#capabilities() } = this.site.script;
    const willing = command === 'HELO' ? (`250 ${this.site.name}` as const) : ehlo;
    const answer = typeof willing === 'function' ? willing(this.#context()) : willing;
    if (answer.startsWith('2')) {
      this.#helo = name;
      const lines = answer.split('\r\n').slice(1);
      this.#offered = lines.map((line) => line.slice('250-'.length));
    }
    return this.#perform('ehlo', answer);
  }

  #capabilities(): SmtpReply {
    const { starttls, without = [] } = this.site.script;
    const tls = this.site.secureContext !== undefined || (starttls !== undefined && starttls !== 'ok');
    const capabilities = [
      ...this.site.capabilities.filter((capability) => !without.includes(capability.split(' ', 1)[0] ?? '')),
      ...(tls && this.connection.tls === undefined ? ['STARTTLS'] : []),
    ];
    const lines = [this.site.name, ...capabilities];
    const last = lines.pop() ?? '';
    return `250${lines.map((line) => `-${line}\r\n250`).join('')} ${last}` as SmtpReply;
  }

  async #startTls(): Promise<Turn> {
    if (!this.#offered.includes('STARTTLS')) return this.connection.say('502 5.5.1 STARTTLS was not offered');
    const { starttls = 'ok' } = this.site.script;
    if (starttls === 'refuse') return this.#perform('starttls', '454 4.7.0 TLS not available at the moment');
    if ((await this.#perform('starttls', '220 2.0.0 Ready to start TLS')) === 'over') return 'over';
    const { secureContext } = this.site;
    if (starttls === 'break the handshake' || secureContext === undefined) return this.connection.breakHandshake();
    // RFC 3207 section 4.2: nothing that was said before is known any more.
    this.#helo = undefined;
    this.#offered = [];
    this.#transaction = undefined;
    this.connection.startTls(secureContext);
    return 'go on';
  }

  async #mail(argument: string): Promise<Turn> {
    const pipelined = this.connection.reader.hasLine;
    if (this.#helo === undefined) return this.connection.say('503 5.5.1 Say EHLO first');
    if (this.#transaction !== undefined) return this.connection.say('503 5.5.1 A transaction is open');
    const { closeAfterMessages = Infinity, mail = '250 2.1.0 Ok' } = this.site.script;
    if (this.#messages >= closeAfterMessages) return this.#perform('mail', '421 4.3.2 Enough for one connection');
    const parsed = parsePathArgument('FROM', argument);
    if (parsed === undefined) return this.connection.say('501 5.5.4 Syntax: MAIL FROM:<address>');
    const { path: from, parameters: mailParameters } = parsed;
    const unsupported = unsupportedParameter(mailParameters, this.#offered);
    if (unsupported !== undefined) return this.connection.say(`555 5.5.4 Parameter ${unsupported} was not offered`);
    if (Number(mailParameters.SIZE ?? 0) > this.site.messageOctetsMax) {
      return this.connection.say('552 5.3.4 Message too big');
    }
    const answer = typeof mail === 'function' ? mail(from, this.#context()) : mail;
    if (answer.startsWith('2')) {
      this.site.countTransaction();
      this.#transaction = { from, mailParameters, recipients: [], pipelined };
    }
    return this.#perform('mail', answer);
  }

  async #rcpt(argument: string): Promise<Turn> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.connection.say('503 5.5.1 MAIL first');
    if (this.connection.reader.hasLine) transaction.pipelined = true;
    const address = parsePathArgument('TO', argument)?.path;
    if (address === undefined || address === '') return this.connection.say('501 5.5.4 Syntax: RCPT TO:<address>');
    if (transaction.recipients.length === RECIPIENTS_MAX) return this.connection.say('452 4.5.3 Too many recipients');
    const attempt = this.site.countAttempt(address);
    const { rcpt = '250 2.1.5 Ok' } = this.site.script;
    const answer = typeof rcpt === 'function' ? rcpt(address, { ...this.#context(), attempt }) : rcpt;
    if (answer.startsWith('2')) transaction.recipients.push(address);
    return this.#perform('rcpt', answer);
  }

  async #data(): Promise<Turn> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.connection.say('503 5.5.1 MAIL first');
    // RFC 2920 section 3.1: the client of a group learns here that nobody wants its message.
    if (transaction.recipients.length === 0) return this.connection.say('554 5.5.1 No valid recipients');
    const { data = '354 End data with <CR><LF>.<CR><LF>' } = this.site.script;
    const answer = typeof data === 'function' ? data(this.#context()) : data;
    const turn = await this.#perform('data', answer);
    if (turn === 'over' || !answer.startsWith('354')) return turn;
    this.connection.flush();
    const incoming = await this.connection.reader.readMessage(this.site.messageOctetsMax);
    if (incoming.kind === 'end') return 'over';
    const context = this.#context();
    this.#transaction = undefined;
    if (incoming.kind === 'message too big') return this.#perform('dot', '552 5.3.4 Message too big');
    return this.#dot(this.#received(transaction, unstuffDots(incoming.stuffed)), context);
  }

  async #dot(message: ReceivedMessage, context: MxContext): Promise<Turn> {
    if (!this.site.hasRoomFor(message.data.length)) return this.#perform('dot', '452 4.3.1 No room');
    const { dot = '250 2.0.0 Ok: taken' } = this.site.script;
    const answer = typeof dot === 'function' ? dot(message, context) : dot;
    // RFC 1047: a message whose reply the client never sees has arrived all the same.
    if (answer.startsWith('2') || answer === 'drop before reply' || answer === 'stall') {
      this.#messages++;
      this.site.take(message);
    }
    return this.#perform('dot', answer);
  }

  async #rset(): Promise<Turn> {
    const { rset = '250 2.0.0 Ok' } = this.site.script;
    const answer = typeof rset === 'function' ? rset(this.#context()) : rset;
    this.#transaction = undefined;
    return this.#perform('rset', answer);
  }

  #received(transaction: Transaction, data: Buffer): ReceivedMessage {
    const { pipelined, ...envelope } = transaction;
    const { tls, remoteAddress } = this.connection;
    const audit = { ...auditOctets(data), pipelined };
    const helo = this.#helo ?? '';
    return { ...envelope, data, audit, tls, helo, remoteAddress, connection: this.ordinal, at: Date.now() };
  }

  #perform(stage: MxStage, answer: MxAnswer): Promise<Turn> {
    return this.connection.perform(answer, this.site.script.delaysMs?.[stage]);
  }

  #context(): MxContext {
    return {
      connection: this.ordinal,
      messages: this.#messages,
      helo: this.#helo ?? '',
      from: this.#transaction?.from ?? '',
      tls: this.connection.tls !== undefined,
      remoteAddress: this.connection.remoteAddress,
    };
  }
}
