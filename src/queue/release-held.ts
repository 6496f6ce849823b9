/**
 * Lets held mail go when its limits allow it: for every lane, first in first out, until the next would be over. A lane is
 * looked at again when its limit says, so ten thousand held messages cost no more than one.
 */
import type { Accounts } from '../accounts/accounts.js';
import type { MessageAllowance, Sender } from '../accounts/message-allowance.js';
import type { Clock } from '../mail/clock.js';
import type { Log } from '../telemetry/logger.js';
import { laneOf, type HeldMail, type HeldMessage } from './held-mail.js';

/** Lanes looked at in one round, and messages released of one: what is left has its turn in the next. */
const LANES_MAX = 200;
const RELEASED_MAX = 500;
/** A limit that was raised, or a suspension that was lifted, shows after this at the latest. */
const LOOK_AGAIN_MS = 30_000;

export class ReleaseHeld {
  /** The longest from one round to the next: a lane that opens between is seen in the one before. */
  static readonly ROUND_EVERY_MS = 100;

  constructor(
    private readonly held: HeldMail,
    private readonly accounts: Accounts,
    private readonly allowance: MessageAllowance,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * One round. Several processes may make one at once: a message is released by one of them. Returns in how many
   * milliseconds the next is due: when the first lane opens, so that none loses what its limit allows.
   */
  async run(): Promise<number> {
    const startedAt = this.clock.now();
    const lanes = await this.held.due(startedAt + ReleaseHeld.ROUND_EVERY_MS, LANES_MAX);
    let next = startedAt + ReleaseHeld.ROUND_EVERY_MS;
    for (const { lane, at } of lanes) {
      if (at <= startedAt) next = Math.min(next, await this.look(lane));
      else next = Math.min(next, at);
    }
    return Math.max(0, next - this.clock.now());
  }

  /** Returns when the lane is to be looked at again. */
  private async look(lane: string): Promise<number> {
    try {
      return await this.releaseLane(lane);
    } catch (error) {
      // A fault of one lane must not keep the others waiting.
      this.log.error('queue.release_failed', error, { lane });
      const at = this.clock.now() + LOOK_AGAIN_MS;
      await this.held.lookAgain(lane, at);
      return at;
    }
  }

  private async releaseLane(lane: string): Promise<number> {
    for (let i = 0; i < RELEASED_MAX; i++) {
      const head = await this.held.head(lane);
      if (!head) return Infinity;
      const waitMs = await this.releaseOne(head, lane);
      if (waitMs === 0) continue;
      const at = this.clock.now() + Math.min(waitMs, LOOK_AGAIN_MS);
      await this.held.lookAgain(lane, at);
      return at;
    }
    return this.clock.now();
  }

  /** Releases the message where it may go; returns how long its lane has to wait, 0 where the next may be looked at. */
  private async releaseOne(head: HeldMessage, lane: string): Promise<number> {
    const { allowance, held, log } = this;
    const { account: name, id, stream } = head.message;
    const now = this.clock.now();
    const account = await this.accounts.recent(name);
    if (account?.state === 'suspended') return LOOK_AGAIN_MS;
    const { credential } = head.holding;
    // An account that is gone has no limits: what was accepted of it is delivered.
    const sender: Sender = { account: name, stream, limits: account?.limits ?? {}, ...(credential && { credential }) };
    const decision = await allowance.reserve(sender, now);
    if (decision.kind === 'over') {
      const own = laneOf(name, stream, credential?.id);
      if (decision.of === 'account' || lane === own) return decision.retryAfterMs;
      // Only its own credential stands in its way: those behind it must not wait for that.
      await held.move(head, lane, own);
      return 0;
    }
    if (await held.release(head, lane, now)) log.info('message.released', { id, account: name, stream });
    else if (decision.reservation) await allowance.refund(decision.reservation);
    return 0;
  }
}
