/** The process that takes what comes back: its door on port 25, and the work on what came. */
import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Accounts } from '../../accounts/accounts.js';
import { SendingDomains } from '../../accounts/sending-domains.js';
import { Classifier } from '../../bounces/classify/classifier.js';
import { IntakeListener, returnedBytesMax } from '../../bounces/intake/intake-listener.js';
import { IntakeRecipients } from '../../bounces/intake/intake-recipients.js';
import { OurDomains } from '../../bounces/intake/our-domains.js';
import { ProcessReturnedMail } from '../../bounces/intake/process-returned-mail.js';
import { readReturnedMail } from '../../bounces/returned-mail/read-returned-mail.js';
import { REPORT_BYTES_MAX, REPORTS_MAX, RedisReports, STRAYS_MAX } from '../../bounces/reports/redis-reports.js';
import { Reports } from '../../bounces/reports/reports.js';
import { ReturnedMailQueue } from '../../bounces/intake/returned-mail-queue.js';
import { ReturnPathSigner } from '../../bounces/return-path/return-path.js';
import type { ReturnedMail } from '../../bounces/returned-mail/returned-mail.js';
import { SentMessageIds } from '../../bounces/return-path/sent-message-ids.js';
import { Settings } from '../../config/settings.js';
import { ConnectionGate } from '../../listeners/connection-gate.js';
import { ConnectionLimits } from '../../listeners/connection-limits.js';
import { ConnectionTable } from '../../listeners/connection-table.js';
import { LoginGuard } from '../../listeners/login-guard.js';
import { Clock } from '../../mail/clock.js';
import { Spool } from '../../queue/spool.js';
import { RedisRoom } from '../../store/redis-room.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import type { KernelOptions } from './base-providers.js';
import { KernelModule } from './kernel.module.js';

/** What comes back is kept by others until we take it: it leaves room for what goes out. */
const REDIS_SHARE_MAX = 0.85;

/** Our own trace fields on top of what comes back. */
const TRACE_BYTES_MAX = 8_192;

const providers: FactoryProvider[] = [
  {
    provide: IntakeRecipients,
    inject: [Settings, ReturnPathSigner, Spool, Accounts, SendingDomains, Clock],
    useFactory: (
      settings: Settings,
      signer: ReturnPathSigner,
      spool: Spool,
      accounts: Accounts,
      domains: SendingDomains,
      clock: Clock,
    ) => new IntakeRecipients(settings, signer, spool, new OurDomains(accounts, domains, settings, clock), clock),
  },
  {
    provide: ConnectionGate,
    inject: [Redis, Clock, Settings, Metrics],
    useFactory: (redis: Redis, clock: Clock, settings: Settings, metrics: Metrics) => {
      const limits = new ConnectionLimits(redis, clock, settings.connectionsPerNetwork);
      return new ConnectionGate(new ConnectionTable(), limits, new LoginGuard(redis, clock), metrics);
    },
  },
  {
    provide: IntakeListener,
    inject: [Settings, Redis, IntakeRecipients, ConnectionGate, Clock, Metrics, Log],
    useFactory: (
      settings: Settings,
      redis: Redis,
      recipients: IntakeRecipients,
      gate: ConnectionGate,
      clock: Clock,
      metrics: Metrics,
      log: Log,
    ) => {
      const queue = new ReturnedMailQueue(redis, new RedisRoom(redis, REDIS_SHARE_MAX));
      return new IntakeListener(settings, { recipients, queue, gate, clock, metrics, log });
    },
  },
  {
    provide: Reports,
    inject: [Redis, Settings, Clock, Metrics, Log],
    useFactory: (redis: Redis, settings: Settings, clock: Clock, metrics: Metrics, log: Log) => {
      const quota = {
        retentionMs: settings.reportRetentionMs,
        countMax: REPORTS_MAX,
        bytesMax: REPORT_BYTES_MAX,
        strays: STRAYS_MAX,
      };
      return new RedisReports(redis, quota, clock, metrics, log);
    },
  },
  {
    provide: ProcessReturnedMail,
    inject: [Settings, Accounts, Spool, Reports, ReturnPathSigner, Classifier, SentMessageIds, Clock, Metrics, Log],
    useFactory: (
      settings: Settings,
      accounts: Accounts,
      spool: Spool,
      reports: Reports,
      signer: ReturnPathSigner,
      classifier: Classifier,
      sent: SentMessageIds,
      clock: Clock,
      metrics: Metrics,
      log: Log,
    ) => {
      const read = (content: Buffer): ReturnedMail => readReturnedMail(content, classifier);
      const referenceOf = (id: string) => sent.referenceOfMessageId(id);
      const parts = { accounts, spool, reports, signer, read, referenceOf, clock, metrics, log };
      return new ProcessReturnedMail(parts, returnedBytesMax(settings.messageBytesMax) + TRACE_BYTES_MAX);
    },
  },
];

@Module({})
export class BouncesModule {
  static of(options: KernelOptions): DynamicModule {
    return { module: BouncesModule, imports: [KernelModule.of(options)], providers };
  }
}
