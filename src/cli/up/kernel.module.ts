/**
 * What the processes that handle mail have in common, wired once: the base, domains, bounces and the spool.
 * Doors answer clients, so their Redis fails fast; workers wait an outage out.
 */
import { Module, type DynamicModule, type FactoryProvider, type ValueProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { TrafficWatch } from '../../accounts/traffic-watch.js';
import { AccountLog } from '../../events/account-log.js';
import { Clock } from '../../mail/clock.js';
import { BullmqLanes } from '../../queue/bullmq-lanes.js';
import { RedisSpool } from '../../queue/redis-spool.js';
import { Spool } from '../../queue/spool.js';
import { SHARD } from '../../store/keyspace.js';
import type { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { baseProviders, type KernelOptions } from './base-providers.js';
import { bounceProviders } from './bounce-providers.js';
import { domainProviders } from './domain-providers.js';

/** Our own header fields on top of a message: Received, Message-ID, Date, From. */
const OWN_FIELDS_BYTES_MAX = 4_096;

@Module({})
export class KernelModule {
  static of(options: KernelOptions): DynamicModule {
    const { settings, log } = options;
    const providers: (ValueProvider | FactoryProvider)[] = [
      ...baseProviders(options),
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

async function openLanes(redis: Redis, log: Log): Promise<BullmqLanes> {
  const lanes = new BullmqLanes(SHARD, redis, (error) => {
    log.debug('queue.error', { error: error.message });
  });
  await lanes.ready();
  return lanes;
}
