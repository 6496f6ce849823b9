/** A message as the API shows it: what was accepted, and what became of each recipient. */
import type { StoredEvent } from '../events/event.js';
import { inWords } from '../mail/categories.js';
import type { Classification } from '../mail/classification.js';
import type { Door } from '../mail/door.js';
import type { Reply } from '../mail/reply.js';
import type { MessageHistory } from '../queue/spool.js';
import { decodeWords } from '../mail/encoded-words.js';

/** An event of one recipient: as stored, times in ISO 8601, without the positions of the recipients. */
export interface EventView {
  readonly id: string;
  readonly type: StoredEvent['type'];
  readonly at: string;
  readonly reply?: Reply;
  readonly mx?: string;
  readonly attempt?: number;
  readonly nextAttemptAt?: string;
  /** What a refusal means, in words too. */
  readonly classification?: Classification;
  /** `reply`: said when we delivered. `dsn`: said by a mail that came back later. */
  readonly source?: 'reply' | 'dsn';
  /** Key of the report that tells of it. */
  readonly report?: string;
  /** Why the account does not send to the address; `because` says it in words. */
  readonly reason?: string;
  /** Of a complaint. */
  readonly feedbackType?: string;
  readonly tls?: boolean;
  readonly door?: Door;
  /** When what is held should be allowed, and why it is held. */
  readonly until?: string;
  readonly because?: string;
  /** Id of the message that superseded it. */
  readonly by?: string;
}

export interface RecipientView {
  readonly address: string;
  readonly state: string;
  readonly events: readonly EventView[];
}

export interface MessageView {
  readonly id: string;
  readonly account: string;
  readonly acceptedAt: string;
  readonly expiresAt: string;
  /** Of a message that was scheduled. */
  readonly sendAt?: string;
  readonly stream: string;
  /** The envelope sender; empty for the null reverse path. */
  readonly from: string;
  /** As people read it, its first 200 characters. */
  readonly subject?: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly recipients: readonly RecipientView[];
}

export function viewMessage({ message, states, events }: MessageHistory): MessageView {
  const eventsOf: EventView[][] = message.recipients.map(() => []);
  for (const event of events) {
    const view = viewEvent(event);
    for (const position of event.recipients ?? eventsOf.keys()) eventsOf[position]?.push(view);
  }
  return {
    id: message.id,
    account: message.account,
    acceptedAt: isoTime(message.acceptedAt),
    expiresAt: isoTime(message.expiresAt),
    ...(message.sendAt !== undefined && { sendAt: isoTime(message.sendAt) }),
    stream: message.stream,
    from: message.reversePath,
    ...(message.subject !== undefined && { subject: decodeWords(message.subject) }),
    tags: message.tags ?? [],
    metadata: message.metadata ?? {},
    recipients: message.recipients.map((address, position) => ({
      address,
      state: states[position] ?? 'queued',
      events: eventsOf[position] ?? [],
    })),
  };
}

function viewEvent({ recipients: _, ...event }: StoredEvent): EventView {
  const at = isoTime(event.at);
  if ('classification' in event) {
    const refusal = { ...event, at, classification: inWords(event.classification) };
    return 'nextAttemptAt' in refusal ? { ...refusal, nextAttemptAt: isoTime(refusal.nextAttemptAt) } : refusal;
  }
  return event.type === 'held' ? { ...event, at, until: isoTime(event.until) } : { ...event, at };
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
