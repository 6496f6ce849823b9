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
import type { TrafficWatch } from '../accounts/traffic-watch.js';
import type { Classifier } from '../bounces/classify/classifier.js';
import type { Suppressions } from '../bounces/suppression/suppressions.js';
import type { Route } from '../config/routes.js';
import type { MessageEvent } from '../events/event.js';
import { requestedWaitMs } from '../mail/reply.js';
import type { AttemptOutcome } from '../mail/outcome.js';
import type { WorkResult } from '../queue/bullmq-consumer.js';
import { expirySettlements } from '../queue/expiry.js';
import { supersession } from '../queue/message-fields.js';
import { nextAttemptAt } from '../queue/retry-schedule.js';
import type { Claim, Settlement, Work } from '../queue/spool.js';
import type { Log } from '../telemetry/logger.js';
import { groupsOf, settlementsOf, type Attempt } from './conclude-attempt.js';
import { holdBackSuppressed } from './hold-back-suppressed.js';
import { MakeAttempt, type AttemptParts } from './make-attempt.js';

/** A transaction whose destination is full comes back after about this long. */
const CROWDED_MS = 2_000;
const SETTLE_RETRY_MS = 500;
/** When it is looked again whether an account is still suspended: spread, so that what was put off at once comes back apart. */
const SUSPENDED_MIN_MS = 300_000;
const SUSPENDED_SPREAD_MS = 600_000;
/** What a fault of ours waits before the next try, so that it does not spin. */
const FAULT_PAUSE_MS = 30_000;

export interface DeliverParts extends AttemptParts {
  readonly log: Log;
  readonly accounts: Accounts;
  readonly traffic: TrafficWatch;
  readonly classifier: Classifier;
  readonly suppressions: Suppressions;
}

/** How mail leaves, as the operator set it. */
export interface DeliverRules {
  readonly routes: readonly Route[];
  readonly retryDelaysMs: readonly number[];
  readonly bounceDomain: string;
}

export class DeliverTransaction {
  private readonly makeAttempt: MakeAttempt;
  /** Until when mail of suspended accounts is to be expected: none of it comes back later than that. */
  private suspendedMailUntil = 0;

  constructor(
    private readonly parts: DeliverParts,
    private readonly rules: DeliverRules,
    private readonly random: () => number = Math.random,
  ) {
    this.makeAttempt = new MakeAttempt(parts, rules.routes, rules.bounceDomain);
  }

  async deliver(work: Work): Promise<WorkResult> {
    const { spool, clock, log } = this.parts;
    try {
      const suspended = await this.suspendedBeforeClaim(work);
      if (suspended) return suspended;
      const claim = await spool.claim(work);
      if (!claim) return { kind: 'done' };
      const over = await this.overBeforeAttempt(claim);
      if (over) return await this.settle(claim, over, undefined);
      const notBefore = await this.notBefore(claim.message);
      if (notBefore !== undefined) return { kind: 'again', at: notBefore };
      return await this.tryNow(claim);
    } catch (error) {
      log.error('delivery.fault', error, { id: work.messageId, transaction: work.transaction });
      return { kind: 'again', at: clock.now() + FAULT_PAUSE_MS };
    }
  }

  private async tryNow(claimed: Claim): Promise<WorkResult> {
    const { clock } = this.parts;
    const { claim, results } = await holdBackSuppressed(claimed, this.parts, clock.now());
    if (claim.waiting.length === 0) return this.settle(claim, results, undefined);
    const attempt = await this.makeAttempt.attempt(claim);
    // What is held back is found again: it is written with what the attempt leaves, or the attempt would not be counted.
    if (attempt === 'crowded') return { kind: 'again', at: clock.now() + CROWDED_MS * (0.5 + this.random()) };
    return this.conclude(claim, attempt, results);
  }

