/** The process that clients talk to: SMTP doors and HTTP API, one way in behind both. */
import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Credentials } from '../../accounts/credentials.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Settings } from '../../config/settings.js';
import { HttpApiModule } from '../../http-api/http-api.module.js';
import { ConnectionGate } from '../../listeners/connection-gate.js';
import { ConnectionLimits } from '../../listeners/connection-limits.js';
import { ConnectionTable } from '../../listeners/connection-table.js';
import { LoginGuard } from '../../listeners/login-guard.js';
import { Clock } from '../../mail/clock.js';
import { Spool } from '../../queue/spool.js';
import { AcceptMessage } from '../../submission/accept-message.js';
import { SmtpLogin } from '../../submission/smtp-login.js';
import { SubmissionListeners } from '../../submission/submission-listeners.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { KernelModule, type KernelOptions } from './kernel.module.js';

@Module({})
class SubmissionModule {
  static assembled(): DynamicModule {
    const providers: FactoryProvider[] = [
      {
        provide: LoginGuard,
        inject: [Redis, Clock],
        useFactory: (redis: Redis, clock: Clock) => new LoginGuard(redis, clock),
      },
      {
        provide: SmtpLogin,
        inject: [Credentials, LoginGuard, Metrics, Log],
        useFactory: (credentials: Credentials, guard: LoginGuard, metrics: Metrics, log: Log) =>
          new SmtpLogin(credentials, guard, metrics, log),
      },
      {
        provide: ConnectionGate,
        inject: [Redis, Clock, Settings, LoginGuard, Metrics],
        useFactory: (redis: Redis, clock: Clock, settings: Settings, guard: LoginGuard, metrics: Metrics) => {
          const limits = new ConnectionLimits(redis, clock, settings.connectionsPerNetwork);
          return new ConnectionGate(new ConnectionTable(), limits, guard, metrics);
        },
      },
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
        provide: SubmissionListeners,
        inject: [Settings, AcceptMessage, SmtpLogin, ConnectionGate, Metrics, Log],
        useFactory: (
          settings: Settings,
          acceptMessage: AcceptMessage,
          login: SmtpLogin,
          gate: ConnectionGate,
          metrics: Metrics,
          log: Log,
        ) => new SubmissionListeners(settings, { acceptMessage, login, gate, metrics, log }),
      },
    ];
    return {
      module: SubmissionModule,
      global: true,
      providers,
      exports: [AcceptMessage, LoginGuard, SmtpLogin, SubmissionListeners],
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
