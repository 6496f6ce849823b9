/**
 * What the processes of the service have in common, wired once: settings, log, metrics, Redis, accounts and the spool.
 * Doors answer clients, so their Redis fails fast; workers wait an outage out.
 */
import { Module, type DynamicModule, type FactoryProvider, type ValueProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { Credentials } from '../../accounts/credentials.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { TrafficWatch } from '../../accounts/traffic-watch.js';
import { Settings } from '../../config/settings.js';
import { AccountLog } from '../../events/account-log.js';
import { Clock, SystemClock } from '../../mail/clock.js';
import { BullmqLanes } from '../../queue/bullmq-lanes.js';
import { RedisSpool } from '../../queue/redis-spool.js';
import { Spool } from '../../queue/spool.js';
import { connectRedis, type RedisPurpose } from '../../store/connect-redis.js';
import { SHARD } from '../../store/keyspace.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { bounceProviders } from './bounce-providers.js';
import { domainProviders } from './domain-providers.js';

/** Our own header fields on top of a message: Received, Message-ID, Date, From. */
const OWN_FIELDS_BYTES_MAX = 4_096;

export interface KernelOptions {
  readonly settings: Settings;
  readonly redisUrl: string;
  readonly redisPurpose: RedisPurpose;
  readonly log: Log;
}

@Module({})
export class KernelModule {
  static of({ settings, redisUrl, redisPurpose, log }: KernelOptions): DynamicModule {
    const providers: (ValueProvider | FactoryProvider)[] = [
      { provide: Settings, useValue: settings },
      { provide: Log, useValue: log },
      { provide: Clock, useValue: new SystemClock() },
      { provide: Metrics, useFactory: () => startMetrics() },
      { provide: Redis, useFactory: () => connect(redisUrl, redisPurpose, log) },
      {
        provide: Accounts,
        inject: [Redis, Clock, AccountLog],
        useFactory: (redis: Redis, clock: Clock, events: AccountLog) => new Accounts(redis, clock, events),
      },
      { provide: AccountLog, inject: [Redis], useFactory: (redis: Redis) => new AccountLog(redis) },
      {
        provide: Credentials,
        inject: [Redis, Clock],
        useFactory: (redis: Redis, clock: Clock) => new Credentials(redis, clock),
      },
      {
        provide: SendingDomains,
        inject: [Redis, Clock],
        useFactory: (redis: Redis, clock: Clock) => new SendingDomains(redis, clock),
      },
      {
        provide: DkimKeys,
        inject: [Redis, Clock],
        useFactory: (redis: Redis, clock: Clock) => new DkimKeys(redis, clock, settings.secretKey),
      },
      ...domainProviders,
      ...bounceProviders,
      {
        provide: TrafficWatch,
        inject: [Redis, Clock, Accounts, AccountLog, Metrics],
        useFactory: (redis: Redis, clock: Clock, accounts: Accounts, accountLog: AccountLog, metrics: Metrics) =>
          new TrafficWatch(redis, clock, { accounts, accountLog, metrics, log }),
      },
      { provide: BullmqLanes, inject: [Redis], useFactory: (redis: Redis) => openLanes(redis, log) },
      {
        provide: Spool,
        inject: [Redis, BullmqLanes, Metrics],
        useFactory: (redis: Redis, lanes: BullmqLanes, metrics: Metrics) => {
          const { eventRetentionMs, bodyRetentionMs, historyMax, messageBytesMax } = settings;
          const bodyBytesMax = messageBytesMax * 2 + OWN_FIELDS_BYTES_MAX;
          return new RedisSpool(
            redis,
            lanes,
            { eventRetentionMs, bodyRetentionMs, historyMax, bodyBytesMax },
            metrics,
            log,
          );
        },
      },
    ];
    return { module: KernelModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }
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

async function openLanes(redis: Redis, log: Log): Promise<BullmqLanes> {
  const lanes = new BullmqLanes(SHARD, redis, (error) => {
    log.debug('queue.error', { error: error.message });
  });
  await lanes.ready();
  return lanes;
}
