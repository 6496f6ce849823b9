/**
 * Notices that an account's mail is not what it was: many more messages than in its busiest hour of the last week, or many
 * recipients that do not exist. Both are what a stolen password looks like. It tells the account's log once an hour, and
 * suspends the account where its `watch` says so.
 *
 * Every process counts for itself and hands its counts over every few seconds: what is lost by its death is less than a
 * limit would notice.
 */
import type { Redis } from 'ioredis';
import type { AccountEvent, AccountLog } from '../events/account-log.js';
import type { Clock } from '../mail/clock.js';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';
import { LuaScript } from '../store/lua-script.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Account } from './account.js';
import type { Accounts } from './accounts.js';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const FLUSH_EVERY_MS = 2_000;
/** An account without a past is held against this many messages an hour. */
const BASELINE_MIN = 100;
/** Of fewer settled recipients no rate is taken: three typing errors of four are no attack. */
const SETTLED_MIN = 50;

interface Counts {
  accepted: number;
  settled: number;
  unknown: number;
}

/**
 * KEYS: 1 the account's traffic. ARGV: 1 hour and 2 day since the epoch, 3 accepted, 4 settled, 5 unknown, 6 volume factor,
 * 7 unknown rate, 8 the least baseline, 9 the least settled recipients.
 * Returns {1 where the volume has just become suspicious, 1 where the rate has, accepted, baseline, settled, unknown}.
 */
const countTraffic = new LuaScript<[number, number, number, number, number, number]>(
  'count traffic',
  1,
  `
local key, hour, day = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local last = tonumber(redis.call('HGET', key, 'h') or '-1')
if hour > last then
  -- What the last hour held is that day's, where it was its busiest.
  local count = tonumber(redis.call('HGET', key, 'a') or '0')
  local field = 'd' .. math.floor(last / 24)
  if count > tonumber(redis.call('HGET', key, field) or '0') then redis.call('HSET', key, field, count) end
  redis.call('HDEL', key, 'a', 's', 'u', 'fv', 'fu')
  redis.call('HSET', key, 'h', hour)
end
local baseline = tonumber(ARGV[8])
for _, name in ipairs(redis.call('HKEYS', key)) do
  local old = tonumber(string.match(name, '^d(%d+)$') or '-1')
  if old >= 0 and old < day - 7 then redis.call('HDEL', key, name)
  elseif old >= 0 then baseline = math.max(baseline, tonumber(redis.call('HGET', key, name))) end
end
local accepted = redis.call('HINCRBY', key, 'a', ARGV[3])
local settled = redis.call('HINCRBY', key, 's', ARGV[4])
local unknown = redis.call('HINCRBY', key, 'u', ARGV[5])
redis.call('EXPIRE', key, 8 * 86400)
local volume, rate = 0, 0
if accepted > baseline * tonumber(ARGV[6]) then volume = redis.call('HSETNX', key, 'fv', 1) end
if settled >= tonumber(ARGV[9]) and unknown > settled * tonumber(ARGV[7]) then rate = redis.call('HSETNX', key, 'fu', 1) end
return {volume, rate, accepted, baseline, settled, unknown}
`,
);

/** What looks as if somebody else sent it. */
type Suspicion = Pick<AccountEvent & { type: 'account.alert' }, 'kind' | 'because'>;

export interface TrafficParts {
  readonly accounts: Accounts;
  readonly accountLog: AccountLog;
  readonly metrics: Metrics;
  readonly log: Log;
}

export class TrafficWatch {
  private counts = new Map<string, Counts>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly parts: TrafficParts,
  ) {}

  /** A message of `account` was accepted. */
  accepted(account: string): void {
    this.of(account).accepted++;
  }

  /** Recipients of `account` were settled, `unknown` of them because their servers do not know them. */
  settled(account: string, recipients: number, unknown: number): void {
    const counts = this.of(account);
    counts.settled += recipients;
    counts.unknown += unknown;
  }

  start(): void {
    this.timer = setInterval(() => {
      void this.flush();
    }, FLUSH_EVERY_MS);
    this.timer.unref();
  }

  /** Hands over what is left; what cannot be is forgotten. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  /** Hands over what was counted, and acts on what it shows. Never rejects: what cannot be handed over is forgotten. */
  async flush(): Promise<void> {
    const { counts } = this;
    this.counts = new Map();
    for (const [name, own] of counts) {
      try {
        const account = await this.parts.accounts.recent(name);
        if (account) await this.judge(account, own);
      } catch (error) {
        this.parts.log.warn('traffic.not_counted', { account: name, error: String(error) });
      }
    }
  }

  private async judge({ name, watch }: Account, own: Counts): Promise<void> {
    const hour = Math.floor(this.clock.now() / HOUR_MS);
    const [volumeJumped, rateJumped, accepted, baseline, settled, unknown] = await countTraffic.run(
      this.redis,
      [`${ACCOUNTS_PREFIX}:traffic:${name}`],
      [
        hour,
        Math.floor(hour / DAY_HOURS),
        own.accepted,
        own.settled,
        own.unknown,
        watch.volumeFactor,
        watch.unknownRate,
        BASELINE_MIN,
        SETTLED_MIN,
      ],
    );
    const seen: Suspicion[] = [];
    if (volumeJumped === 1) {
      const because = `${accepted} messages in this hour, ${watch.volumeFactor} times the ${baseline} of a busy one`;
      seen.push({ kind: 'volume_jump', because });
    }
    if (rateJumped === 1) {
      const because = `${unknown} of ${settled} recipients of this hour do not exist`;
      seen.push({ kind: 'unknown_rate', because });
    }
    // First, because Redis tells of it only once an hour.
    if (watch.action === 'suspend' && seen[0]) await this.parts.accounts.suspend(name, seen[0].because);
    for (const suspicion of seen) await this.tell(name, suspicion);
  }

  private async tell(account: string, { kind, because }: Suspicion): Promise<void> {
    const { accountLog, metrics, log } = this.parts;
    metrics.accountAlerts.inc({ kind });
    log.warn('account.alert', { account, kind, because });
    await accountLog.append(account, { type: 'account.alert', at: this.clock.now(), kind, because });
  }

  private of(account: string): Counts {
    let counts = this.counts.get(account);
    if (!counts) {
      counts = { accepted: 0, settled: 0, unknown: 0 };
      this.counts.set(account, counts);
    }
    return counts;
  }
}
