/** The process that clients talk to: SMTP doors and HTTP API, one way in behind both. */
import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { Credentials } from '../../accounts/credentials.js';
import { MessageAllowance } from '../../accounts/message-allowance.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { TrafficWatch } from '../../accounts/traffic-watch.js';
import { Suppressions } from '../../bounces/suppression/suppressions.js';
import { Settings } from '../../config/settings.js';
import { HttpApiModule } from '../../http-api/http-api.module.js';
import { ConnectionGate } from '../../listeners/connection-gate.js';
import { ConnectionLimits } from '../../listeners/connection-limits.js';
import { ConnectionTable } from '../../listeners/connection-table.js';
import { LoginGuard } from '../../listeners/login-guard.js';
import { PasswordLogins } from '../../listeners/password-login.js';
import { Clock } from '../../mail/clock.js';
import { BullmqLanes } from '../../queue/bullmq-lanes.js';
import { HeldMail } from '../../queue/held-mail.js';
import { Idempotency } from '../../queue/idempotency.js';
import { Spool } from '../../queue/spool.js';
import { AdmitMessage } from '../../submission/admit-message.js';
import { AcceptMessage } from '../../submission/accept-message.js';
import { SenderStanding } from '../../submission/sender-standing.js';
import { SmtpLogin } from '../../submission/smtp-login.js';
import { SubmissionListeners } from '../../submission/submission-listeners.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import type { KernelOptions } from './base-providers.js';
import { KernelModule } from './kernel.module.js';

/** What acceptance stands on, in this order. */
const STORES = [Spool, Accounts, SendingDomains, SenderStanding, Suppressions];

@Module({})
class SubmissionModule {
  static assembled(): DynamicModule {
    const providers: FactoryProvider[] = [
      {
        provide: AdmitMessage,
        inject: [Redis, BullmqLanes, Metrics],
        useFactory: (redis: Redis, lanes: BullmqLanes, metrics: Metrics) =>
          new AdmitMessage(new MessageAllowance(redis), new HeldMail(redis, lanes), new Idempotency(redis), metrics),
      },
      {
        provide: LoginGuard,
        inject: [Redis, Clock],
        useFactory: (redis: Redis, clock: Clock) => new LoginGuard(redis, clock),
      },
      {
        provide: SmtpLogin,
        inject: [Credentials, LoginGuard, Metrics, Log],
        useFactory: (credentials: Credentials, guard: LoginGuard, metrics: Metrics, log: Log) =>
          new SmtpLogin(new PasswordLogins(credentials, guard, metrics, log)),
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
        inject: [AdmitMessage, Settings, Clock, Metrics, Log, TrafficWatch, ...STORES],
        useFactory: (
          admitMessage: AdmitMessage,
          settings: Settings,
          clock: Clock,
          metrics: Metrics,
          log: Log,
          traffic: TrafficWatch,
          spool: Spool,
          accounts: Accounts,
          domains: SendingDomains,
          standing: SenderStanding,
          suppressions: Suppressions,
        ) =>
          new AcceptMessage({ spool, accounts, domains, standing, suppressions }, admitMessage, settings, clock, {
            metrics,
            log,
            traffic,
          }),
      },
      {
        provide: SenderStanding,
        inject: [Accounts, Credentials],
        useFactory: (accounts: Accounts, credentials: Credentials) => new SenderStanding(accounts, credentials),
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