  /** What becomes of recipients for whom nothing is tried any more. */
  private async overBeforeAttempt({
    message,
    waiting,
    supersededBy,
  }: Claim): Promise<readonly Settlement[] | undefined> {
    const now = this.parts.clock.now();
    if (supersededBy !== undefined) return [supersession(waiting, supersededBy, now)];
    if (now < message.expiresAt) return undefined;
    const history = await this.parts.spool.read(message.id);
    return expirySettlements(waiting, history?.events ?? [], now);
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

  /** Groups the recipients by what happened to them, and writes it, after what was decided before. */
  private async conclude(claim: Claim, attempt: Attempt, before: readonly Settlement[]): Promise<WorkResult> {
    const { clock, metrics, classifier } = this.parts;
    const { message, work } = claim;
    const now = clock.now();
    const groups = groupsOf(claim, attempt);
    for (const [{ kind }, { length }] of groups) metrics.deliveryAttempts.inc({ outcome: kind }, length);
    const waits = [...groups.keys()].filter(({ kind }) => kind === 'deferred' || kind === 'unknown');
    const retryAt = waits.length === 0 ? undefined : this.retryAt(claim, waits, now);
    const results = [...before, ...settlementsOf(claim, attempt, groups, classifier, { now, retryAt })];
    if (results.some(({ state }) => state === 'delivered')) {
      metrics.timeToDelivery.observe(
        { stream: work.stream },
        (now - Math.max(message.acceptedAt, message.sendAt ?? 0)) / 1000,
      );
    }
    return this.settle(claim, results, retryAt, attempt.sentMessageId);
  }

  private retryAt(claim: Claim, outcomes: readonly AttemptOutcome[], now: number): number {
    const asked = outcomes.map(({ reply }) => requestedWaitMs(reply)).filter((wait) => wait !== undefined);
    return nextAttemptAt(
      this.rules.retryDelaysMs,
      {
        attempts: claim.attempts + 1,
        stream: claim.work.stream,
        ...(asked.length > 0 && { requestedWaitMs: Math.max(...asked) }),
      },
      now,
      this.random(),
    );
  }

  private async settle(
    claim: Claim,
    results: readonly Settlement[],
    retryAt: number | undefined,
    sentMessageId?: string,
  ): Promise<WorkResult> {
    const { spool, log } = this.parts;
    for (const { event, recipients } of results) this.tell(claim, event, recipients);
    for (;;) {
      try {
        const result = await spool.settle(claim, results, sentMessageId);
        if (result.kind === 'settled') this.count(claim, results);
        else log.warn('delivery.not_settled', { id: claim.message.id, why: result.kind });
        return retryAt === undefined ? { kind: 'done' } : { kind: 'again', at: retryAt };
      } catch (error) {
        log.warn('delivery.settle_waits', { id: claim.message.id, error: String(error) });
        await sleep(SETTLE_RETRY_MS);
      }
    }
  }

  private count({ message }: Claim, results: readonly Settlement[]): void {
    const { metrics, traffic, suppressions, log } = this.parts;
    for (const { state, recipients, event } of results) {
      if (state === 'deferred') continue;
      metrics.recipientsSettled.inc({ state }, recipients.length);
      // No server was asked for it: it must not thin the rate of the unknown.
      if (state === 'suppressed' || state === 'superseded') continue;
      const areUnknown = event.type === 'bounced' && event.classification.category === 'unknown_recipient';
      traffic.settled(message.account, recipients.length, areUnknown ? recipients.length : 0);
      if (state !== 'delivered') continue;
      // Best effort, and not waited for: what is not told now is told by the next delivery.
      const addresses = recipients.map((position) => message.recipients[position] ?? '');
      suppressions.delivered(message.account, addresses).catch((error: unknown) => {
        log.warn('delivery.not_told', { id: message.id, error: String(error) });
      });
    }
  }

  private tell(claim: Claim, event: MessageEvent, recipients: readonly number[]): void {
    const { log } = this.parts;
    const { message } = claim;
    log.info(`message.${event.type}`, {
      id: message.id,
      account: message.account,
      to: recipients.slice(0, 10).map((position) => log.address(message.recipients[position] ?? '')),
      ageMs: event.at - message.acceptedAt,
      ...('reply' in event &&
        event.reply && { code: event.reply.code, enhanced: event.reply.enhanced, reply: event.reply.text }),
      ...('mx' in event && { mx: event.mx }),
      ...('classification' in event && { class: event.classification.category }),
      ...('nextAttemptAt' in event && { nextAttemptAt: new Date(event.nextAttemptAt).toISOString() }),
    });
  }
}
