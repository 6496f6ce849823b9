/**
 * Suppressions as people see and change them: what is listed, added and taken away by hand. What was taken away is kept for a
 * year, with the reason, so that somebody can say later why mail went to an address again.
 */
import type { Redis } from 'ioredis';
import type { AccountLog } from '../../events/account-log.js';
import type { Clock } from '../../mail/clock.js';
import type { Stream } from '../../mail/stream.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { RedisSuppressions } from './redis-suppressions.js';
import { endOf } from './suppression-policy.js';
import { holdsOf, isOver, newHold, suppressionOf, suppressionPrefix, type Reactivation } from './suppression-record.js';
import { addScript, removeScript } from './suppression-scripts.js';
import { suppressedAddress } from './suppressed-address.js';
import type { Suppression, SuppressionReason } from './suppressions.js';

const REMOVALS_KEPT_MS = 365 * 86_400_000;
/** Records read for one page: a filter that few pass ends the page early, and the next begins after it. */
const READ_AT_ONCE = 500;
const READ_MAX = 10_000;

/** The words of a suppression for which nobody gave any. */
const UNTOLD = 'added by hand';

export interface NewSuppression {
  readonly address: string;
  readonly reason: SuppressionReason;
  /** Absent: what is known keeps its words. */
  readonly because?: string;
  readonly streams?: readonly Stream[];
  /** Milliseconds since the epoch; absent: as long as the reason lasts. */
  readonly until?: number;
}

/** A suppression that somebody took away. */
export interface FormerSuppression extends Suppression {
  readonly reactivated: { readonly at: number; readonly because: string; readonly by: string };
}

export type Listed = Suppression | FormerSuppression;

export interface SuppressionQuery {
  readonly state: 'suppressed' | 'reactivated';
  readonly reason?: SuppressionReason;
  readonly address?: string;
  /** Address after which to begin. */
  readonly after?: string;
  readonly limit: number;
}

/** `next`: the address after which a further page begins, where there may be one. */
export interface SuppressionPage {
  readonly found: readonly Listed[];
  readonly next?: string;
}

export interface Added {
  readonly suppression: Suppression;
  readonly isNew: boolean;
}

