/**
 * How many messages an account and a credential may still send: counted in Redis for all processes together, in one step
 * that counts a message everywhere or nowhere. Nothing is asked of Redis where nothing is limited.
 *
 * `critical` mail is counted apart from all other, so that neither uses up what the other may send.
 */
import type { Redis } from 'ioredis';
import type { Stream } from '../mail/stream.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import type { AccountLimits, MessageLimits } from './account.js';
import { refundScript, reserveScript } from './allowance-scripts.js';
import { countedWindows, endOfMonth, windowMs, type CountedWindow, type LimitWindow } from './message-windows.js';

/** Whose message it is. */
export interface Sender {
  readonly account: string;
  readonly stream: Stream;
  readonly limits: AccountLimits;
  /** What it was sent with; absent where that has no limits of its own. */
  readonly credential?: { readonly id: string; readonly limits?: MessageLimits };
}

/** What a client may know of the window that it is closest to filling. */
export interface RateFacts {
  readonly limit: number;
  readonly remaining: number;
  /** Until all of it is back; of a full window until it takes the next message. */
  readonly resetMs: number;
}

/** What was counted, to be given back where the message is not kept. */
export interface Reservation {
  readonly keys: readonly [string, string];
  /** For each window the key (1 or 2), its letter and the bucket. */
  readonly counted: readonly (string | number)[];
}

export interface OverLimit {
  readonly kind: 'over';
  readonly of: 'account' | 'credential';
  readonly window: LimitWindow;
  readonly limit: number;
  readonly retryAfterMs: number;
}

export type AllowanceDecision =
  { readonly kind: 'allowed'; readonly reservation?: Reservation; readonly rate?: RateFacts } | OverLimit;

export class MessageAllowance {
  constructor(private readonly redis: Redis) {}

  /** Counts one message, where every limit allows it. */
  async reserve(sender: Sender, nowMs: number): Promise<AllowanceDecision> {
    const windows = windowsOf(sender, nowMs);
    if (windows.length === 0) return { kind: 'allowed' };
    const keys = keysOf(sender);
    const monthEnds = endOfMonth(nowMs);
    const [allowed, index = 0, remaining = 0, atMs = nowMs, ...buckets] = await reserveScript.run(this.redis, keys, [
      nowMs,
      monthEnds,
      ...windows.flatMap(({ of, window, limit, bucket, earlierBuckets, bucketMs }) => [
        of === 'account' ? 1 : 2,
        letterOf(window),
        limit,
        bucket,
        earlierBuckets,
        bucketMs,
      ]),
    ]);
    const met = windows[index];
    if (!met) throw new Error('the limits answered for a window that was not asked');
    const { of, window, limit } = met;
    const resetMs = Math.max(0, atMs - nowMs);
    if (allowed === 0) return { kind: 'over', of, window, limit, retryAfterMs: resetMs };
    const counted = windows.flatMap((each, i) => [
      each.of === 'account' ? 1 : 2,
      letterOf(each.window),
      buckets[i] ?? 0,
    ]);
    return { kind: 'allowed', reservation: { keys, counted }, rate: { limit, remaining, resetMs } };
  }

  /** Takes back what `reserve` counted; once for each reservation. */
  async refund({ keys, counted }: Reservation): Promise<void> {
    await refundScript.run(this.redis, keys, counted);
  }
}

/** How long `messages` of the sender take to be allowed one after the other, by the window that takes the longest. */
export function expectedWait(
  sender: Sender,
  messages: number,
): { readonly window: LimitWindow; readonly waitMs: number } {
  let longest: { window: LimitWindow; waitMs: number } = { window: 'second', waitMs: 0 };
  for (const { window, limit } of windowsOf(sender, 0)) {
    const waitMs = (messages / Math.max(limit, 1)) * windowMs(window);
    if (waitMs > longest.waitMs) longest = { window, waitMs };
  }
  return longest;
}

/** Whether mail of this sender is limited at all. */
export function isLimited(sender: Sender): boolean {
  return windowsOf(sender, 0).length > 0;
}

function windowsOf(sender: Sender, nowMs: number): (CountedWindow & { readonly of: 'account' | 'credential' })[] {
  const { limits, credential, stream } = sender;
  const isCritical = stream === 'critical';
  const ofAccount = isCritical ? (limits.criticalMessages ?? limits.messages) : limits.messages;
  return [
    ...countedWindows(ofAccount, nowMs).map((window) => ({ ...window, of: 'account' as const })),
    ...(isCritical ? [] : countedWindows(credential?.limits, nowMs)).map((window) => ({
      ...window,
      of: 'credential' as const,
    })),
  ];
}

function keysOf({ account, stream, credential }: Sender): [string, string] {
  const ofAccount = `${ACCOUNTS_PREFIX}:sent:${stream === 'critical' ? 'critical' : 'other'}:${account}`;
  return [ofAccount, credential ? `${ACCOUNTS_PREFIX}:sent:credential:${credential.id}` : ofAccount];
}

function letterOf(window: LimitWindow): string {
  return window.charAt(0);
}
