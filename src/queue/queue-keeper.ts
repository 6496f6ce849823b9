/**
 * Keeps promises that no job keeps: messages expire on their own clock, whether or not a retry comes round, a message
 * that has lost its job gets a new one, and what is held for a limit is let go. Every worker process runs one; their steps are atomic, so it does no
 * harm that several do.
 */
import type { Clock } from '../mail/clock.js';
import type { Log } from '../telemetry/logger.js';
import { ReleaseHeld } from './release-held.js';
import type { Spool } from './spool.js';

const EXPIRE_EVERY_MS = 2_000;
const REPAIR_EVERY_MS = 10_000;
/** Messages looked at in one round: enough for a backlog of a million a day, little enough not to be felt. */
const EXPIRE_BATCH = 500;
const REPAIR_BATCH = 500;

export class QueueKeeper {
  private readonly timers: NodeJS.Timeout[] = [];
  private releaseTimer: NodeJS.Timeout | undefined;
  private stopped = false;
  private readonly running = new Set<string>();

  constructor(
    private readonly spool: Spool,
    private readonly releaseHeld: ReleaseHeld,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  start(): void {
    this.every(EXPIRE_EVERY_MS, 'expire', () => this.expireDue());
    this.every(REPAIR_EVERY_MS, 'repair', async () => {
      await this.spool.repair(REPAIR_BATCH);
    });
    this.releaseIn(ReleaseHeld.ROUND_EVERY_MS);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    clearTimeout(this.releaseTimer);
  }

  /** Settles what is over. A message whose attempt is under way is left, and met again in the next round. */
  async expireDue(): Promise<void> {
    const now = this.clock.now();
    for (const id of await this.spool.expired(now, EXPIRE_BATCH)) await this.spool.expire(id, now);
  }

  /** Not at a steady beat: what a limit of a second allows is let go when its window opens, or the rate is never met. */
  private releaseIn(ms: number): void {
    this.releaseTimer = setTimeout(() => void this.release(), ms);
  }

  private async release(): Promise<void> {
    let nextMs = ReleaseHeld.ROUND_EVERY_MS;
    try {
      nextMs = await this.releaseHeld.run();
    } catch (error) {
      this.log.warn('queue.release_failed', { error: String(error) });
    }
    if (!this.stopped) this.releaseIn(nextMs);
  }

  private every(ms: number, name: string, step: () => Promise<void>): void {
    const timer = setInterval(() => {
      if (this.running.has(name)) return;
      this.running.add(name);
      step()
        .catch((error: unknown) => {
          this.log.warn(`queue.${name}_failed`, { error: String(error) });
        })
        .finally(() => this.running.delete(name));
    }, ms);
    this.timers.push(timer);
  }
}
