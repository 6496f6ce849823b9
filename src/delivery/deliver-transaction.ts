/**
 * One attempt at one transaction: claim it, sign it, send it, settle what came of it.
 *
 * Never throws for what a receiver or the network does: that is an outcome. A fault of Redis is waited out, because a
 * result that is not written is a message sent twice.
 *
 * Mail of a suspended account is looked at every 5 to 15 minutes, so that 100,000 such messages cost some 170 looks a
 * second; when the account is resumed, it may take that long until its old mail leaves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Accounts } from '../accounts/accounts.js';
import { signingDomain, type SendingDomains } from '../accounts/sending-domains.js';
import type { TrafficWatch } from '../accounts/traffic-watch.js';
import type { DkimKeys } from '../accounts/dkim-keys.js';
import type { MessageEvent } from '../events/event.js';
import { ByteBudget } from '../mail/byte-budget.js';
import type { Clock } from '../mail/clock.js';
import { findingOf } from '../mail/categories.js';
import { requestedWaitMs, saysUnknownRecipient } from '../mail/reply.js';
import type { AttemptOutcome } from '../mail/outcome.js';
import type { WorkResult } from '../queue/bullmq-consumer.js';
import { supersession } from '../queue/message-fields.js';
import { nextAttemptAt } from '../queue/retry-schedule.js';
import type { Claim, Settlement, Spool, Work } from '../queue/spool.js';
import type { Route } from '../config/routes.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { ConnectionPool } from './connection-pool.js';
import { dkimSignatures } from './dkim-signer.js';
import type { TransferResult } from './nodemailer-session.js';
import { destinationOf, type Destination } from './routing.js';

/** A transaction whose destination is full comes back after about this long. */
const CROWDED_MS = 2_000;
const SETTLE_RETRY_MS = 500;
/** When it is looked again whether an account is still suspended: spread, so that what was put off at once comes back apart. */
const SUSPENDED_MIN_MS = 300_000;
const SUSPENDED_SPREAD_MS = 600_000;
/** What a fault of ours waits before the next try, so that it does not spin. */
const FAULT_PAUSE_MS = 30_000;

/** Bodies in a worker's memory at once: as read, as signed, and in the socket. */
const BODIES_BYTES_MAX = 256 * 1024 * 1024;
const COPIES_OF_BODY = 3;

/** What an attempt knows once it is over. */
interface Attempt {
  readonly outcomes: ReadonlyMap<string, AttemptOutcome>;
  readonly mx?: string;
  readonly tls: boolean;
}

export interface DeliverParts {
  readonly spool: Spool;
  readonly pool: ConnectionPool;
  readonly accounts: Accounts;
  readonly domains: SendingDomains;
  readonly dkimKeys: DkimKeys;
  readonly traffic: TrafficWatch;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
}

export class DeliverTransaction {
  private readonly bodies = new ByteBudget(BODIES_BYTES_MAX);
  /** Until when mail of suspended accounts is to be expected: none of it comes back later than that. */
  private suspendedMailUntil = 0;

  constructor(
    private readonly parts: DeliverParts,
    private readonly routes: readonly Route[],
    private readonly retryDelaysMs: readonly number[],
    private readonly random: () => number = Math.random,
  ) {}

  async deliver(work: Work): Promise<WorkResult> {
    const { spool, clock, log } = this.parts;
    try {
      const suspended = await this.suspendedBeforeClaim(work);
      if (suspended) return suspended;
      const claim = await spool.claim(work);
      if (!claim) return { kind: 'done' };
      const over = this.overBeforeAttempt(claim);
      if (over) return await this.settle(claim, [over], undefined);
      const notBefore = await this.notBefore(claim.message);
      if (notBefore !== undefined) return { kind: 'again', at: notBefore };
      const attempt = await this.attempt(claim);
      if (attempt === 'crowded') return { kind: 'again', at: clock.now() + CROWDED_MS * (0.5 + this.random()) };
      return await this.conclude(claim, attempt);
    } catch (error) {
      log.error('delivery.fault', error, { id: work.messageId, transaction: work.transaction });
      return { kind: 'again', at: clock.now() + FAULT_PAUSE_MS };
    }
  }

