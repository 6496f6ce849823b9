/**
 * The spool: where a message waits from the moment we answer for it until each of its recipients is settled.
 *
 * What a caller may assume: when `accept` returns, the message and its jobs are in Redis as durably as
 * `POSTHORN_DURABILITY` says, all or nothing. From then on every recipient is either settled, once and for ever, or
 * waiting with a job that will wake a worker.
 * What an implementer must not do: let a job be the truth. The message's record is; a job only says "look again".
 */
import type { MessageLimits } from '../accounts/account.js';
import type { StoredEvent, MessageEvent } from '../events/event.js';
import type { Door } from '../mail/door.js';
import type { RecipientState, SettledState } from '../mail/outcome.js';
import type { Stream } from '../mail/stream.js';

/** How far ahead a message may be scheduled. */
export const SCHEDULE_AHEAD_MAX_MS = 30 * 86_400_000;

/** What of a message never changes once it is accepted. */
export interface MessageRecord {
  readonly id: string;
  readonly account: string;
  readonly door: Door;
  readonly stream: Stream;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Not attempted before; absent: at once. */
  readonly sendAt?: number;
  /** The envelope sender; empty for the null reverse path. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  /** Recipients, by position, that travel together: one destination domain each, bounded in number. */
  readonly transactions: readonly Transaction[];
  /** Domain of the From header: whose DKIM key signs. */
  readonly fromDomain: string;
  readonly subject?: string;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  /** What of the account still waits with the same key is superseded by this message. */
  readonly supersedeKey?: string;
  readonly bodyBytes: number;
}

/** Why a message waits for a limit before its jobs are made, and what it is counted against when it is released. */
export interface Holding {
  /** Mail of one lane is released in the order in which it came. */
  readonly lane: string;
  readonly until: number;
  readonly because: string;
  readonly credential?: { readonly id: string; readonly limits?: MessageLimits };
}

/** What is decided when a message is accepted, and written in the same step. */
export interface AcceptTerms {
  readonly holding?: Holding;
  /** The idempotency key that is held for this message, and what it will answer from then on. */
  readonly once?: { readonly key: string; readonly token: string; readonly answer: string };
  /** What is settled as suppressed in the same step; each names its recipients. */
  readonly suppressed?: readonly Settlement[];
}

export type AcceptResult =
  | { readonly kind: 'stored' }
  /** The idempotency key is no longer held by this token: nothing was written. */
  | { readonly kind: 'lease-lost' }
  /** Redis has no room, or was not there to be asked: certainly nothing was written. */
  | { readonly kind: 'not-written'; readonly why: string };

export interface Transaction {
  readonly domain: string;
  readonly recipients: readonly number[];
}

/** A worker's turn at one transaction: what the queue hands out. */
export interface Work {
  readonly messageId: string;
  readonly transaction: number;
  readonly stream: Stream;
  /** Proof of the lease; only its holder may settle. */
  readonly token: string;
}

/** What a worker needs to make an attempt. */
export interface Claim {
  readonly work: Work;
  readonly message: MessageRecord;
  /** Recipients of the transaction that still wait, by position. */
  readonly waiting: readonly number[];
  /** Attempts made before this one. */
  readonly attempts: number;
  /** That it is late was told before. */
  readonly delayTold: boolean;
  /** The message that came in its place: it is not to be sent any more. */
  readonly supersededBy?: string;
  /** The beginning of the body as it is stored, which is all of a small one: it saves a round trip. */
  readonly storedStart: Buffer;
}

/** What an attempt leaves behind for some of its recipients. */
export interface Settlement {
  readonly recipients: readonly number[];
  /** A settled state closes the recipient; `deferred` leaves it waiting. */
  readonly state: SettledState | 'deferred';
  readonly event: MessageEvent;
}

export type SettleResult =
  /** Written. `settled` counts recipients settled by this call, `waiting` those of the message that still wait. */
  | { readonly kind: 'settled'; readonly settled: number; readonly waiting: number }
  /** Somebody else holds the lease, or the message is gone: nothing was written. */
  | { readonly kind: 'lease-lost' }
  | { readonly kind: 'gone' };

/** What is heard of recipients after they were settled: a bounce that comes back, a complaint. */
export interface Afterword {
  /** Names the occurrence: repeated calls with one key are written once. */
  readonly key: string;
  /** `bounced` and `delayed` of a DSN, `complained`; its `recipients`, all of one transaction, are those it is about. A `bounced` one turns `delivered` into `bounced`, and is written only of those that are not `bounced` yet. */
  readonly event: MessageEvent & { readonly recipients: readonly number[] };
}

/** All but `written` wrote nothing. `repeated`: it, or a bounce of all its recipients, was written before. `too-many`: the transaction has had as many afterwords as one may have. */
export type AfterwordResult = 'written' | 'repeated' | 'too-many' | 'gone';

/** What is still known of a message. */
export interface Original {
  readonly message: MessageRecord;
  /** Its header block, of a very long one the beginning; absent where the body is gone. */
  readonly header?: Buffer;
}

/** A message as the API shows it. */
export interface MessageHistory {
  readonly message: MessageRecord;
  readonly states: readonly RecipientState[];
  readonly events: readonly StoredEvent[];
}

export abstract class Spool {
  /** Throws where Redis did not confirm, and may have written: then the caller must not answer for the message. */
  abstract accept(message: MessageRecord, body: Buffer, terms?: AcceptTerms): Promise<AcceptResult>;

  /** What there is to do for `work`; undefined where every recipient of it is settled, or the message is held. */
  abstract claim(work: Work): Promise<Claim | undefined>;

  /** Whose the message is, without its body being read; undefined where it is gone. */
  abstract accountOf(work: Work): Promise<string | undefined>;

  /** The body of a claimed message, as it leaves but for its signature. */
  abstract body(claim: Claim): Promise<Buffer>;

  /**
   * Writes the results of an attempt in one atomic step, guarded by the lease. Safe to repeat. `sentMessageId`: the Message-ID
   * of what a smarthost took, by which `bounces/` finds the transaction.
   */
  abstract settle(claim: Claim, results: readonly Settlement[], sentMessageId?: string): Promise<SettleResult>;

  /** Settles as expired what waits of a message whose time is over; leaves alone what an attempt holds. */
  abstract expire(messageId: string, nowMs: number): Promise<void>;

  /** Ids of open messages whose time is over, at most `limit`. */
  abstract expired(nowMs: number, limit: number): Promise<string[]>;

  /**
   * Gives a job back to every waiting transaction of the next `limit` open messages that has lost its own, and to what is
   * held its place; returns how many.
   */
  abstract repair(limit: number): Promise<number>;

  /**
   * Adds what is heard later to the history and to the outcomes that are followed up. The first that turns a recipient from
   * delivered into bounced is written always.
   */
  abstract afterword(messageId: string, afterword: Afterword): Promise<AfterwordResult>;

  /** The outcome that is event `number` of the message is followed up: no body is kept for it any longer. Safe to repeat. */
  abstract followedUp(messageId: string, number: number): Promise<void>;

  abstract original(messageId: string): Promise<Original | undefined>;

  abstract read(messageId: string): Promise<MessageHistory | undefined>;
}
