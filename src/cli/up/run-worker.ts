/** Starts a process that delivers. */
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Settings } from '../../config/settings.js';
import { DeliveryWorker } from '../../delivery/delivery-worker.js';
import { Clock } from '../../mail/clock.js';
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
          provide: DeliveryWorker,
          inject: [Settings, Redis, Spool, SendingDomains, DkimKeys, Metrics, Log, Clock],
          useFactory: (
            settings: Settings,
            redis: Redis,
            spool: Spool,
            domains: SendingDomains,
            dkimKeys: DkimKeys,
            metrics: Metrics,
            log: Log,
            clock: Clock,
          ) => new DeliveryWorker(settings, redis, { spool, domains, dkimKeys, metrics, log, clock }),
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