  /** What becomes of recipients for whom nothing is tried any more. */
  private overBeforeAttempt({ message, waiting, supersededBy }: Claim): Settlement | undefined {
    const now = this.parts.clock.now();
    if (supersededBy !== undefined) return supersession(waiting, supersededBy, now);
    if (now < message.expiresAt) return undefined;
    return {
      recipients: waiting,
      state: 'expired',
      event: {
        type: 'expired',
        at: now,
        recipients: waiting,
        source: 'reply',
        classification: findingOf('expired', 'expired'),
      },
    };
  }

  /** When to look again at a message that must not leave yet; not an attempt. */
  private async notBefore({ account, sendAt = 0 }: Claim['message']): Promise<number | undefined> {
    const now = this.parts.clock.now();
    if (now < sendAt) return sendAt;
    return this.suspendedUntil(account, now);
  }

  /**
   * A look that reads no body, while mail of suspended accounts is about. Without any, claim and body are one round trip,
   * and stay so.
   */
  private async suspendedBeforeClaim(work: Work): Promise<WorkResult | undefined> {
    const now = this.parts.clock.now();
    if (now >= this.suspendedMailUntil) return undefined;
    const account = await this.parts.spool.accountOf(work);
    const at = account === undefined ? undefined : await this.suspendedUntil(account, now);
    return at === undefined ? undefined : { kind: 'again', at };
  }

  /** When to look again at mail of an account that is suspended now. */
  private async suspendedUntil(account: string, now: number): Promise<number | undefined> {
    // An account that is gone suspends nothing: what was accepted of it is delivered.
    if ((await this.parts.accounts.recent(account))?.state !== 'suspended') return undefined;
    this.suspendedMailUntil = now + SUSPENDED_MIN_MS + SUSPENDED_SPREAD_MS;
    return now + SUSPENDED_MIN_MS + SUSPENDED_SPREAD_MS * this.random();
  }

  private async attempt(claim: Claim): Promise<Attempt | 'crowded'> {
    const { pool } = this.parts;
    const { message, waiting, work } = claim;
    const transaction = message.transactions[work.transaction];
    const destination = destinationOf(this.routes, transaction?.domain ?? '');
    const recipients = waiting.map((position) => message.recipients[position] ?? '');
    const acquired = await pool.acquire(destination, work.stream);
    if (acquired.kind === 'crowded') return 'crowded';
    if (acquired.kind === 'failed') {
      const outcomes = new Map(recipients.map((recipient) => [recipient, acquired.outcome]));
      return { outcomes, mx: acquired.mx, tls: false };
    }
    const { session } = acquired;
    const held = Math.min(message.bodyBytes * COPIES_OF_BODY, this.bodies.bytesMax);
    if (!this.bodies.take(held)) {
      pool.release(destination, session);
      return 'crowded';
    }
    let result: TransferResult;
    try {
      // Read and signed only now: a destination that cannot be reached costs neither.
      const signed = await this.sign(claim, destination);
      const stopTimer = this.parts.metrics.attemptDuration.startTimer({ phase: 'transfer' });
      result = await session.transfer(message.reversePath, recipients, signed);
      stopTimer();
    } finally {
      this.bodies.give(held);
      pool.release(destination, session);
    }
    // A warm session that had died says nothing about the message.
    if (result.neverBegan) return this.attempt(claim);
    return { outcomes: result.outcomes, mx: session.label, tls: session.secure };
  }

  private async sign(claim: Claim, { dkim }: Destination): Promise<Buffer> {
    const { message } = claim;
    const body = await this.parts.spool.body(claim);
    const { domains, dkimKeys, metrics, clock } = this.parts;
    const domain = signingDomain(await domains.recent(message.account), message.fromDomain);
    if (domain === '') return body;
    const active = await dkimKeys.signingKeys(message.account, domain);
    const keys = dkim === 'rsa' ? active.filter(({ algorithm }) => algorithm === 'rsa-sha256') : active;
    const fields = await dkimSignatures(body, keys, clock.now());
    if (fields === undefined) return body;
    for (const { algorithm } of keys) metrics.dkimSignatures.inc({ algorithm });
    return Buffer.concat([Buffer.from(fields), body]);
  }

