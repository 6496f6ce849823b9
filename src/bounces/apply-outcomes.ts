/**
 * Follows up what became of mail: each outcome is counted against its addresses, in the metrics, and told to the account in
 * a report. The outcomes come from the step that settled them or heard of them, and each is applied once, whoever dies.
 */
import type { Redis } from 'ioredis';
import type { Accounts } from '../accounts/accounts.js';
import type { MessageEvent } from '../events/event.js';
import { formatReply } from '../mail/reply.js';
import type { Original, Spool } from '../queue/spool.js';
import { SHARD, shardKeys } from '../store/keyspace.js';
import { WorkStream, type StreamEntry } from '../store/work-stream.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { composeReport, type ReportingServer } from './reports/compose-report.js';
import type { ReportedEvent } from './reports/explain-report.js';
import { reportKindOf } from './reports/report-kind.js';
import type { Reports } from './reports/reports.js';
import type { Suppression, SuppressionCause, Suppressions } from './suppression/suppressions.js';

export interface OutcomeParts {
  readonly spool: Spool;
  readonly accounts: Accounts;
  readonly suppressions: Suppressions;
  readonly reports: Reports;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What the stream holds of one outcome. */
interface Outcome {
  readonly messageId: string;
  /** Place of the event in the message's history. */
  readonly number: number;
  readonly event: ReportedEvent;
}

/** Outcomes in hand at once: each is a few round trips to Redis. */
const BATCH = 128;
/** Commands sent together for the recipients of one event. */
const RECORD_BATCH = 50;

export class ApplyOutcomes {
  private readonly stream: WorkStream;

  constructor(
    redis: Redis,
    private readonly parts: OutcomeParts,
    private readonly server: ReportingServer,
  ) {
    this.stream = new WorkStream(redis, shardKeys(SHARD).outcomes, {
      batch: BATCH,
      handle: (entry) => this.handle(entry),
      giveUp: (entry) => {
        const id = String(entry.fields.get('m'));
        this.parts.log.error('outcome.given_up', 'it failed again and again', {
          id,
          event: String(entry.fields.get('e')).slice(0, 1_000),
        });
        return Promise.resolve();
      },
      onError: (error) => this.parts.log.warn('outcome.failed', { error: error.message }),
    });
  }

  start(): void {
    this.stream.start();
  }

  /** Resolves when what is in hand is done. */
  stop(): Promise<void> {
    return this.stream.stop();
  }

  private async handle(entry: StreamEntry): Promise<void> {
    const outcome = readOutcome(entry);
    const original = outcome && (await this.parts.spool.original(outcome.messageId));
    // Its history is over: nobody is to be told.
    if (!outcome || !original) return;
    // Nor where the account is gone.
    if (await this.parts.accounts.get(original.message.account)) await this.followUp(outcome, original);
    await this.parts.spool.followedUp(outcome.messageId, outcome.number);
  }

  private async followUp(outcome: Outcome, original: Original): Promise<void> {
    const { event } = outcome;
    const { message } = original;
    const positions = (event.recipients ?? message.recipients.map((_, position) => position)).filter(
      (position) => message.recipients[position] !== undefined,
    );
    const suppressed = await this.record(outcome, original, positions);
    if (event.report === undefined) {
      await this.report(outcome, original, positions, suppressed);
    }
    this.count(event, positions.length);
  }

  /** Those of the recipients that are suppressed now. */
  private async record(
    { messageId, number, event }: Outcome,
    { message }: Original,
    positions: readonly number[],
  ): Promise<ReadonlyMap<string, Suppression>> {
    const suppressed = new Map<string, Suppression>();
    // What is late may still arrive.
    if (event.type === 'delayed') return suppressed;
    for (let start = 0; start < positions.length; start += RECORD_BATCH) {
      const batch = positions.slice(start, start + RECORD_BATCH).map(async (position) => {
        const address = message.recipients[position] ?? '';
        const { account, stream } = message;
        const key = `${messageId}.${String(number)}.${String(position)}`;
        const cause = { key, account, address, stream, messageId, at: event.at, what: whatOf(event) };
        const suppression = await this.parts.suppressions.record(cause);
        if (suppression) suppressed.set(address, suppression);
      });
      await Promise.all(batch);
    }
    return suppressed;
  }

  private async report(
    { messageId, number, event }: Outcome,
    { message, header }: Original,
    positions: readonly number[],
    suppressed: ReadonlyMap<string, Suppression>,
  ): Promise<void> {
    const recipients = positions.map((position) => message.recipients[position] ?? '');
    const facts = { message, event, recipients, suppressed, number, ...(header && { header }) };
    const finding = event.type === 'complained' ? undefined : event.classification;
    await this.parts.reports.append(message.account, {
      key: `${messageId}.${String(number)}`,
      kind: reportKindOf(event.type, finding),
      ...(finding && { category: finding.category }),
      messageId,
      at: event.at,
      content: composeReport(facts, this.server),
    });
  }

  /** Last, so that an outcome that is tried again is counted once. */
  private count(event: ReportedEvent, recipients: number): void {
    if (event.type === 'delayed') return;
    const labels =
      event.type === 'complained'
        ? { category: 'complaint', source: 'feedback' }
        : { category: event.classification.category, source: event.source };
    this.parts.metrics.bounces.inc(labels, recipients);
  }
}

/** Undefined where it is none that is followed up: a later version may write what we do not know. */
function readOutcome({ fields }: StreamEntry): Outcome | undefined {
  const event = JSON.parse(String(fields.get('e'))) as MessageEvent;
  const outcome = { messageId: String(fields.get('m')), number: Number(String(fields.get('n'))) };
  switch (event.type) {
    case 'bounced':
    case 'expired':
    case 'delayed':
    case 'complained':
      return { ...outcome, event };
    default:
      return undefined;
  }
}

function whatOf(event: Exclude<ReportedEvent, { type: 'delayed' }>): SuppressionCause['what'] {
  if (event.type === 'complained') return { kind: 'complained', feedbackType: event.feedbackType };
  const { classification, reply, source } = event;
  return { kind: 'refused', classification, reply: reply ? formatReply(reply) : '', late: source === 'dsn' };
}
