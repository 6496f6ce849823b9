/**
 * The sessions that a process holds with each destination: a bounded number, reused while they are warm, handed to
 * `critical` mail first. A destination that cannot be reached is left alone for a growing pause.
 */
import type { AttemptOutcome } from '../mail/outcome.js';
import { STREAMS, type Stream } from '../mail/stream.js';
import type { Clock } from '../mail/clock.js';
import { connectionLost } from './local-reply.js';
import type { Opening } from './open-session.js';
import type { SmtpClientSession } from './nodemailer-session.js';
import type { Destination } from './routing.js';

/** Sessions with one destination; the last few are kept for `critical`. */
const SESSIONS_MAX = 20;
const SESSIONS_FOR_CRITICAL = 4;
/** Transactions that may wait for a session of a destination that stands still; more go back to the queue. */
const WAITING_MAX = 20;
/** A destination that gave no session back for this long stands still. */
const STANDSTILL_MS = 1_000;
const IDLE_MS = 5_000;
/** Large receivers close a connection that carries more (421); a smarthost is the operator's own. */
const MESSAGES_PER_MX_SESSION = 20;
const MESSAGES_PER_SMARTHOST_SESSION = 1_000;
/** After so many openings failed in a row the destination rests, first this long, then twice as long each time. */
const FAILURES_BEFORE_REST = 3;
const REST_FIRST_MS = 2_000;
const REST_MAX_MS = 120_000;

export type Acquired =
  | { readonly kind: 'session'; readonly session: SmtpClientSession }
  | { readonly kind: 'failed'; readonly outcome: AttemptOutcome; readonly mx?: string }
  /** Too many wait already, or the process is draining: try again a little later. */
  | { readonly kind: 'crowded' };

type Failure = Extract<Opening, { kind: 'failed' }>;

interface Lane {
  readonly destination: Destination;
  open: number;
  readonly idle: { readonly session: SmtpClientSession; readonly timer: NodeJS.Timeout }[];
  readonly waiting: { readonly stream: Stream; readonly resume: (acquired: Acquired | undefined) => void }[];
  /** When it last gave a session back; at first, when it was made. */
  releasedAt: number;
  failures: number;
  restUntil: number;
  lastFailure: Failure | undefined;
}

export interface PoolGauge {
  sessionsChanged(open: number, idle: number): void;
}

export class ConnectionPool {
  private readonly lanes = new Map<string, Lane>();
  private readonly draining = new AbortController();
  private openCount = 0;
  private idleCount = 0;

  constructor(
    private readonly open: (destination: Destination, signal: AbortSignal) => Promise<Opening>,
    private readonly clock: Clock,
    private readonly gauge: PoolGauge,
  ) {}

  /** A session to send one message over; give it back with `release`. */
  async acquire(destination: Destination, stream: Stream): Promise<Acquired> {
    if (this.draining.signal.aborted) return { kind: 'crowded' };
    const lane = this.laneOf(destination);
    for (;;) {
      const warm = this.takeIdle(lane);
      if (warm) return { kind: 'session', session: warm };
      if (lane.lastFailure && this.clock.now() < lane.restUntil) return lane.lastFailure;
      if (lane.open < this.limit(stream)) return this.openOne(lane);
      if (lane.waiting.length >= WAITING_MAX && this.clock.now() - lane.releasedAt > STANDSTILL_MS) {
        return { kind: 'crowded' };
      }
      const handed = await new Promise<Acquired | undefined>((resume) => lane.waiting.push({ stream, resume }));
      if (handed) return handed;
    }
  }

  /** Gives a session back, or lets it go where it is used up or dead. */
  release(destination: Destination, session: SmtpClientSession): void {
    const lane = this.laneOf(destination);
    lane.releasedAt = this.clock.now();
    const perSession = destination.kind === 'mx' ? MESSAGES_PER_MX_SESSION : MESSAGES_PER_SMARTHOST_SESSION;
    if (!session.alive || session.used >= perSession || this.draining.signal.aborted) {
      this.drop(lane, session);
      this.wake(lane, undefined);
      return;
    }
    if (this.wake(lane, { kind: 'session', session })) return;
    const timer = setTimeout(() => {
      const index = lane.idle.findIndex((entry) => entry.session === session);
      if (index === -1) return;
      lane.idle.splice(index, 1);
      this.idleCount--;
      this.drop(lane, session);
    }, IDLE_MS);
    lane.idle.push({ session, timer });
    this.idleCount++;
    this.report();
  }

