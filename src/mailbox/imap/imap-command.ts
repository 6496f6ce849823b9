/** What a command is, and what it may do with the session that it is given in. */
import type { LineConnection } from '../../listeners/line-connection.js';
import type { ContentRoom } from '../content-room.js';
import type { MailboxAccess, MailboxUser } from '../mailbox-access.js';
import type { AccountMailbox } from '../state/account-mailbox.js';
import type { ArgumentReader } from './argument-reader.js';
import type { Completion } from './completion.js';
import type { SelectedFolder, Telling } from './selected-folder.js';

export interface ImapCommand {
  /** Upper case. */
  readonly name: string;
  /** In which states of RFC 3501 section 3 it may be given: `user` and `selected` only by who has logged in. */
  readonly state: 'any' | 'stranger' | 'user' | 'selected';
  /** Whether changes of the selected folder are told at its end, and whether reports may be told to be gone. */
  readonly tells?: 'all' | 'all but expunges';
  /** Reads its arguments, does it, and says how it ended; undefined where it has said so itself. Throws SyntaxFault. */
  run(session: CommandSession, args: ArgumentReader, tag: string): Promise<Completion | undefined>;
}

export interface CommandSession {
  readonly connection: LineConnection;
  readonly access: MailboxAccess;
  readonly room: ContentRoom;
  readonly isSecure: boolean;
  readonly isSelected: boolean;
  loginFailures: number;
  readonly capabilities: string;
  readonly mailbox: AccountMailbox;
  readonly mayWrite: boolean;
  /** The selected folder. */
  readonly folder: SelectedFolder;

  /** Says text (one octet a character) or octets, at the latest when the command ends. Throws ConnectionLost. */
  say(text: string | Buffer): Promise<void>;
  /** The next line where it is no command; undefined where none comes: then the session ends. */
  nextLine(idleMs: number): Promise<string | undefined>;
  /** Ends the session after the command. */
  end(goodbye: string): void;

  startTls(): Promise<void>;
  logIn(user: MailboxUser): void;
  select(folder: SelectedFolder | undefined): void;
  claimRecent(folder: Pick<SelectedFolder, 'name' | 'readOnly'>): Promise<number>;
  tellKeywords(): Promise<void>;
  tellChanges(telling: Pick<Telling, 'mayExpunge' | 'silent'>): Promise<void>;
}