  /** Groups the recipients by what happened to them, and writes it. */
  private async conclude(claim: Claim, attempt: Attempt): Promise<WorkResult> {
    const { clock, metrics } = this.parts;
    const { message, waiting, work } = claim;
    const now = clock.now();
    const groups = new Map<AttemptOutcome, number[]>();
    for (const position of waiting) {
      const outcome = attempt.outcomes.get(message.recipients[position] ?? '');
      if (!outcome) continue;
      groups.set(outcome, [...(groups.get(outcome) ?? []), position]);
      metrics.deliveryAttempts.inc({ outcome: outcome.kind });
    }
    const waits = [...groups.keys()].filter(({ kind }) => kind === 'deferred' || kind === 'unknown');
    const retryAt = waits.length === 0 ? undefined : this.retryAt(claim, waits, now);
    const results = [...groups].map(([outcome, recipients]): Settlement => {
      const facts = { at: now, recipients, reply: outcome.reply, mx: attempt.mx, attempt: claim.attempts + 1 };
      const refused = { source: 'reply', classification: findingOf('unclassified', 'default') } as const;
      switch (outcome.kind) {
        case 'delivered':
          return { recipients, state: 'delivered', event: { type: 'delivered', ...facts, tls: attempt.tls } };
        case 'bounced':
          return { recipients, state: 'bounced', event: { type: 'bounced', ...facts, ...refused } };
        case 'deferred':
        case 'unknown':
          return {
            recipients,
            state: 'deferred',
            event: { type: outcome.kind, ...facts, ...refused, nextAttemptAt: retryAt ?? now },
          };
        default:
          return outcome.kind satisfies never;
      }
    });
    for (const { event, recipients } of results) this.tell(claim, event, recipients, now);
    if (results.some(({ state }) => state === 'delivered')) {
      metrics.timeToDelivery.observe(
        { stream: work.stream },
        (now - Math.max(message.acceptedAt, message.sendAt ?? 0)) / 1000,
      );
    }
    return this.settle(claim, results, retryAt);
  }

  private retryAt(claim: Claim, outcomes: readonly AttemptOutcome[], now: number): number {
    const asked = outcomes.map(({ reply }) => requestedWaitMs(reply)).filter((wait) => wait !== undefined);
    return nextAttemptAt(
      this.retryDelaysMs,
      {
        attempts: claim.attempts + 1,
        stream: claim.work.stream,
        ...(asked.length > 0 && { requestedWaitMs: Math.max(...asked) }),
      },
      now,
      this.random(),
    );
  }

  private async settle(claim: Claim, results: readonly Settlement[], retryAt: number | undefined): Promise<WorkResult> {
    const { spool, metrics, traffic, log } = this.parts;
    for (;;) {
      try {
        const result = await spool.settle(claim, results);
        if (result.kind === 'settled') {
          for (const { state, recipients, event } of results) {
            if (state === 'deferred') continue;
            metrics.recipientsSettled.inc({ state }, recipients.length);
            const areUnknown =
              event.type === 'bounced' && event.reply !== undefined && saysUnknownRecipient(event.reply);
            traffic.settled(claim.message.account, recipients.length, areUnknown ? recipients.length : 0);
          }
        } else log.warn('delivery.not_settled', { id: claim.message.id, why: result.kind });
        return retryAt === undefined ? { kind: 'done' } : { kind: 'again', at: retryAt };
      } catch (error) {
        log.warn('delivery.settle_waits', { id: claim.message.id, error: String(error) });
        await sleep(SETTLE_RETRY_MS);
      }
    }
  }

  private tell(claim: Claim, event: MessageEvent, recipients: readonly number[], now: number): void {
    const { log } = this.parts;
    const { message } = claim;
    log.info(`message.${event.type}`, {
      id: message.id,
      account: message.account,
      to: recipients.slice(0, 10).map((position) => log.address(message.recipients[position] ?? '')),
      ageMs: now - message.acceptedAt,
      ...('reply' in event &&
        event.reply && { code: event.reply.code, enhanced: event.reply.enhanced, reply: event.reply.text }),
      ...('mx' in event && { mx: event.mx }),
      ...('nextAttemptAt' in event && { nextAttemptAt: new Date(event.nextAttemptAt).toISOString() }),
    });
  }
}
