/** Starts the process that takes what comes back, works on it, and follows up what became of mail; says which port is open. */
import { NestFactory } from '@nestjs/core';
import { Accounts } from '../../accounts/accounts.js';
import { ApplyOutcomes } from '../../bounces/apply-outcomes.js';
import { IntakeListener } from '../../bounces/intake/intake-listener.js';
import { ProcessReturnedMail } from '../../bounces/intake/process-returned-mail.js';
import { Reports } from '../../bounces/reports/reports.js';
import { returnedMailWork } from '../../bounces/intake/returned-mail-work.js';
import { Suppressions } from '../../bounces/suppression/suppressions.js';
import { readCertificate } from '../../listeners/tls-certificate.js';
import { Spool } from '../../queue/spool.js';
import { connectRedis, disconnectRedis } from '../../store/connect-redis.js';
import { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { BouncesModule } from './bounces.module.js';
import type { KernelOptions } from './base-providers.js';
import type { StartOrder } from './process-messages.js';
import type { RunningChild } from './running-child.js';

export async function runBounces(options: KernelOptions, { certificate }: StartOrder): Promise<RunningChild> {
  const { settings, redisUrl } = options;
  const reading = await readCertificate(certificate);
  if (reading.kind === 'fault') throw new Error(reading.fault);
  const app = await NestFactory.createApplicationContext(BouncesModule.of(options), { logger: false });
  const [spool, accounts, suppressions] = [app.get(Spool), app.get(Accounts), app.get(Suppressions)];
  const [reports, metrics, log] = [app.get(Reports), app.get(Metrics), app.get(Log)];
  // The door answers within seconds or not at all; who takes from a stream waits, for entries and for Redis.
  const streams = connectRedis(redisUrl, 'queue');
  const returned = returnedMailWork(streams, app.get(ProcessReturnedMail), log);
  const outcomes = new ApplyOutcomes(streams, { spool, accounts, suppressions, reports, metrics, log }, settings);
  const listener = app.get(IntakeListener);
  const listeners = await listener.open(reading.certificate, certificate);
  returned.start();
  outcomes.start();
  return {
    metrics,
    listeners,
    stop: async () => {
      await listener.close();
      await Promise.all([returned.stop(), outcomes.stop()]);
      await app.close();
      await disconnectRedis(streams);
    },
  };
}