export class SuppressionBook {
  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly log: AccountLog,
    private readonly metrics: Metrics,
    private readonly suppressions: RedisSuppressions,
  ) {}

  /**
   * All of them or, where there is no room, none. What is suppressed for the same reason already becomes as wide and lasts as
   * long as both say: nothing is lifted by an addition.
   */
  async add(account: string, wanted: readonly NewSuppression[], by: string): Promise<readonly Added[] | 'full'> {
    const now = this.clock.now();
    const holds = wanted.map(({ address, reason, because = UNTOLD, streams, until = endOf(reason, now) }) => {
      const hold = newHold({
        ...{ r: reason, s: now, a: now, b: because, w: by },
        ...(until !== undefined && { u: until }),
        ...(streams && { t: streams }),
      });
      return [suppressedAddress(address), hold] as const;
    });
    const prefix = suppressionPrefix(account);
    const answers = await addScript.run(
      this.redis,
      [`${prefix}:index`],
      [
        prefix,
        now,
        this.suppressions.limits.suppressionsMax,
        ...holds.flatMap(([address, hold], i) => [
          address,
          JSON.stringify(hold),
          wanted[i]?.because === undefined ? '' : 'B',
        ]),
      ],
    );
    this.suppressions.changed(account);
    if (answers.length < wanted.length) return 'full';
    const records = await this.redis.mget(holds.map(([address]) => `${prefix}:a:${address}`));
    const added = holds.map(([address, hold], i): Added => {
      const kept = holdsOf(records[i]).find(({ r }) => r === hold.r) ?? hold;
      return { suppression: suppressionOf(address, kept), isNew: answers[i] === 1 };
    });
    await this.tell(account, added, by);
    return added;
  }

  /** What held the address until now; none where nothing did. */
  async remove(account: string, address: string, because: string, by: string): Promise<readonly Suppression[]> {
    const [prefix, now, spelt] = [suppressionPrefix(account), this.clock.now(), suppressedAddress(address)];
    const removal = JSON.stringify({ at: now, because, by });
    const args = [prefix, now, this.suppressions.limits.suppressionsMax, spelt, removal, REMOVALS_KEPT_MS];
    const holds = holdsOf(await removeScript.run(this.redis, [`${prefix}:index`], args));
    if (holds.length === 0) return [];
    const event = { type: 'suppression.removed', at: now, address: spelt, addresses: 1, because, by } as const;
    await this.log.append(account, event);
    return holds.map((hold) => suppressionOf(spelt, hold));
  }

  /** By address; an address with several reasons stands there once for each. */
  async list(account: string, query: SuppressionQuery): Promise<SuppressionPage> {
    const { address, limit } = query;
    if (address !== undefined) {
      const spelt = suppressedAddress(address);
      return { found: await this.read(account, [spelt], query) };
    }
    const found: Listed[] = [];
    let after = query.after;
    for (let read = 0; read < READ_MAX; read += READ_AT_ONCE) {
      const addresses = await this.addressesAfter(account, after, query.state);
      if (addresses.length === 0) return { found };
      for (const one of await this.byAddress(account, addresses, query)) {
        // An address is on one page with all its reasons.
        if (found.length > 0 && found.length + one.found.length > limit) return { found, next: after ?? '' };
        found.push(...one.found);
        after = one.address;
      }
      if (addresses.length < READ_AT_ONCE) return { found };
    }
    return { found, ...(after !== undefined && { next: after }) };
  }

  private async addressesAfter(
    account: string,
    after: string | undefined,
    state: SuppressionQuery['state'],
  ): Promise<string[]> {
    const index = `${suppressionPrefix(account)}:${state === 'suppressed' ? 'index' : 'gone-index'}`;
    return this.redis.zrangebylex(index, after === undefined ? '-' : `(${after}`, '+', 'LIMIT', 0, READ_AT_ONCE);
  }

  private async byAddress(
    account: string,
    addresses: readonly string[],
    { state, reason }: SuppressionQuery,
  ): Promise<{ readonly address: string; readonly found: readonly Listed[] }[]> {
    const [now, prefix] = [this.clock.now(), suppressionPrefix(account)];
    const kind = state === 'suppressed' ? 'a' : 'g';
    const records = await this.redis.mget(addresses.map((address) => `${prefix}:${kind}:${address}`));
    return addresses.map((address, i) => {
      const record = records[i];
      const all: readonly Listed[] =
        state === 'suppressed'
          ? holdsOf(record)
              .filter((hold) => !isOver(hold, now))
              .map((hold) => suppressionOf(address, hold))
          : formerOf(address, record);
      return { address, found: all.filter((one) => reason === undefined || one.reason === reason) };
    });
  }

  private async read(account: string, addresses: readonly string[], query: SuppressionQuery): Promise<Listed[]> {
    return (await this.byAddress(account, addresses, query)).flatMap(({ found }) => found);
  }

  private async tell(account: string, added: readonly Added[], by: string): Promise<void> {
    const made = added.filter(({ isNew }) => isNew).map(({ suppression }) => suppression);
    for (const { reason } of made) this.metrics.suppressions.inc({ reason });
    const [first] = made;
    if (!first) return;
    const { address, because } = first;
    const at = this.clock.now();
    await this.log.append(account, { type: 'suppression.added', at, address, addresses: made.length, because, by });
  }
}

function formerOf(address: string, record: string | null | undefined): FormerSuppression[] {
  const removals = record === null || record === undefined ? [] : (JSON.parse(record) as Reactivation[]);
  return removals.flatMap(({ at, because, by, was }) =>
    was.map((hold) => ({ ...suppressionOf(address, hold), reactivated: { at, because, by } })),
  );
}
