/**
 * Whether a message that is sound may come in now: once by its idempotency key, and within the limits of its account and
 * credential. What is taken for it is given back by `undo` where it is not kept in the end.
 */
import type { Account } from '../accounts/account.js';
import {
  expectedWait,
  isLimited,
  type MessageAllowance,
  type OverLimit,
  type RateFacts,
  type Reservation,
  type Sender,
} from '../accounts/message-allowance.js';
import type { Credential } from '../accounts/credentials.js';
import type { Stream } from '../mail/stream.js';
import { laneOf, type HeldMail } from '../queue/held-mail.js';
import type { HeldKey, Idempotency, StoredAnswer } from '../queue/idempotency.js';
import type { Holding } from '../queue/spool.js';
import type { Metrics } from '../telemetry/metrics.js';
import { refusal, type Refusal } from './refusals.js';

/** What of a message decides whether it may come in. */
export interface Applicant {
  readonly account: string;
  readonly stream: Stream;
  readonly credential?: Pick<Credential, 'id' | 'limits'>;
  /** Until when it is tried. */
  readonly expiresAt: number;
  readonly idempotencyKey?: string;
  /** What makes two messages with one idempotency key the same. */
  readonly fingerprint: () => string;
}

/** What was taken for a message, and how it is to be kept. */
export interface Admission {
  readonly kind: 'admitted';
  readonly heldKey?: HeldKey;
  readonly holding?: Holding;
  readonly reservation?: Reservation;
  readonly rate?: RateFacts;
}

export type AdmissionDecision =
  | Admission
  | { readonly kind: 'replayed'; readonly answer: StoredAnswer }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly rate?: RateFacts };

/** Messages held in one lane: some 300 MB of Redis beside their bodies. Who is that far behind has a wrong limit. */
export const HELD_MAX = 100_000;

export class AdmitMessage {
  constructor(
    private readonly allowance: MessageAllowance,
    private readonly held: HeldMail,
    private readonly idempotency: Idempotency,
    private readonly metrics: Metrics,
  ) {}

  /** @param account undefined where it has no record, and so no limits */
  async admit(applicant: Applicant, account: Account | undefined, nowMs: number): Promise<AdmissionDecision> {
    const key = await this.begin(applicant);
    if (key !== undefined && 'kind' in key) return key;
    const taken: Admission = { kind: 'admitted', ...(key && { heldKey: key }) };
    try {
      const decision = await this.withinLimits(applicant, account, nowMs);
      if (decision.kind === 'admitted') return { ...taken, ...decision };
      await this.undo(taken);
      return decision;
    } catch (error) {
      await this.undo(taken).catch(() => undefined);
      throw error;
    }
  }

  /** Gives back what was taken for a message that was not kept. */
  async undo({ heldKey, reservation }: Admission): Promise<void> {
    await Promise.all([
      heldKey && this.idempotency.release(heldKey),
      reservation && this.allowance.refund(reservation),
    ]);
  }

  private async begin(applicant: Applicant): Promise<HeldKey | Exclude<AdmissionDecision, Admission> | undefined> {
    const { account, idempotencyKey, fingerprint } = applicant;
    if (idempotencyKey === undefined) return undefined;
    const beginning = await this.idempotency.begin(account, idempotencyKey, fingerprint());
    switch (beginning.kind) {
      case 'begun':
        return beginning.held;
      case 'replayed':
        return beginning;
      case 'mismatch':
        return { kind: 'refused', refusal: refusal('idempotency_mismatch') };
      case 'in-flight':
        return { kind: 'refused', refusal: refusal('idempotency_in_flight', '', 1) };
      default:
        return beginning satisfies never;
    }
  }

  private async withinLimits(
    { account: name, stream, credential, expiresAt }: Applicant,
    account: Account | undefined,
    nowMs: number,
  ): Promise<AdmissionDecision> {
    const limited = credential?.limits && { id: credential.id, limits: credential.limits };
    const sender: Sender = {
      account: name,
      stream,
      limits: account?.limits ?? {},
      ...(limited && { credential: limited }),
    };
    if (!isLimited(sender)) return { kind: 'admitted' };
    const holds = account?.onLimit === 'hold';
    const behind = holds ? await this.behindHeld(sender, nowMs, expiresAt) : undefined;
    if (behind) return behind;
    const decision = await this.allowance.reserve(sender, nowMs);
    if (decision.kind === 'allowed') {
      const { reservation, rate } = decision;
      return { kind: 'admitted', ...(reservation && { reservation }), ...(rate && { rate }) };
    }
    const rate: RateFacts = { limit: decision.limit, remaining: 0, resetMs: decision.retryAfterMs };
    const until = nowMs + decision.retryAfterMs;
    // What is certain to expire is not promised to anybody.
    const isHeld = holds && until < expiresAt;
    this.metrics.limitDecisions.inc({ decision: isHeld ? 'held' : 'refused', window: decision.window });
    if (!isHeld) return { kind: 'refused', refusal: overLimit(said(decision), decision.retryAfterMs), rate };
    const lane = laneOf(name, stream, decision.of === 'credential' ? credential?.id : undefined);
    return { kind: 'admitted', holding: holdingOf(sender, lane, until, `limit reached: ${said(decision)}`), rate };
  }

  /** What is new must not overtake what is held, or that would never come to its turn. */
  private async behindHeld(sender: Sender, nowMs: number, expiresAt: number): Promise<AdmissionDecision | undefined> {
    const { account, stream, credential } = sender;
    const lanes = [...(credential ? [laneOf(account, stream, credential.id)] : []), laneOf(account, stream)];
    const tails = await Promise.all(lanes.map(async (lane) => ({ lane, ...(await this.held.tail(lane)) })));
    const met = tails.find(({ waiting }) => waiting > 0);
    if (!met) return undefined;
    const { lane, waiting, until: untilOfLast } = met;
    const { window, waitMs } = expectedWait(sender, waiting);
    const until = Math.round(Math.max(nowMs + waitMs, untilOfLast));
    const before = `${waiting} messages before it wait for a limit`;
    const isHeld = waiting < HELD_MAX && until < expiresAt;
    this.metrics.limitDecisions.inc({ decision: isHeld ? 'held' : 'refused', window });
    if (isHeld) return { kind: 'admitted', holding: holdingOf(sender, lane, until, before) };
    return { kind: 'refused', refusal: overLimit(before, until - nowMs) };
  }
}

function holdingOf({ credential }: Sender, lane: string, until: number, because: string): Holding {
  return { lane, until, because, ...(credential && { credential }) };
}

function overLimit(why: string, retryAfterMs: number): Refusal {
  const retryAfterS = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return refusal('over_limit', `${why}, try again in ${retryAfterS} seconds`, retryAfterS);
}

function said({ limit, window, of }: OverLimit): string {
  return `${limit} messages per ${window} for this ${of}`;
}
