/** Starts a process that delivers. */
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { CheckDomain } from '../../accounts/check-domain.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { DomainChecks } from '../../accounts/domain-checks.js';
import { DomainKeeper } from '../../accounts/domain-keeper.js';
import { MessageAllowance } from '../../accounts/message-allowance.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { TrafficWatch } from '../../accounts/traffic-watch.js';
import { Classifier } from '../../bounces/classify/classifier.js';
import { ReturnPathSigner } from '../../bounces/return-path/return-path.js';
import { Suppressions } from '../../bounces/suppression/suppressions.js';
import { Settings } from '../../config/settings.js';
import { DeliveryWorker } from '../../delivery/delivery-worker.js';
import { Clock } from '../../mail/clock.js';
import { DnsResolver } from '../../network/dns-resolver.js';
import { BullmqLanes } from '../../queue/bullmq-lanes.js';
import { HeldMail } from '../../queue/held-mail.js';
import { ReleaseHeld } from '../../queue/release-held.js';
import { Spool } from '../../queue/spool.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import type { KernelOptions } from './base-providers.js';
import { KernelModule } from './kernel.module.js';
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
          inject: [
            Settings,
            Redis,
            ReleaseHeld,
            TrafficWatch,
            Metrics,
            Log,
            Clock,
            Spool,
            Accounts,
            SendingDomains,
            DkimKeys,
            Classifier,
            Suppressions,
            ReturnPathSigner,
          ],
          useFactory: (
            settings: Settings,
            redis: Redis,
            releaseHeld: ReleaseHeld,
            traffic: TrafficWatch,
            metrics: Metrics,
            log: Log,
            clock: Clock,
            spool: Spool,
            accounts: Accounts,
            domains: SendingDomains,
            dkimKeys: DkimKeys,
            classifier: Classifier,
            suppressions: Suppressions,
            returnPaths: ReturnPathSigner,
          ) => {
            const bounces = { classifier, suppressions, returnPaths };
            const parts = { spool, accounts, domains, dkimKeys, traffic, metrics, log, clock, ...bounces };
            return new DeliveryWorker(settings, redis, parts, releaseHeld);
          },
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
  const traffic = app.get(TrafficWatch);
  worker.start();
  keeper.start();
  traffic.start();
  return {
    metrics: app.get(Metrics),
    listeners: [],
    stop: async () => {
      const kept = keeper.stop();
      app.get(DnsResolver).cancel();
      await Promise.all([worker.stop(), kept]);
      await traffic.stop();
      await app.close();
    },
  };
}
