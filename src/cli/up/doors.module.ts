/** The process that clients talk to: SMTP doors and HTTP API, one way in behind both. */
import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { Accounts } from '../../accounts/accounts.js';
import { Credentials } from '../../accounts/credentials.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Settings } from '../../config/settings.js';
import { HttpApiModule } from '../../http-api/http-api.module.js';
import { Clock } from '../../mail/clock.js';
import { Spool } from '../../queue/spool.js';
import { AcceptMessage } from '../../submission/accept-message.js';
import { SenderStanding } from '../../submission/sender-standing.js';
import { SubmissionListeners } from '../../submission/submission-listeners.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { KernelModule, type KernelOptions } from './kernel.module.js';

@Module({})
class SubmissionModule {
  static assembled(): DynamicModule {
    const providers: FactoryProvider[] = [
      {
        provide: AcceptMessage,
        inject: [Spool, SendingDomains, Settings, Clock, Metrics, Log],
        useFactory: (
          spool: Spool,
          domains: SendingDomains,
          settings: Settings,
          clock: Clock,
          metrics: Metrics,
          log: Log,
        ) => new AcceptMessage(spool, domains, settings, clock, { metrics, log }),
      },
      {
        provide: SenderStanding,
        inject: [Accounts, Credentials],
        useFactory: (accounts: Accounts, credentials: Credentials) => new SenderStanding(accounts, credentials),
      },
      {
        provide: SubmissionListeners,
        inject: [Settings, AcceptMessage, Credentials, SenderStanding, Metrics, Log],
        useFactory: (
          settings: Settings,
          acceptMessage: AcceptMessage,
          credentials: Credentials,
          standing: SenderStanding,
          metrics: Metrics,
          log: Log,
        ) => new SubmissionListeners(settings, { acceptMessage, credentials, standing, metrics, log }),
      },
    ];
    return {
      module: SubmissionModule,
      global: true,
      providers,
      exports: [AcceptMessage, SenderStanding, SubmissionListeners],
    };
  }
}

@Module({})
export class DoorsModule {
  static of(options: KernelOptions): DynamicModule {
    return {
      module: DoorsModule,
      imports: [KernelModule.of(options), SubmissionModule.assembled(), HttpApiModule],
    };
  }
}
