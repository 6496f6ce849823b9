/** What every process of the service has, whatever it does: settings, log, clock, metrics, Redis, accounts and credentials. */
import type { FactoryProvider, ValueProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { Credentials } from '../../accounts/credentials.js';
import { Settings } from '../../config/settings.js';
import { AccountLog } from '../../events/account-log.js';
import { Clock, SystemClock } from '../../mail/clock.js';
import { connectRedis, type RedisPurpose } from '../../store/connect-redis.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';

export interface KernelOptions {
  readonly settings: Settings;
  readonly redisUrl: string;
  readonly redisPurpose: RedisPurpose;
  readonly log: Log;
}

export function baseProviders({
  settings,
  redisUrl,
  redisPurpose,
  log,
}: KernelOptions): (ValueProvider | FactoryProvider)[] {
  return [
    { provide: Settings, useValue: settings },
    { provide: Log, useValue: log },
    { provide: Clock, useValue: new SystemClock() },
    { provide: Metrics, useFactory: () => startMetrics() },
    { provide: Redis, useFactory: () => connect(redisUrl, redisPurpose, log) },
    { provide: AccountLog, inject: [Redis], useFactory: (redis: Redis) => new AccountLog(redis) },
    {
      provide: Accounts,
      inject: [Redis, Clock, AccountLog],
      useFactory: (redis: Redis, clock: Clock, events: AccountLog) => new Accounts(redis, clock, events),
    },
    {
      provide: Credentials,
      inject: [Redis, Clock],
      useFactory: (redis: Redis, clock: Clock) => new Credentials(redis, clock),
    },
  ];
}

function startMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.collectProcessMetrics();
  return metrics;
}

async function connect(url: string, purpose: RedisPurpose, log: Log): Promise<Redis> {
  const redis = connectRedis(url, purpose, {
    lost: (why) => {
      log.warn('redis.lost', { why });
    },
    regained: (outageMs) => {
      log.info('redis.regained', { outageMs: Math.round(outageMs) });
    },
  });
  if (redis.status !== 'ready') await new Promise<void>((resolve) => redis.once('ready', resolve));
  return redis;
}
