/** One IMAP session: what it is in, what it has been told, and its commands one after the other. RFC 3501 section 3. */
import type { Interruption, LineConnection } from '../../listeners/line-connection.js';
import { SESSION_TIMES } from '../../listeners/session-deadlines.js';
import type { ContentRoom } from '../content-room.js';
import type { AccountMailbox } from '../state/account-mailbox.js';
import { SYSTEM_FLAGS } from '../state/flag-names.js';
import type { MailboxAccess, MailboxUser } from '../mailbox-access.js';
import type { MailboxSessionParts } from '../mailbox-session-parts.js';
import { ArgumentReader, printable, SyntaxFault } from './argument-reader.js';
import { capabilities } from './capabilities.js';
import { CommandReader, LIMITS_OF_READERS, LIMITS_OF_STRANGERS, type CommandRead } from './command-reader.js';
import { commandNamed } from './command-table.js';
import type { CommandSession, ImapCommand } from './imap-command.js';
import { bad, formatCompletion, REFUSED, type Completion } from './completion.js';
import type { SelectedFolder, Telling } from './selected-folder.js';

/** RFC 3501 section 5.4: at least 30 minutes for who has logged in. */
const IDLE_MS = 30 * 60_000;
const STRANGER_IDLE_MS = 2 * 60_000;
/** Commands that made no sense, one after the other: what comes is no IMAP. */
const FAULTS_MAX = 20;

const NO_LONGER_GOOD = 'The login is no longer good';

const GOODBYES: Record<Interruption, string> = {
  shutting_down: 'The server is shutting down: connect again in a moment',
  evicted: 'Too many connections: log in sooner',
  revoked: NO_LONGER_GOOD,
};

export class ImapSession implements CommandSession {
  loginFailures = 0;
  private selected: SelectedFolder | undefined;
  private user: MailboxUser | undefined;
  private keywordsTold = '';
  private readonly reader: CommandReader;
  private readonly startedAt = performance.now();
  /** Why it ends, once it does. */
  private goodbye: string | undefined;

  constructor(private readonly parts: MailboxSessionParts) {
    this.reader = new CommandReader(parts.connection);
  }

  get connection(): LineConnection {
    return this.parts.connection;
  }

  get access(): MailboxAccess {
    return this.parts.access;
  }

  get room(): ContentRoom {
    return this.parts.room;
  }

  get isSelected(): boolean {
    return this.selected !== undefined;
  }

  get isSecure(): boolean {
    return this.connection.tlsVersion !== undefined;
  }

  get capabilities(): string {
    return capabilities({ secure: this.isSecure, loggedIn: this.user !== undefined });
  }

  /** For commands that only who has logged in may give. */
  get mailbox(): AccountMailbox {
    return this.loggedInUser.mailbox;
  }

  get mayWrite(): boolean {
    return this.loggedInUser.mayWrite;
  }

  /** For commands that need a selected folder. */
  get folder(): SelectedFolder {
    if (!this.selected) throw new Error('no folder is selected');
    return this.selected;
  }

  /** Speaks until one of the two has had enough. Rejects with ConnectionLost. */
  async run(): Promise<void> {
    try {
      await this.say(`* OK [CAPABILITY ${this.capabilities}] ${this.parts.hostname} Posthorn is ready\r\n`);
      await this.connection.flush();
      for (let faults = 0; this.goodbye === undefined;) {
        const isFault = await this.next();
        faults = isFault ? faults + 1 : 0;
        if (faults >= FAULTS_MAX) this.end('Too many commands that are none');
        if (!this.user && performance.now() - this.startedAt > SESSION_TIMES.loginMs) this.end('Nobody has logged in');
      }
      if (this.goodbye !== '') await this.say(`* BYE ${this.goodbye}\r\n`);
    } finally {
      this.user?.release();
    }
  }

  /** Says `text` at the latest when the command ends. */
  async say(text: string | Buffer): Promise<void> {
    await this.connection.write(text);
  }

  /** Ends the session after the command. */
  end(goodbye: string): void {
    this.goodbye ??= goodbye;
  }

  logIn(user: MailboxUser): void {
    this.user = user;
    this.connection.loggedIn();
  }

  async startTls(): Promise<void> {
    await this.parts.startTls();
  }

  /** Waits for what comes next: for IDLE and AUTHENTICATE, where it is no command. */
  async nextLine(idleMs: number): Promise<string | undefined> {
    const read = await this.connection.readLine(LIMITS_OF_STRANGERS.lineOctetsMax, idleMs);
    if (read.kind === 'line') return read.bytes.toString('latin1');
    this.endFor(read);
    return undefined;
  }

