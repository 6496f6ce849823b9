/** Starts a process that delivers. */
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { CheckDomain } from '../../accounts/check-domain.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { DomainChecks } from '../../accounts/domain-checks.js';
import { DomainKeeper } from '../../accounts/domain-keeper.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Settings } from '../../config/settings.js';
import { DeliveryWorker } from '../../delivery/delivery-worker.js';
import { Clock } from '../../mail/clock.js';
import { DnsResolver } from '../../network/dns-resolver.js';
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
        {
          provide: DomainKeeper,
          inject: [Accounts, SendingDomains, DomainChecks, CheckDomain, Clock, Log],
          useFactory: (
            accounts: Accounts,
            domains: SendingDomains,
            checks: DomainChecks,
            checkDomain: CheckDomain,
            clock: Clock,
            log: Log,
          ) => new DomainKeeper({ accounts, domains, checks, checkDomain }, clock, Math.random, log),
        },
      ],
    };
  }
}

export async function runWorker(options: KernelOptions): Promise<RunningChild> {
  const app = await NestFactory.createApplicationContext(WorkerModule.of(options), { logger: false });
  const worker = app.get(DeliveryWorker);
  const keeper = app.get(DomainKeeper);
  worker.start();
  keeper.start();
  return {
    metrics: app.get(Metrics),
    listeners: [],
    stop: async () => {
      const kept = keeper.stop();
      app.get(DnsResolver).cancel();
      await Promise.all([worker.stop(), kept]);
      await app.close();
    },
  };
}
