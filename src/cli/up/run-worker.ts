/** Starts a process that delivers. */
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { MessageAllowance } from '../../accounts/message-allowance.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Settings } from '../../config/settings.js';
import { DeliveryWorker } from '../../delivery/delivery-worker.js';
import { Clock } from '../../mail/clock.js';
import { BullmqLanes } from '../../queue/bullmq-lanes.js';
import { HeldMail } from '../../queue/held-mail.js';
import { ReleaseHeld } from '../../queue/release-held.js';
import { Spool } from '../../queue/spool.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { KernelModule, type KernelOptions } from './kernel.module.js';
import type { RunningChild } from './running-child.js';

@Module({})
class WorkerModule {
  static of(options: KernelOptions): DynamicModule {
    return {
      module: WorkerModule,
      imports: [KernelModule.of(options)],
      providers: [
        {
          provide: ReleaseHeld,
          inject: [Redis, BullmqLanes, Accounts, Clock, Log],
          useFactory: (redis: Redis, lanes: BullmqLanes, accounts: Accounts, clock: Clock, log: Log) =>
            new ReleaseHeld(new HeldMail(redis, lanes), accounts, new MessageAllowance(redis), clock, log),
        },
        {
          provide: DeliveryWorker,
          inject: [Settings, Redis, Spool, Accounts, SendingDomains, DkimKeys, Metrics, Log, Clock, ReleaseHeld],
          useFactory: (
            settings: Settings,
            redis: Redis,
            spool: Spool,
            accounts: Accounts,
            domains: SendingDomains,
            dkimKeys: DkimKeys,
            metrics: Metrics,
            log: Log,
            clock: Clock,
            releaseHeld: ReleaseHeld,
          ) =>
            new DeliveryWorker(
              settings,
              redis,
              { spool, accounts, domains, dkimKeys, metrics, log, clock },
              releaseHeld,
            ),
        },
      ],
    };
  }
}

export async function runWorker(options: KernelOptions): Promise<RunningChild> {
  const app = await NestFactory.createApplicationContext(WorkerModule.of(options), { logger: false });
  const worker = app.get(DeliveryWorker);
  worker.start();
  return {
    metrics: app.get(Metrics),
    listeners: [],
    stop: async () => {
      await worker.stop();
      await app.close();
    },
  };
}
