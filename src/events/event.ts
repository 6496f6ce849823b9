/** What happens to a message, as its history and the API tell it. */
import type { Finding } from '../mail/classification.js';
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

/** Why mail did not arrive. */
interface RefusalFacts {
  readonly classification: Finding;
  /** `reply`: said in the dialogue. `dsn`: said by a mail that came back later. */
  readonly source: 'reply' | 'dsn';
  /** Key of the report (`Report.key`), where the mail that came back is one: who sees it set composes none. No uid. */
  readonly report?: string;
}

export type MessageEvent =
  | (EventBase & { readonly type: 'accepted'; readonly door: Door })
  /** It waits for a limit: `until` is when it should be allowed, as seen at that time. */
  | (EventBase & { readonly type: 'held'; readonly until: number; readonly because: string })
  | (EventBase & AttemptFacts & { readonly type: 'delivered'; readonly tls: boolean })
  | (EventBase & AttemptFacts & { readonly type: 'deferred'; readonly nextAttemptAt: number } & RefusalFacts)
  | (EventBase & AttemptFacts & { readonly type: 'unknown'; readonly nextAttemptAt: number } & RefusalFacts)
  | (EventBase & Partial<AttemptFacts> & RefusalFacts & { readonly type: 'bounced' })
  /** It is late, and still being tried; by us, or by a server that took it from us. */
  | (EventBase & Partial<AttemptFacts> & RefusalFacts & { readonly type: 'delayed' })
  /** `reply` and `mx` are of the last attempt, where there was one. */
  | (EventBase & Partial<AttemptFacts> & RefusalFacts & { readonly type: 'expired' })
  /** The account does not send to this address any more. `because` is for people. */
  | (EventBase & { readonly type: 'suppressed'; readonly reason: string; readonly because: string })
  /** A suppressed address is tried all the same, once: the mail is critical, and the cause was a soft one. */
  | (EventBase & { readonly type: 'suppression.bypassed'; readonly reason: string; readonly because: string })
  | (EventBase & { readonly type: 'complained'; readonly feedbackType: string; readonly report?: string })
  /** `by`: id of the message that came in its place. */
  | (EventBase & { readonly type: 'superseded'; readonly by: string });

/** An event with its place in the message's history: the id orders the events of one message. */
export type StoredEvent = MessageEvent & { readonly id: string };
