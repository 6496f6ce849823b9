/** The parts that keep sending domains, for the doors that change them and the workers that check them. */
import type { FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { CheckDomain } from '../../accounts/check-domain.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { DomainChecks } from '../../accounts/domain-checks.js';
import { DomainJournal } from '../../accounts/domain-journal.js';
import { DomainRegistry } from '../../accounts/domain-registry.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Settings } from '../../config/settings.js';
import { AccountLog } from '../../events/account-log.js';
import { Clock } from '../../mail/clock.js';
import { askThrough } from '../../network/ask-dns.js';
import { DnsResolver } from '../../network/dns-resolver.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';

const PARTS = [SendingDomains, DkimKeys, DomainChecks, DomainJournal] as const;
type Parts = [SendingDomains, DkimKeys, DomainChecks, DomainJournal];

export const domainProviders: readonly FactoryProvider[] = [
  { provide: DomainChecks, inject: [Redis], useFactory: (redis: Redis) => new DomainChecks(redis) },
  {
    provide: DomainJournal,
    inject: [AccountLog, Log],
    useFactory: (accountLog: AccountLog, log: Log) => new DomainJournal(accountLog, log),
  },
  {
    provide: DomainRegistry,
    inject: [Settings, Clock, ...PARTS],
    useFactory: (settings: Settings, clock: Clock, ...parts: Parts) =>
      new DomainRegistry(partsOf(parts), settings, clock),
  },
  {
    provide: DnsResolver,
    inject: [Settings],
    useFactory: (settings: Settings) => new DnsResolver(settings.dnsServers),
  },
  {
    provide: CheckDomain,
    inject: [DomainRegistry, Settings, DnsResolver, Metrics, Clock, ...PARTS],
    useFactory: (
      registry: DomainRegistry,
      settings: Settings,
      resolver: DnsResolver,
      metrics: Metrics,
      clock: Clock,
      ...parts: Parts
    ) => new CheckDomain(registry, partsOf(parts), settings, askThrough(resolver), { metrics, clock }),
  },
];

function partsOf([domains, dkimKeys, checks, journal]: Parts) {
  return { domains, dkimKeys, checks, journal };
}
