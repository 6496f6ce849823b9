/** The mailbox of one account, as all its sessions in this process see it. */
import type { FolderName } from '../../bounces/reports/report-folders.js';
import type { FlagChange, FlagsChanged, StoredReport } from '../../bounces/reports/report-mailbox.js';

/** A folder at one moment. The same object, with the same array, until something in the folder changes. */
export interface FolderSnapshot {
  /** By uid. A report whose flags changed is another object. */
  readonly reports: readonly StoredReport[];
  readonly uidNext: number;
  /** What is above it is recent, until a session claims it. */
  readonly recentUid: number;
  readonly subscribed: boolean;
}

export declare class AccountMailbox {
  readonly uidValidity: number;
  /** The account was removed: sessions have to end. */
  readonly gone: boolean;
  folder(name: FolderName): FolderSnapshot;
  /** Keywords (flags without a backslash) in use, one spelling each. */
  readonly keywords: readonly string[];
  refresh(): Promise<void>;
  onChange(listener: () => void): () => void;
  contents(reports: readonly StoredReport[]): Promise<Map<number, Buffer>>;
  changeFlags(uids: readonly number[], how: FlagChange, flags: readonly string[]): Promise<FlagsChanged>;
  remove(uids: readonly number[]): Promise<readonly number[]>;
  archive(uids: readonly number[]): Promise<Map<number, number>>;
  claimRecent(name: FolderName): Promise<number>;
  setSubscribed(name: FolderName, subscribed: boolean): Promise<void>;
  release(): void;
}
