/** Whom an account does not send to: asked on the way of a message, told of what became of it, and changed by hand. */
import type { FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { RedisSuppressions } from '../../bounces/suppression/redis-suppressions.js';
import { SuppressionBook } from '../../bounces/suppression/suppression-book.js';
import { Suppressions } from '../../bounces/suppression/suppressions.js';
import { AccountLog } from '../../events/account-log.js';
import { Clock } from '../../mail/clock.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';

export const suppressionProviders: FactoryProvider[] = [
  {
    provide: RedisSuppressions,
    inject: [Redis, Clock, Accounts, Metrics, Log],
    useFactory: (redis: Redis, clock: Clock, accounts: Accounts, metrics: Metrics, log: Log) =>
      new RedisSuppressions(redis, clock, accounts, metrics, log),
  },
  {
    provide: Suppressions,
    inject: [RedisSuppressions],
    useFactory: (suppressions: RedisSuppressions) => suppressions,
  },
  {
    provide: SuppressionBook,
    inject: [Redis, Clock, AccountLog, Metrics, RedisSuppressions],
    useFactory: (redis: Redis, clock: Clock, log: AccountLog, metrics: Metrics, suppressions: RedisSuppressions) =>
      new SuppressionBook(redis, clock, log, metrics, suppressions),
  },
];
