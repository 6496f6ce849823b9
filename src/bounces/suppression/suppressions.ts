/**
 * Addresses that an account's mail is not sent to any more, and the counts that lead there. Addresses compare without
 * regard to case.
 *
 * What a caller may assume: what is suppressed is so in every process within a second of the call; `record` with a key
 * that was recorded before changes nothing. What an implementer must not do: suppress for a fault that is not the
 * recipient's.
 */
import type { Finding, Category } from '../../mail/classification.js';
import type { Stream } from '../../mail/stream.js';

/** Why an address is suppressed: a class, somebody's complaint, or somebody's hand. */
export type SuppressionReason = Category | 'complaint' | 'manual';

export interface Suppression {
  readonly address: string;
  readonly reason: SuppressionReason;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** When it ends by itself; absent: never. */
  readonly until?: number;
  /** Only mail of these streams is held back; absent: all mail. */
  readonly streams?: readonly Stream[];
  /** For people: what the server said, or what the hand wrote. */
  readonly because: string;
  /** The message that led to it. */
  readonly messageId?: string;
  /** The critical message that went out in spite of it. */
  readonly bypassedBy?: string;
  /** Who added it by hand. */
  readonly addedBy?: string;
}

/** What is to become of mail to an address. */
export type SuppressionVerdict =
  | { readonly kind: 'suppressed'; readonly suppression: Suppression }
  /**
   * Critical mail to an address that is suppressed for a soft cause. One message may go out in spite of it, and the event
   * says so: whether it is this one, `takeBypass` tells.
   */
  | { readonly kind: 'bypass'; readonly suppression: Suppression };

/** What happened to an address. */
export interface SuppressionCause {
  /** Names the occurrence: repeated calls with one key count once. */
  readonly key: string;
  readonly account: string;
  readonly address: string;
  readonly stream: Stream;
  readonly messageId: string;
  /** When it happened, the same in repeats: what is older than a re-activation by hand changes nothing. */
  readonly at: number;
  readonly what:
    | {
        readonly kind: 'refused';
        readonly classification: Finding;
        readonly reply: string;
        /**
         * Said by a mail that came back, after the server had taken the message: of such a server a 250 is no proof that mail
         * arrives, and deliveries neither make these counts start anew nor lift what they lead to.
         */
        readonly late?: boolean;
      }
    | { readonly kind: 'complained'; readonly feedbackType: string };
}

/** A message that has taken no bypass yet. */
export interface Newcomer {
  /** It may come in the place of the one that has taken it. */
  readonly supersedeKey: string | undefined;
}

export abstract class Suppressions {
  /**
   * The verdict on those of `addresses` that are held back, by address as given. Takes nothing: asking is free.
   * @param newcomer a message that is only coming in: a bypass that another has taken is none for it
   */
  abstract verdicts(
    account: string,
    addresses: readonly string[],
    stream: Stream,
    newcomer?: Newcomer,
  ): Promise<ReadonlyMap<string, SuppressionVerdict>>;

  /**
   * Takes the one bypass of a suppression for `messageId`; false where another message has had it, unless that had the same
   * supersede key: what comes in the place of a message has its bypass too. Repeatable.
   */
  abstract takeBypass(
    account: string,
    address: string,
    messageId: string,
    supersedeKey: string | undefined,
  ): Promise<boolean>;

  /** Counts a refusal or complaint, and suppresses where that is due; the suppression that now holds, if any. */
  abstract record(cause: SuppressionCause): Promise<Suppression | undefined>;

  /** Mail arrived: counts start anew, and what was suppressed for a soft cause is lifted, unless bounces that came back led to it. */
  abstract delivered(account: string, addresses: readonly string[]): Promise<void>;
}
