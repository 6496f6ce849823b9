/** What happens to a message, as its history and the API tell it. */
import type { Reply } from '../mail/reply.js';
import type { Door } from '../mail/door.js';

interface EventBase {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The recipients it is about, by their position in the message; absent: all of them. */
  readonly recipients?: readonly number[];
}

/** What an attempt met, or why none was made. */
interface AttemptFacts {
  readonly reply: Reply;
  /** The host that spoke, as `name[address]:port`; absent where none was reached. */
  readonly mx?: string;
  /** Attempts so far, this one included. */
  readonly attempt: number;
}

export type MessageEvent =
  | (EventBase & { readonly type: 'accepted'; readonly door: Door })
  /** It waits for a limit: `until` is when it should be allowed, as seen at that time. */
  | (EventBase & { readonly type: 'held'; readonly until: number; readonly because: string })
  | (EventBase & AttemptFacts & { readonly type: 'delivered'; readonly tls: boolean })
  | (EventBase & AttemptFacts & { readonly type: 'deferred'; readonly nextAttemptAt: number })
  | (EventBase & AttemptFacts & { readonly type: 'unknown'; readonly nextAttemptAt: number })
  | (EventBase & AttemptFacts & { readonly type: 'bounced' })
  | (EventBase & { readonly type: 'expired' })
  /** `by`: id of the message that came in its place. */
  | (EventBase & { readonly type: 'superseded'; readonly by: string });

/** An event with its place in the message's history: the id orders the events of one message. */
export type StoredEvent = MessageEvent & { readonly id: string };
