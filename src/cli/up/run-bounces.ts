/** Starts the process that takes what comes back, and says which port is open. */
import { NestFactory } from '@nestjs/core';
import { IntakeListener } from '../../bounces/intake-listener.js';
import { readCertificate } from '../../listeners/tls-certificate.js';
import { Metrics } from '../../telemetry/metrics.js';
import { BouncesModule } from './bounces.module.js';
import type { KernelOptions } from './kernel.module.js';
import type { StartOrder } from './process-messages.js';
import type { RunningChild } from './running-child.js';

export async function runBounces(options: KernelOptions, { certificate }: StartOrder): Promise<RunningChild> {
  const reading = await readCertificate(certificate);
  if (reading.kind === 'fault') throw new Error(reading.fault);
  const app = await NestFactory.createApplicationContext(BouncesModule.of(options), { logger: false });
  const listener = app.get(IntakeListener);
  const listeners = await listener.open(reading.certificate, certificate);
  return {
    metrics: app.get(Metrics),
    listeners,
    stop: async () => {
      await listener.close();
      await app.close();
    },
  };
}
