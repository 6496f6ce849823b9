/** What the relay's API tells of one message, event by event, each told once. */
import type { EventView, MessageView } from '../../http-api/message-view.js';
import type { Reply } from '../../mail/reply.js';
import type { ApiClient } from '../api-client.js';

/** What happened to one recipient after acceptance. */
export interface TrailEvent {
  readonly recipient: string;
  /** `delivered`, `deferred`, `bounced`... */
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reply: Reply;
  /** What the reply means: one of the classes of refusals. */
  readonly category?: string;
  /** The host that spoke, without its address; absent where none was reached. */
  readonly host?: string;
  readonly tls: boolean;
  /** Which try it was, from 1. */
  readonly attempt: number;
  /** Milliseconds from `at` to the next try. */
  readonly nextInMs?: number;
}

export class MessageTrail {
  /** All events so far, in the order in which they were told. */
  readonly events: TrailEvent[] = [];
  private states: readonly string[] = ['queued'];
  private readonly told = new Set<string>();

  constructor(
    readonly id: string,
    private readonly api: ApiClient,
  ) {}

  /** Every recipient was tried, so that nothing happens before the next try. */
  get isAtRest(): boolean {
    return !this.states.includes('queued');
  }

  /** Nothing happens any more. */
  get isSettled(): boolean {
    return this.isAtRest && !this.states.includes('deferred');
  }

  /** Asks once and returns what is new, the oldest first. Rejects where the relay does not answer. */
  async look(): Promise<readonly TrailEvent[]> {
    const answer = await this.api.request<MessageView>('GET', `/v1/messages/${this.id}`);
    if (answer.kind === 'failed') throw new Error(`the relay does not tell what became of a message: ${answer.why}`);
    const { recipients } = answer.body;
    this.states = recipients.map(({ state }) => state);
    const fresh: TrailEvent[] = [];
    for (const { address, events } of recipients) {
      for (const event of events) {
        const key = `${event.id} ${address}`;
        if (event.type === 'accepted' || this.told.has(key)) continue;
        this.told.add(key);
        fresh.push(trailEvent(address, event));
      }
    }
    fresh.sort((a, b) => a.at - b.at);
    this.events.push(...fresh);
    return fresh;
  }
}

function trailEvent(recipient: string, event: EventView): TrailEvent {
  const { type, at, reply, mx, tls, attempt, nextAttemptAt, classification } = event;
  const atMs = Date.parse(at);
  return {
    recipient,
    type,
    at: atMs,
    // An event without a reply, such as `expired`, is in no scenario: shown as what it is.
    reply: isReply(reply) ? reply : { code: 0, text: '' },
    ...(classification && { category: classification.category }),
    ...(typeof mx === 'string' && { host: mx.replace(/\[.*/, '') }),
    tls: tls === true,
    attempt: typeof attempt === 'number' ? attempt : 0,
    ...(typeof nextAttemptAt === 'string' && { nextInMs: Date.parse(nextAttemptAt) - atMs }),
  };
}

function isReply(reply: unknown): reply is Reply {
  return typeof reply === 'object' && reply !== null && 'code' in reply;
}