  /** Ends sessions that are idle or being opened, sends those who wait back to the queue, and opens no more. */
  drain(): void {
    this.draining.abort();
    for (const lane of this.lanes.values()) {
      for (const { resume } of lane.waiting.splice(0)) resume({ kind: 'crowded' });
      for (const { session, timer } of lane.idle.splice(0)) {
        clearTimeout(timer);
        this.idleCount--;
        this.drop(lane, session);
      }
    }
  }

  private async openOne(lane: Lane): Promise<Acquired> {
    // Its last session may just have been dropped, and the lane with it.
    this.lanes.set(lane.destination.key, lane);
    lane.open++;
    this.openCount++;
    this.report();
    const opening = await this.open(lane.destination, this.draining.signal).catch((error: unknown): Opening => ({
      kind: 'failed',
      outcome: connectionLost(String(error)),
    }));
    if (opening.kind === 'open') {
      lane.failures = 0;
      lane.lastFailure = undefined;
      return { kind: 'session', session: opening.session };
    }
    lane.open--;
    this.openCount--;
    this.report();
    if (this.draining.signal.aborted) return { kind: 'crowded' };
    lane.failures++;
    if (lane.failures >= FAILURES_BEFORE_REST && opening.outcome.kind === 'deferred') {
      const doublings = Math.min(lane.failures - FAILURES_BEFORE_REST, 10);
      lane.restUntil = this.clock.now() + Math.min(REST_FIRST_MS * 2 ** doublings, REST_MAX_MS);
      lane.lastFailure = opening;
      for (const { resume } of lane.waiting.splice(0)) resume(opening);
    } else this.wake(lane, undefined);
    return opening;
  }

  private takeIdle(lane: Lane): SmtpClientSession | undefined {
    for (let entry = lane.idle.pop(); entry; entry = lane.idle.pop()) {
      clearTimeout(entry.timer);
      this.idleCount--;
      if (entry.session.alive) return entry.session;
      this.drop(lane, entry.session);
    }
    return undefined;
  }

  /** Resumes whoever waits first, of the first stream in the order of precedence. */
  private wake(lane: Lane, acquired: Acquired | undefined): boolean {
    for (const stream of STREAMS) {
      const index = lane.waiting.findIndex((waiter) => waiter.stream === stream);
      if (index === -1) continue;
      const [next] = lane.waiting.splice(index, 1);
      next?.resume(acquired);
      return true;
    }
    return false;
  }

  private drop(lane: Lane, session: SmtpClientSession): void {
    lane.open--;
    this.openCount--;
    session.quit();
    if (lane.open === 0 && lane.waiting.length === 0 && lane.failures === 0) this.lanes.delete(lane.destination.key);
    this.report();
  }

  private limit(stream: Stream): number {
    return stream === 'critical' ? SESSIONS_MAX : SESSIONS_MAX - SESSIONS_FOR_CRITICAL;
  }

  private laneOf(destination: Destination): Lane {
    let lane = this.lanes.get(destination.key);
    if (!lane) {
      this.forgetRested();
      const releasedAt = this.clock.now();
      lane = {
        destination,
        open: 0,
        idle: [],
        waiting: [],
        releasedAt,
        failures: 0,
        restUntil: 0,
        lastFailure: undefined,
      };
      this.lanes.set(destination.key, lane);
    }
    return lane;
  }

  /** A destination that failed long ago is forgotten, so that a list of dead domains does not grow for ever. */
  private forgetRested(): void {
    if (this.lanes.size < 1_000) return;
    const now = this.clock.now();
    for (const [key, lane] of this.lanes) {
      if (lane.open === 0 && lane.waiting.length === 0 && now > lane.restUntil + REST_MAX_MS) this.lanes.delete(key);
    }
  }

  private report(): void {
    this.gauge.sessionsChanged(this.openCount, this.idleCount);
  }
}
