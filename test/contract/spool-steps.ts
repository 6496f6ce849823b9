/** What every suite on the spool does and asks: puts messages in, works on them, and looks at what became of them. */
import { findingOf } from '../../src/mail/categories.js';
import type { Redis } from 'ioredis';
import type { MessageEvent } from '../../src/events/event.js';
import { QueueLedger, type LedgerLine } from '../../src/queue/queue-ledger.js';
import type { AcceptTerms, Claim, MessageRecord, Settlement, Spool, Work } from '../../src/queue/spool.js';
import { messageTo, RedisSpoolBench } from './redis-spool-bench.js';

export const BODY = Buffer.from('hello');

export class SpoolSteps {
  private constructor(
    readonly bench: RedisSpoolBench,
    readonly redis: Redis,
    readonly spool: Spool,
  ) {}

  static async start(): Promise<SpoolSteps> {
    const bench = await RedisSpoolBench.start();
    return new SpoolSteps(bench, await bench.connect(), await bench.spool());
  }

  /** For afterEach: lets every lease go and empties Redis. */
  async forget(): Promise<void> {
    await this.bench.closeConsumers();
    await this.redis.flushall();
  }

  async dispose(): Promise<void> {
    await this.bench.dispose();
  }

  async accepted(
    recipients: readonly string[],
    given: Partial<MessageRecord> = {},
    terms: AcceptTerms = {},
  ): Promise<MessageRecord> {
    const message = messageTo(recipients, given);
    await this.spool.accept(message, BODY, terms);
    return message;
  }

  async claimOf(work: Work, from: Spool = this.spool): Promise<Claim> {
    const claim = await from.claim(work);
    if (!claim) throw new Error('there is nothing to do');
    return claim;
  }

  async states(message: MessageRecord): Promise<readonly string[] | undefined> {
    return (await this.spool.read(message.id))?.states;
  }

  async eventTypes(message: MessageRecord): Promise<string[] | undefined> {
    return (await this.spool.read(message.id))?.events.map(({ type }) => type);
  }

  async ledger(stream = 'default'): Promise<LedgerLine | undefined> {
    return (await new QueueLedger(this.redis).lines()).find((line) => line.stream === stream);
  }

  /** Everything of a message but its record, its history and its place among the closed. */
  async keysOfWaiting(message: MessageRecord): Promise<string[]> {
    return (await this.redis.keys(`*${message.id}*`)).filter((key) => !/:[me]:/.test(key));
  }
}

/** Work that nobody holds a lease for. */
export function workOf(message: MessageRecord, transaction = 0): Work {
  return { messageId: message.id, transaction, stream: message.stream, token: 'of-nobody' };
}

export function delivered(...recipients: number[]): Settlement {
  return { recipients, state: 'delivered', event: attemptEvent('delivered', recipients) };
}

export function bounced(...recipients: number[]): Settlement {
  return { recipients, state: 'bounced', event: attemptEvent('bounced', recipients) };
}

export function deferred(...recipients: number[]): Settlement {
  return { recipients, state: 'deferred', event: attemptEvent('deferred', recipients) };
}

function attemptEvent(type: 'delivered' | 'bounced' | 'deferred', recipients: number[]): MessageEvent {
  const facts = { at: Date.now(), recipients, attempt: 1 };
  switch (type) {
    case 'delivered':
      return { type, ...facts, reply: { code: 250, text: 'Ok' }, tls: false };
    case 'bounced':
      return {
        type,
        ...facts,
        reply: { code: 550, text: 'no' },
        source: 'reply',
        classification: findingOf('unclassified', 'default'),
      };
    case 'deferred':
      return {
        type,
        ...facts,
        reply: { code: 451, text: 'later' },
        nextAttemptAt: Date.now() + 1_000,
        source: 'reply',
        classification: findingOf('unclassified', 'default'),
      };
    default:
      return type satisfies never;
  }
}
