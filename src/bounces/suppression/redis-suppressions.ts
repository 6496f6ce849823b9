/**
 * Suppressions in Redis. An account that has none costs one question a second: mail is neither accepted nor delivered any
 * slower. What is suppressed by one process is so in all within a second.
 */
import type { Redis } from 'ioredis';
import type { Accounts } from '../../accounts/accounts.js';
import { DEFAULT_SUPPRESS_AFTER } from '../../accounts/account.js';
import { RecentReads } from '../../accounts/recent-reads.js';
import { inWords } from '../../mail/categories.js';
import type { Clock } from '../../mail/clock.js';
import type { Stream } from '../../mail/stream.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { endOf, weigh, type Sentence } from './suppression-policy.js';
import {
  concerns,
  holdsOf,
  isOver,
  newHold,
  suppressionOf,
  suppressionPrefix,
  weightiest,
  type Hold,
} from './suppression-record.js';
import { bypassScript, deliveredScript, recordScript } from './suppression-scripts.js';
import { suppressedAddress } from './suppressed-address.js';
import {
  Suppressions,
  type Newcomer,
  type Suppression,
  type SuppressionCause,
  type SuppressionVerdict,
} from './suppressions.js';

/** What Redis keeps of one account: measured 650 bytes a suppression, 350 bytes an address with counts. */
export interface SuppressionLimits {
  /** A further one takes the place of the one that ends next; where none ends, or the new one would before, it is not kept. */
  readonly suppressionsMax: number;
  /** Addresses with refusals that count; the one that is forgotten next makes room. */
  readonly countedMax: number;
}

const SUPPRESSION_LIMITS: SuppressionLimits = { suppressionsMax: 500_000, countedMax: 100_000 };

const BECAUSE_CHARACTERS_MAX = 500;
/** Where there is no room, each further bounce could tell of it. */
const FULL_TOLD_EVERY_MS = 60_000;

/** How many addresses of an account are suppressed, and for how many a delivery would change something. */
interface Standing {
  readonly suppressed: number;
  readonly unsettled: number;
}

