/** One POP3 session: who has logged in, what it lists, and its commands one after the other. RFC 1939 section 3. */
import type { LineConnection, LineRead } from '../../listeners/line-connection.js';
import { SESSION_TIMES } from '../../listeners/session-deadlines.js';
import type { ContentRoom } from '../content-room.js';
import type { MailboxAccess, MailboxUser } from '../mailbox-access.js';
import type { MailboxSessionParts } from '../mailbox-session-parts.js';
import { commandNamed } from './command-table.js';
import { Maildrop } from './maildrop.js';
import type { CommandSession, Pop3Command } from './pop3-command.js';
import { bad, formatReply, ok, REFUSED, type Reply } from './reply.js';

/** RFC 1939 section 3: at least 10 minutes. */
const IDLE_MS = 10 * 60_000;
const STRANGER_IDLE_MS = 2 * 60_000;
/** RFC 2449 section 4: at least 255. Numbers are short. */
const LINE_OCTETS_MAX = 1024;
/** Of a password, or of a response of AUTH, which may stand behind it. */
const STRANGER_LINE_OCTETS_MAX = 8 * 1024;
/** Of a line that is too long, so much is read to find the next. */
const SKIPPED_OCTETS_MAX = 64 * 1024;
/** Lines that made no sense, one after the other: what comes is no POP3. */
const FAULTS_MAX = 20;
const COMMAND_LINE = /^([A-Za-z]{1,40})(?: ([^\0\r]*))?$/;

export class Pop3Session implements CommandSession {
  loginFailures = 0;
  userName: string | undefined;
  private login: { readonly user: MailboxUser; readonly maildrop: Maildrop } | undefined;
  private hasEnded = false;
  private readonly startedAt = performance.now();

  constructor(private readonly parts: MailboxSessionParts) {}

  get connection(): LineConnection {
    return this.parts.connection;
  }

  get access(): MailboxAccess {
    return this.parts.access;
  }

  get room(): ContentRoom {
    return this.parts.room;
  }

  get isSecure(): boolean {
    return this.connection.tlsVersion !== undefined;
  }

  get isLoggedIn(): boolean {
    return this.login !== undefined;
  }

  get user(): MailboxUser {
    return this.loggedIn.user;
  }

  get maildrop(): Maildrop {
    return this.loggedIn.maildrop;
  }

  /** Speaks until one of the two has had enough. Rejects with ConnectionLost. */
  async run(): Promise<void> {
    try {
      await this.say(formatReply(ok(`${this.parts.hostname} Posthorn is ready`)));
      for (let faults = 0; !this.hasEnded;) {
        const reply = await this.next();
        if (reply) await this.say(formatReply(reply));
        faults = reply?.isFault ? faults + 1 : 0;
        if (faults >= FAULTS_MAX || this.isOverdue) this.end();
      }
    } finally {
      this.login?.user.release();
    }
  }

  async say(text: string | Buffer): Promise<void> {
    await this.connection.write(text);
  }

  /** Where nothing comes any more, the session ends. */
  async readLine(octetsMax: number): Promise<LineRead> {
    const read = await this.connection.readLine(octetsMax, this.login ? IDLE_MS : STRANGER_IDLE_MS);
    switch (read.kind) {
      case 'line':
        break;
      case 'too_long':
        if ((await this.connection.skipLine(SKIPPED_OCTETS_MAX)) === undefined) this.end();
        break;
      // RFC 1939 section 3: without a word, which would be taken for the answer to the next command, and removing nothing.
      case 'timeout':
      case 'interrupted':
      case 'ended':
        this.end();
        break;
      default:
        read satisfies never;
    }
    return read;
  }

  end(): void {
    this.hasEnded = true;
  }

  async startTls(): Promise<void> {
    await this.parts.startTls();
  }

  logIn(user: MailboxUser): void {
    this.login = { user, maildrop: new Maildrop(user.mailbox.folder('INBOX').reports) };
    this.connection.loggedIn();
  }

  private get loggedIn(): NonNullable<typeof this.login> {
    if (!this.login) throw new Error('nobody is logged in');
    return this.login;
  }

  private get isOverdue(): boolean {
    return !this.login && performance.now() - this.startedAt > SESSION_TIMES.loginMs;
  }

  /** Reads a command and obeys it. */
  private async next(): Promise<Reply | undefined> {
    const read = await this.readLine(this.login ? LINE_OCTETS_MAX : STRANGER_LINE_OCTETS_MAX);
    if (read.kind === 'too_long') return bad('The line is too long');
    if (read.kind !== 'line') return undefined;
    if (!(await this.isStillGood())) {
      this.end();
      return REFUSED.loginIsOver;
    }
    const [, name = '', argument = ''] = COMMAND_LINE.exec(read.bytes.toString()) ?? [];
    const command = commandNamed(name.toUpperCase());
    if (!command) return bad('There is no such command');
    return this.misplaced(command, argument) ?? this.obey(command, argument);
  }

  private async isStillGood(): Promise<boolean> {
    if (!this.login) return true;
    const { user } = this.login;
    return !user.mailbox.gone && (await user.isStillGood());
  }

  private misplaced({ state, argument: wanted }: Pop3Command, argument: string): Reply | undefined {
    if (state === 'stranger' && this.login) return bad('You have logged in already');
    if (state === 'user' && !this.login) return bad('Log in first');
    if (wanted === 'none' && argument !== '') return bad('The command has no argument');
    return wanted === 'needed' && argument === '' ? bad('The command needs an argument') : undefined;
  }

  private async obey(command: Pop3Command, argument: string): Promise<Reply | undefined> {
    try {
      return await command.run(this, argument);
    } catch (error) {
      this.access.failed(error, 'pop3');
      return REFUSED.unavailable;
    }
  }
}
