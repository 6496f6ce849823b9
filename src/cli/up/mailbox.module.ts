/** The process in which people read their bounce reports: IMAP and POP3. It handles no mail, so it has no spool. */
import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Credentials } from '../../accounts/credentials.js';
import { RedisReportMailbox } from '../../bounces/reports/redis-report-mailbox.js';
import { ReportMailbox } from '../../bounces/reports/report-mailbox.js';
import { Settings } from '../../config/settings.js';
import { ConnectionGate } from '../../listeners/connection-gate.js';
import { ConnectionLimits, MAILBOX_BY_ACCOUNT, MAILBOX_BY_NETWORK } from '../../listeners/connection-limits.js';
import { ConnectionTable } from '../../listeners/connection-table.js';
import { LoginGuard } from '../../listeners/login-guard.js';
import { PasswordLogins } from '../../listeners/password-login.js';
import { Clock } from '../../mail/clock.js';
import { MailboxAccess } from '../../mailbox/mailbox-access.js';
import { MailboxListeners } from '../../mailbox/mailbox-listeners.js';
import { Mailboxes } from '../../mailbox/state/mailboxes.js';
import { connectRedis } from '../../store/connect-redis.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { baseProviders, type KernelOptions } from './base-providers.js';

const providers: FactoryProvider[] = [
  {
    provide: ReportMailbox,
    inject: [Redis, Settings, Clock, Log],
    useFactory: (redis: Redis, settings: Settings, clock: Clock, log: Log) =>
      new RedisReportMailbox(redis, settings.reportRetentionMs, clock, log),
  },
  {
    provide: ConnectionGate,
    inject: [Redis, Clock, Settings, LoginGuard, Metrics],
    useFactory: (redis: Redis, clock: Clock, settings: Settings, guard: LoginGuard, metrics: Metrics) => {
      const perNetwork = settings.connectionsPerNetwork;
      const limits = new ConnectionLimits(redis, clock, perNetwork, undefined, MAILBOX_BY_NETWORK);
      return new ConnectionGate(new ConnectionTable(), limits, guard, metrics);
    },
  },
  {
    provide: LoginGuard,
    inject: [Redis, Clock],
    useFactory: (redis: Redis, clock: Clock) => new LoginGuard(redis, clock),
  },
  {
    provide: MailboxAccess,
    inject: [Settings, Redis, Clock, Credentials, LoginGuard, Mailboxes, Metrics, Log],
    useFactory: (
      settings: Settings,
      redis: Redis,
      clock: Clock,
      credentials: Credentials,
      guard: LoginGuard,
      mailboxes: Mailboxes,
      metrics: Metrics,
      log: Log,
    ) => {
      const most = settings.mailboxSessionsPerAccount;
      const sessions = new ConnectionLimits(redis, clock, [most, most, most], undefined, MAILBOX_BY_ACCOUNT);
      const logins = new PasswordLogins(credentials, guard, metrics, log);
      return new MailboxAccess({ logins, credentials, mailboxes, sessions, metrics, log });
    },
  },
  {
    provide: MailboxListeners,
    inject: [Settings, MailboxAccess, ConnectionGate, Metrics, Log],
    useFactory: (settings: Settings, access: MailboxAccess, gate: ConnectionGate, metrics: Metrics, log: Log) =>
      new MailboxListeners(settings, { access, gate, metrics, log }),
  },
];

@Module({})
export class MailboxModule {
  static of(options: KernelOptions): DynamicModule {
    const { log, redisUrl } = options;
    const mailboxes: FactoryProvider = {
      provide: Mailboxes,
      inject: [ReportMailbox],
      useFactory: (store: ReportMailbox) => new Mailboxes(store, () => connectRedis(redisUrl, 'queue'), log),
    };
    return { module: MailboxModule, providers: [...baseProviders(options), mailboxes, ...providers] };
  }
}