  /** Tells what has changed in the selected folder. */
  async tellChanges(telling: Pick<Telling, 'mayExpunge' | 'silent'>): Promise<void> {
    const { selected } = this;
    if (!selected) return;
    let snapshot = this.mailbox.folder(selected.name);
    if (snapshot.reports === selected.reports && !telling.silent) return;
    const isNews = (snapshot.reports.at(-1)?.uid ?? 0) > Math.max(snapshot.recentUid, selected.lastUid);
    const recentFrom = isNews ? await this.claimRecent(selected) : Infinity;
    snapshot = this.mailbox.folder(selected.name);
    await this.tellKeywords();
    for (const line of selected.tell(snapshot, { ...telling, recentFrom })) await this.say(line);
  }

  /** Above which uid reports are recent, for this session alone unless it may change nothing. */
  async claimRecent({ name, readOnly }: Pick<SelectedFolder, 'name' | 'readOnly'>): Promise<number> {
    if (readOnly || !this.mayWrite) return this.mailbox.folder(name).recentUid;
    try {
      return await this.mailbox.claimRecent(name);
    } catch (error) {
      // RFC 3501 section 2.3.2: recent is also what nobody can say of. A Redis that is full or away keeps nothing from being read.
      this.access.failed(error, 'imap');
      return this.mailbox.folder(name).recentUid;
    }
  }

  /** RFC 3501 section 7.2.6: before a keyword is met. */
  async tellKeywords(): Promise<void> {
    const flags = [...SYSTEM_FLAGS, ...this.mailbox.keywords].join(' ');
    if (flags === this.keywordsTold) return;
    this.keywordsTold = flags;
    const permanent = this.folder.readOnly ? '' : `${flags} \\*`;
    await this.say(`* FLAGS (${flags})\r\n* OK [PERMANENTFLAGS (${permanent})] These can be kept\r\n`);
  }

  select(folder: SelectedFolder | undefined): void {
    this.selected = folder;
    this.keywordsTold = '';
  }

  private get loggedInUser(): MailboxUser {
    if (!this.user) throw new Error('nobody is logged in');
    return this.user;
  }

  /** Whether the login is still good; ends the session where it is not. */
  private async checkLogin(): Promise<boolean> {
    if (!this.user) return true;
    if (this.user.mailbox.gone || !(await this.user.isStillGood())) this.end(NO_LONGER_GOOD);
    return this.goodbye === undefined;
  }

  /** Reads a command and answers it; whether it was none. */
  private async next(): Promise<boolean> {
    const read = await this.reader.read(
      this.user ? LIMITS_OF_READERS : LIMITS_OF_STRANGERS,
      this.user ? IDLE_MS : STRANGER_IDLE_MS,
    );
    if (read.kind === 'command') {
      if (!(await this.checkLogin())) return false;
      const { completion, isFault } = await this.obey(read);
      return this.complete(read.tag, completion, isFault);
    }
    if (read.kind === 'bad') return this.complete(read.tag, bad(read.text), true);
    if (read.kind === 'append') {
      return this.complete(read.tag, this.user ? REFUSED.noAppend : bad('Log in first'), false);
    }
    this.endFor(read);
    return false;
  }

  private async complete(tag: string, completion: Completion | undefined, isFault: boolean): Promise<boolean> {
    if (completion) await this.say(formatCompletion(tag, completion));
    return isFault;
  }

  private async obey({
    name,
    args,
    tag,
  }: CommandRead & { kind: 'command' }): Promise<{ completion: Completion | undefined; isFault: boolean }> {
    const command = commandNamed(name);
    if (!command)
      return { completion: bad(`There is no such command: ${printable(name.slice(0, 40))}`), isFault: true };
    const wrongState = this.stateFault(command);
    if (wrongState !== undefined) return { completion: bad(wrongState), isFault: true };
    const reader = new ArgumentReader(args);
    let completion: Completion | undefined;
    try {
      completion = await command.run(this, reader, tag);
    } catch (error) {
      if (error instanceof SyntaxFault) return { completion: bad(`${name}: ${error.message}`), isFault: true };
      this.access.failed(error, 'imap');
      completion = REFUSED.unavailable;
    }
    if (command.tells) await this.tellChanges({ mayExpunge: command.tells === 'all' });
    return { completion, isFault: false };
  }

  private stateFault({ state }: ImapCommand): string | undefined {
    if (state === 'stranger' && this.user) return 'You have logged in already';
    if ((state === 'user' || state === 'selected') && !this.user) return 'Log in first';
    return state === 'selected' && !this.selected ? 'Select a folder first' : undefined;
  }

  private endFor(read: Exclude<CommandRead, { kind: 'command' | 'bad' | 'append' }> | { kind: 'too_long' }): void {
    switch (read.kind) {
      case 'timeout':
        return this.end('Nothing was said for too long');
      case 'interrupted':
        return this.end(GOODBYES[read.why]);
      case 'lost':
        return this.end(read.text);
      case 'too_long':
        return this.end('The line is too long');
      case 'ended':
        return this.end('');
      default:
        read satisfies never;
    }
  }
}
