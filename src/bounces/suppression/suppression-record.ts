/** How suppressions lie in Redis: the keys of an account, and what one record holds. */
import type { Stream } from '../../mail/stream.js';
import { isSoftCause } from './suppression-policy.js';
import type { Suppression, SuppressionReason } from './suppressions.js';

/**
 * Every key of an account's suppressions has this prefix, which is its hash tag: they lie in one slot, and scripts make the
 * names of further keys from it.
 *
 * `a:<address>` string: the holds on an address, a JSON list of `Hold`; expires with the last of them.
 * `index` sorted set, all scores 0: addresses that are held. `ends`: the same by when their last hold ends.
 * `soft` sorted set: those of them that a delivery frees, by when that hold ends.
 * `n:<address>` hash: refusals that count, `<counter>:<message id>` to its time, with an `L` behind it
 * where it came late. `counted` sorted set: addresses that have some,
 * by when the last of it no longer counts.
 * `r:<address>` string: when a delivery made counts start anew.
 * `g:<address>` string: JSON list of `Reactivation`. `gone-index`, `gone-ends`: as `index` and `ends`, of these.
 */
export function suppressionPrefix(account: string): string {
  return `{ph:suppressions:${account}}`;
}

/** One reason to hold mail back. An address may have several: each ends, and is lifted, for itself. */
export interface Hold {
  /** Reason. */
  readonly r: SuppressionReason;
  /** Since, and the newest occurrence: milliseconds since the epoch. */
  readonly s: number;
  readonly a: number;
  /** Until; absent: never ends. */
  readonly u?: number;
  /** Streams; absent: all. */
  readonly t?: readonly Stream[];
  readonly b: string;
  readonly m?: string;
  /** Key of the newest occurrence. */
  readonly k?: string;
  /** Of a hold that counts led to: some of them, `<counter>:<message id>` each. */
  readonly c?: readonly string[];
  /** 1 where a delivery lifts it, and critical mail may go past it once. */
  readonly f?: 1;
  /** 1 where bounces that came back led to it: a 250 of such a server is no proof that mail arrives, and lifts nothing. */
  readonly l?: 1;
  /** The message that did. */
  readonly x?: string;
  /** Its supersede key. */
  readonly y?: string;
  /** Who added it by hand. */
  readonly w?: string;
}

/** What was taken away by hand, and why. */
export interface Reactivation {
  readonly at: number;
  readonly because: string;
  readonly by: string;
  readonly was: readonly Hold[];
}

export function holdsOf(record: string | null | undefined): readonly Hold[] {
  return record === null || record === undefined ? [] : (JSON.parse(record) as Hold[]);
}

export function isOver({ u }: Hold, nowMs: number): boolean {
  return u !== undefined && u <= nowMs;
}

export function concerns({ t }: Hold, stream: Stream): boolean {
  return t === undefined || t.includes(stream);
}

/** The one that is told of where there are several: hard before soft, then what holds all mail, then the newest. */
export function weightiest(holds: readonly Hold[]): Hold | undefined {
  const rank = ({ f, t }: Hold): number => (f === 1 ? 2 : 0) + (t ? 1 : 0);
  return [...holds].sort((one, other) => rank(one) - rank(other) || other.s - one.s)[0];
}

export function suppressionOf(address: string, { r, s, u, t, b, m, x, w }: Hold): Suppression {
  return {
    address,
    reason: r,
    since: s,
    ...(u !== undefined && { until: u }),
    ...(t && { streams: t }),
    because: b,
    ...(m !== undefined && { messageId: m }),
    ...(x !== undefined && { bypassedBy: x }),
    ...(w !== undefined && { addedBy: w }),
  };
}

/** @param given what the hold is, in the words of the record */
export function newHold(given: Omit<Hold, 'c' | 'f' | 'l' | 'x' | 'y'>): Hold {
  return { ...given, ...(isSoftCause(given.r) && { f: 1 }) };
}
