/** Suppressions over a Redis of their own, for tests: what happens to one address of one account, in a line each. */
import type { Redis } from 'ioredis';
import { Accounts } from '../../src/accounts/accounts.js';
import type { AccountChange } from '../../src/accounts/account.js';
import { RedisSuppressions, type SuppressionLimits } from '../../src/bounces/suppression/redis-suppressions.js';
import {
  SuppressionBook,
  type NewSuppression,
  type SuppressionPage,
} from '../../src/bounces/suppression/suppression-book.js';
import { suppressionPrefix } from '../../src/bounces/suppression/suppression-record.js';
import type { Suppression, SuppressionCause } from '../../src/bounces/suppression/suppressions.js';
import { AccountLog } from '../../src/events/account-log.js';
import type { Category, Finding } from '../../src/mail/classification.js';
import { findingOf } from '../../src/mail/categories.js';
import type { Stream } from '../../src/mail/stream.js';
import { Log } from '../../src/telemetry/logger.js';
import { Metrics } from '../../src/telemetry/metrics.js';
import { OwnRedis, StandingClock } from '../accounts/own-redis.js';

export const DAY_MS = 86_400_000;
const ANN = 'ann@example.net';
const LOG = Log.open({ level: 'error', addresses: 'full', process: 'test' });
const PREFIX = suppressionPrefix('shop');

export class SuppressionRig {
  clock = new StandingClock();
  metrics = new Metrics();
  suppressions!: RedisSuppressions;
  book!: SuppressionBook;
  private accounts!: Accounts;
  private causes = 0;

  private constructor(
    private readonly server: OwnRedis,
    private readonly redis: Redis,
  ) {
    this.reset();
  }

  static async start(): Promise<SuppressionRig> {
    const server = await OwnRedis.start();
    return new SuppressionRig(server, await server.connect());
  }

  /** As a process that has just started. */
  reset(limits?: SuppressionLimits): void {
    this.clock = new StandingClock();
    this.metrics = new Metrics();
    this.accounts = new Accounts(this.redis, this.clock);
    this.suppressions = new RedisSuppressions(this.redis, this.clock, this.accounts, this.metrics, LOG, limits);
    this.book = new SuppressionBook(
      this.redis,
      this.clock,
      new AccountLog(this.redis),
      this.metrics,
      this.suppressions,
    );
  }

  async anotherProcess(): Promise<RedisSuppressions> {
    const redis = await this.server.connect();
    return new RedisSuppressions(redis, this.clock, new Accounts(redis, this.clock), this.metrics, LOG);
  }

  async accountWith(settings: AccountChange): Promise<void> {
    await this.accounts.create('shop', settings);
  }

  refusal(category: Category, given: Partial<SuppressionCause> = {}): SuppressionCause {
    const messageId = given.messageId ?? `message-${++this.causes}`;
    return {
      key: `refused-${messageId}`,
      account: 'shop',
      address: ANN,
      stream: 'default',
      messageId,
      at: this.clock.nowMs,
      what: { kind: 'refused', classification: refusalOf(category), reply: '550 no' },
      ...given,
    };
  }

  refused(category: Category, given: Partial<SuppressionCause> = {}): Promise<Suppression | undefined> {
    return this.suppressions.record(this.refusal(category, given));
  }

  complained(stream: Stream, feedbackType = 'abuse'): Promise<Suppression | undefined> {
    const what = { kind: 'complained', feedbackType } as const;
    return this.suppressions.record(this.refusal('unclassified', { stream, what }));
  }

  /** `free`, or the verdict and its reason. */
  async verdict(stream: Stream = 'default', address = ANN): Promise<string> {
    const verdict = (await this.suppressions.verdicts('shop', [address], stream)).get(address);
    return verdict ? `${verdict.kind} ${verdict.suppression.reason}` : 'free';
  }

  bypass(messageId: string, supersedeKey?: string): Promise<boolean> {
    return this.suppressions.takeBypass('shop', ANN, messageId, supersedeKey);
  }

  delivered(address = ANN): Promise<void> {
    return this.suppressions.delivered('shop', [address]);
  }

  add(...wanted: NewSuppression[]): Promise<unknown> {
    return this.book.add('shop', wanted, 'me');
  }

  list(state: 'suppressed' | 'reactivated' = 'suppressed'): Promise<SuppressionPage> {
    return this.book.list('shop', { state, limit: 1_000 });
  }

  /** Address and reason of each, in the order of the alphabet. */
  async listed(): Promise<string[]> {
    return (await this.list()).found.map(({ address, reason }) => `${address} ${reason}`).sort();
  }

  async counted(reason: string): Promise<number> {
    const { values } = await this.metrics.suppressions.get();
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  }

  async dropped(reason: string): Promise<number> {
    const { values } = await this.metrics.suppressionsDropped.get();
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  }

  ttlOf(address: string): Promise<number> {
    return this.redis.pttl(`${PREFIX}:a:${address}`);
  }

  indexed(): Promise<string[]> {
    return this.redis.zrange(`${PREFIX}:index`, 0, '-1');
  }

  async keys(): Promise<string[]> {
    return (await this.redis.keys(`${PREFIX}*`)).sort();
  }

  events(): Promise<readonly object[]> {
    return new AccountLog(this.redis).list('shop', 100);
  }

  /** Those that Redis has served so far, to anybody. */
  async commandsServed(): Promise<number> {
    return Number(/total_commands_processed:(\d+)/.exec(await this.redis.info('stats'))?.[1]);
  }

  async empty(): Promise<void> {
    await this.redis.flushall();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

/** What expired does so here for a last reply about the recipient: for others it says nothing of the address. */
function refusalOf(category: Category): Finding {
  const finding = findingOf(category, 'test');
  return category === 'expired' ? { ...finding, fault: 'recipient' } : finding;
}
