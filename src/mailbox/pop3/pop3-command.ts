/** What a command is, and what it may do with the session that it is given in. */
import type { LineConnection, LineRead } from '../../listeners/line-connection.js';
import type { ContentRoom } from '../content-room.js';
import type { MailboxAccess, MailboxUser } from '../mailbox-access.js';
import type { Maildrop } from './maildrop.js';
import type { Reply } from './reply.js';

export interface Pop3Command {
  /** Upper case. */
  readonly name: string;
  /** In which states of RFC 1939 section 3 it may be given: `stranger` is AUTHORIZATION, `user` is TRANSACTION. */
  readonly state: 'any' | 'stranger' | 'user';
  readonly argument: 'none' | 'optional' | 'needed';
  /**
   * Does it, and says how it ended; undefined where it has said so itself.
   * @param argument all that stands behind the name and a space; empty where there is none
   */
  run(session: CommandSession, argument: string): Promise<Reply | undefined> | Reply;
}

export interface CommandSession {
  readonly connection: LineConnection;
  readonly access: MailboxAccess;
  readonly room: ContentRoom;
  readonly isSecure: boolean;
  loginFailures: number;
  /** What USER said and PASS has not used yet. */
  userName: string | undefined;
  /** For commands that only who has logged in may give. */
  readonly user: MailboxUser;
  readonly maildrop: Maildrop;
  readonly isLoggedIn: boolean;

  /** Says text (one octet a character) or octets, at the latest when the command ends. Throws ConnectionLost. */
  say(text: string | Buffer): Promise<void>;
  /** The next line where it is no command. */
  readLine(octetsMax: number): Promise<LineRead>;
  /** Ends the session after the command. */
  end(): void;
  startTls(): Promise<void>;
  logIn(user: MailboxUser): void;
}