export class RedisSuppressions extends Suppressions {
  private readonly standings: RecentReads<Standing>;
  private fullToldAt = -Infinity;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly accounts: Accounts,
    private readonly metrics: Metrics,
    private readonly log: Log,
    readonly limits = SUPPRESSION_LIMITS,
  ) {
    super();
    this.standings = new RecentReads(clock, (account) => this.readStanding(account));
  }

  async verdicts(
    account: string,
    addresses: readonly string[],
    stream: Stream,
    newcomer?: Newcomer,
  ): Promise<ReadonlyMap<string, SuppressionVerdict>> {
    const verdicts = new Map<string, SuppressionVerdict>();
    if (addresses.length === 0 || (await this.standings.get(account)).suppressed === 0) return verdicts;
    const spelt = addresses.map(suppressedAddress);
    const prefix = suppressionPrefix(account);
    const records = await this.redis.mget(spelt.map((address) => `${prefix}:a:${address}`));
    const now = this.clock.now();
    for (const [i, address] of addresses.entries()) {
      const holds = holdsOf(records[i]).filter((hold) => !isOver(hold, now) && concerns(hold, stream));
      const hold = weightiest(holds);
      if (!hold) continue;
      // The weightiest is soft only where all of them are.
      const mayPass =
        stream === 'critical' && hold.f === 1 && !(newcomer && holds.some((one) => isSpent(one, newcomer)));
      const kind = mayPass ? 'bypass' : 'suppressed';
      verdicts.set(address, { kind, suppression: suppressionOf(spelt[i] ?? address, hold) });
    }
    return verdicts;
  }

  async takeBypass(account: string, address: string, messageId: string, supersedeKey = ''): Promise<boolean> {
    const step = this.step(account, suppressedAddress(address), messageId, supersedeKey);
    return (await bypassScript.run(this.redis, ...step)) === 1;
  }

  async record(cause: SuppressionCause): Promise<Suppression | undefined> {
    const { account, key, at, messageId } = cause;
    const { suppressAfter = DEFAULT_SUPPRESS_AFTER } = (await this.accounts.recent(account)) ?? {};
    const weight = weigh(cause, suppressAfter);
    const address = suppressedAddress(cause.address);
    // A report that names no address, or half of one.
    if (!address.includes('@')) return undefined;
    if (weight.kind === 'nothing') return this.find(account, address);
    const counted = weight.kind === 'count' ? [weight.counter, weight.after, weight.withinMs] : ['', 0, 0];
    const late = cause.what.kind === 'refused' && cause.what.late === true ? 'L' : '';
    const hold = JSON.stringify(holdOf(cause, weight));
    const [keys, args] = this.step(
      account,
      this.limits.countedMax,
      address,
      key,
      at,
      messageId,
      hold,
      ...counted,
      late,
    );
    const [what, record] = await recordScript.run(this.redis, keys, args);
    this.changed(account);
    if (what === 1) this.metrics.suppressions.inc({ reason: weight.reason });
    if (what === 2) this.tellFull(account, weight.reason);
    return this.strongest(address, record);
  }

  async delivered(account: string, addresses: readonly string[]): Promise<void> {
    if (addresses.length === 0 || (await this.standings.get(account)).unsettled === 0) return;
    await deliveredScript.run(this.redis, ...this.step(account, ...addresses.map(suppressedAddress)));
  }

  /** This process is to see at once what changed. */
  changed(account: string): void {
    this.standings.forget(account);
  }

  private tellFull(account: string, reason: string): void {
    this.metrics.suppressionsDropped.inc({ reason });
    const now = this.clock.now();
    if (now - this.fullToldAt < FULL_TOLD_EVERY_MS) return;
    this.fullToldAt = now;
    this.log.warn('suppression.no_room', { account, reason, suppressionsMax: this.limits.suppressionsMax });
  }

  private async find(account: string, address: string): Promise<Suppression | undefined> {
    return this.strongest(address, await this.redis.get(`${suppressionPrefix(account)}:a:${address}`));
  }

  private strongest(address: string, record: string | null): Suppression | undefined {
    const now = this.clock.now();
    const hold = weightiest(holdsOf(record).filter((each) => !isOver(each, now)));
    return hold && suppressionOf(address, hold);
  }

  private async readStanding(account: string): Promise<Standing> {
    const prefix = suppressionPrefix(account);
    const now = `(${this.clock.now()}`;
    const counts = await Promise.all(
      ['ends', 'counted', 'soft'].map((name) => this.redis.zcount(`${prefix}:${name}`, now, '+inf')),
    );
    const [suppressed = 0, counted = 0, soft = 0] = counts;
    return { suppressed, unsettled: counted + soft };
  }

  private step(account: string, ...args: (string | number)[]): [string[], (string | number)[]] {
    const prefix = suppressionPrefix(account);
    return [[`${prefix}:index`], [prefix, this.clock.now(), this.limits.suppressionsMax, ...args]];
  }
}

function holdOf({ what, at, messageId, key }: SuppressionCause, { reason, streams }: Sentence): Hold {
  const until = endOf(reason, at);
  return newHold({
    r: reason,
    s: at,
    a: at,
    ...(until !== undefined && { u: until }),
    ...(streams && { t: streams }),
    b: becauseOf(what).slice(0, BECAUSE_CHARACTERS_MAX).toWellFormed(),
    m: messageId,
    k: key,
  });
}

/** Another message has gone past it, and this one does not come in its place. */
function isSpent({ x, y }: Hold, { supersedeKey }: Newcomer): boolean {
  return x !== undefined && (supersedeKey === undefined || supersedeKey !== y);
}

function becauseOf(what: SuppressionCause['what']): string {
  if (what.kind === 'complained') return `Somebody complained about the mail (${what.feedbackType})`;
  // Nobody was reached who would have said anything.
  return what.reply === '' ? inWords(what.classification).explanation : what.reply;
}
