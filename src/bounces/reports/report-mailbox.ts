/**
 * The reports of an account as a mailbox of IMAP and POP3 has them: listed, marked, archived and taken away, by any number
 * of processes at once.
 *
 * What a caller may assume: each change is whole or not there, is counted in `version`, and is told to all who listen
 * (`REPORTS_CHANNEL`). What is asked of uids that are gone is done for the others. A call on a mailbox whose account was
 * removed meanwhile changes nothing. All throw where the store is away; what was asked may have been done then.
 * What an implementer must not do: give a uid twice, or a smaller one later (RFC 3501 section 2.3.1.1); change a report
 * other than in its flags.
 */
import type { Category } from '../../mail/classification.js';
import type { FolderName, Placed } from './report-folders.js';

/** A report as the mailbox lists it. Never changed: with other flags it is another object. */
export interface StoredReport extends Placed {
  readonly uid: number;
  readonly category: Category | undefined;
  /** The message that it is about. */
  readonly messageId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the content. */
  readonly octets: number;
  /** As IMAP names them, `\Seen`; none at first. The same flags are mostly the same array. */
  readonly flags: readonly string[];
}

/** Which mailbox is meant: an account that is made anew has another UIDVALIDITY. */
export interface MailboxId {
  readonly account: string;
  readonly uidValidity: number;
}

export interface FolderMarks {
  /** Above every uid that was ever in the folder. RFC 3501 section 2.3.1.1: it stays while nothing comes into it. */
  readonly uidNext: number;
  /** Up to this uid some session was told `\Recent`: RFC 3501 section 2.3.2. */
  readonly recentUid: number;
  readonly subscribed: boolean;
}

export interface MailboxState {
  readonly uidValidity: number;
  readonly version: number;
  readonly folders: Readonly<Record<FolderName, FolderMarks>>;
  /** By uid; those among them that have had their time (`horizon`), too. */
  readonly reports: readonly StoredReport[];
}

export type MailboxChanges =
  | {
      readonly kind: 'changes';
      readonly version: number;
      readonly folders: Readonly<Record<FolderName, FolderMarks>>;
      /** What is new, and what has other flags now; by uid. */
      readonly changed: readonly StoredReport[];
      readonly gone: readonly number[];
    }
  /** It is too long ago, or too much. */
  | { readonly kind: 'reload' }
  /** There is no such mailbox any more. */
  | { readonly kind: 'gone' };

export type FlagChange = 'add' | 'remove' | 'replace';

export interface FlagsChanged {
  /** The uids whose flags are others now. */
  readonly changed: readonly number[];
  /** Those that would have more than `FLAG_BYTES_MAX` of flags, and have what they had. */
  readonly refused: readonly number[];
}

/** Of all flags of one report, with a space between them. */
export const FLAG_BYTES_MAX = 2_048;

export abstract class ReportMailbox {
  /** All of it, at one moment. Makes the mailbox where there is none. */
  abstract load(account: string): Promise<MailboxState>;

  /** What happened since `version`. Answers at once where nothing did. */
  abstract changesSince(id: MailboxId, version: number): Promise<MailboxChanges>;

  /** Of those that are there, by uid. The caller bounds how many octets it asks for: all of them are in memory at once. */
  abstract contents(
    account: string,
    reports: readonly Pick<StoredReport, 'uid' | 'octets'>[],
  ): Promise<Map<number, Buffer>>;

  /** Case tells no two flags apart (RFC 3501 section 9); a report keeps the spelling that it has. */
  abstract changeFlags(
    id: MailboxId,
    uids: readonly number[],
    how: FlagChange,
    flags: readonly string[],
  ): Promise<FlagsChanged>;

  /**
   * They do not come back when they are reported again. With `flagged` only those go that have this flag then, spelled so.
   *
   * @returns the uids that went
   */
  abstract remove(id: MailboxId, uids: readonly number[], flagged?: string): Promise<readonly number[]>;

  /** Moves them into the archive, in their order. @returns the new uid of each that went */
  abstract archive(id: MailboxId, uids: readonly number[]): Promise<Map<number, number>>;

  /** From now on nothing that is in the folder is recent. @returns the `recentUid` until then: one caller gets each report */
  abstract claimRecent(id: MailboxId, folder: FolderName): Promise<number>;

  abstract setSubscribed(id: MailboxId, folder: FolderName, subscribed: boolean): Promise<void>;

  /** Reports of this time, milliseconds since the epoch, or before have had their time and are to be taken away. */
  abstract horizon(): number;
}
