/**
 * The name of every key in Redis. One `{...}` hash tag per shard, so that a message, its body, jobs and history lie in
 * one slot of a Redis Cluster and change in one transaction.
 */
import { createHash } from 'node:crypto';
import type { Stream } from '../mail/stream.js';

/** The one shard of a single Redis. */
export const SHARD = 0;

/** Prefix of a shard's keys, BullMQ's among them. */
export function shardPrefix(shard: number): string {
  return `{ph:${String(shard)}}`;
}

/** What the accounts, their credentials and their sending domains are kept under. */
export const ACCOUNTS_PREFIX = '{ph:accounts}';

/** String: the key that return paths are signed with, base64. */
export const RETURN_PATH_KEY = `${ACCOUNTS_PREFIX}:return-path-key`;

/**
 * Stream: mail that came back and is not worked on yet, in a slot of its own. Fields: `f` the facts of its envelope as
 * JSON, `b` the message, zstd-compressed where that pays.
 */
export const RETURNED_MAIL_KEY = '{ph:returned}:mail';

/** What the front door counts of clients: failed logins, connections. */
export const GUARD_PREFIX = '{ph:guard}';

export interface MessageKeys {
  /**
   * Hash: `v` the message as accepted, `w` recipients that wait, `s<i>` state of recipient i, `n<t>` attempts of transaction
   * t, `d<t>` that it was told that the transaction is late, `h` how it is held until it is released, `z` the message that
   * supersedes it, `o` outcomes that are not followed up yet, `o<n>` that event n is one, `a<t>` afterwords of transaction t, `a<digest>` that one was written.
   */
  readonly message: string;
  /** String: the body as it leaves, zstd-compressed where that pays. */
  readonly body: string;
  /** List: the history, one JSON event each. */
  readonly events: string;
}

export function messageKeys(shard: number, id: string): MessageKeys {
  const prefix = shardPrefix(shard);
  return { message: `${prefix}:m:${id}`, body: `${prefix}:b:${id}`, events: `${prefix}:e:${id}` };
}

export interface ShardKeys {
  /** Sorted set of a stream: ids of messages with waiting recipients, by the time they expire. */
  readonly open: (stream: Stream) => string;
  /** List: ids of closed messages whose history is kept, oldest first. */
  readonly closed: string;
  /** Hash: recipients accepted, and settled by state, of each stream. */
  readonly ledger: string;
  /**
   * Stream: what the queue settled other than as delivered, for `bounces/` to follow up; written in the step that settles.
   * Fields: `m` message id, `n` number of the event in the message's history, `e` the event as JSON.
   */
  readonly outcomes: string;
  /** Sorted set: ids of the messages that a lane holds, by the time they came. */
  readonly held: (lane: string) => string;
  /** Sorted set: lanes that hold mail, by the time to look at them. */
  readonly heldLanes: string;
  /** Hash: what became of the first message with an idempotency key. */
  readonly idempotency: (account: string, key: string) => string;
  /** String: id of the last message with a supersede key. */
  readonly supersede: (account: string, key: string) => string;
  /** String: `<message id>.<transaction>` of what a smarthost took with this Message-ID, with its angle brackets or without. */
  readonly sentMessageId: (messageId: string) => string;
}

export function shardKeys(shard: number): ShardKeys {
  const prefix = shardPrefix(shard);
  return {
    open: (stream) => `${prefix}:open:${stream}`,
    closed: `${prefix}:closed`,
    ledger: `${prefix}:ledger`,
    outcomes: `${prefix}:outcomes`,
    held: (lane) => `${prefix}:held:${lane}`,
    heldLanes: `${prefix}:held-lanes`,
    idempotency: (account, key) => `${prefix}:once:${account}:${digest(key)}`,
    supersede: (account, key) => `${prefix}:last:${account}:${digest(key)}`,
    sentMessageId: (messageId) => `${prefix}:sent:${digest(messageId.trim().replace(/^<|>$/g, ''))}`,
  };
}

/** Channel: `<version> <account>` of each mailbox of reports that changed; version 0 where the account was removed. */
export const REPORTS_CHANNEL = 'ph:reports';

export interface ReportKeys {
  /**
   * Hash: `v` UIDVALIDITY, `n` the last uid given, `b` bytes of the contents, `s` of those of strays, `c` changes so far;
   * of each folder `u:<name>` the last uid that came into it, `r:<name>` the last that was shown as recent, `off:<name>` that
   * it is not subscribed. It outlives the reports.
   */
  readonly mailbox: string;
  /** Sorted set: the reports by uid, each as `bounces/reports/report-record.ts` writes it, flags included. */
  readonly listed: string;
  /** Hash: the content of each uid, zstd-compressed where that pays. */
  readonly contents: string;
  /** Sorted set: digests of what was reported, by the uid it got. */
  readonly occurrences: string;
  /** Sorted set: uids of the reports that belong to no bounce of a message, by uid. */
  readonly strays: string;
  /** Stream: the last changes, `<version>-0` each. Fields, with uids between commas: `u` new or with other flags, `x` gone. */
  readonly changes: string;
  /** Stream: the list as earlier versions wrote it, until it is moved. */
  readonly olderList: string;
}

/** The bounce reports of an account, in a slot of its own. */
export function reportKeys(account: string): ReportKeys {
  const prefix = `{ph:account:${account}}:reports`;
  return {
    mailbox: prefix,
    listed: `${prefix}:listed`,
    contents: `${prefix}:contents`,
    occurrences: `${prefix}:occurrences`,
    strays: `${prefix}:strays`,
    changes: `${prefix}:changes`,
    olderList: `${prefix}:list`,
  };
}

/** What clients choose becomes a name of fixed length. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
