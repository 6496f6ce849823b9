/** Starts the process in which people read their bounce reports, and says which ports are open. */
import { NestFactory } from '@nestjs/core';
import { readCertificate } from '../../listeners/tls-certificate.js';
import { MailboxListeners } from '../../mailbox/mailbox-listeners.js';
import { Mailboxes } from '../../mailbox/state/mailboxes.js';
import { Metrics } from '../../telemetry/metrics.js';
import type { KernelOptions } from './base-providers.js';
import { MailboxModule } from './mailbox.module.js';
import type { StartOrder } from './process-messages.js';
import type { RunningChild } from './running-child.js';

export async function runMailbox(options: KernelOptions, { certificate }: StartOrder): Promise<RunningChild> {
  const reading = await readCertificate(certificate);
  if (reading.kind === 'fault') throw new Error(reading.fault);
  const app = await NestFactory.createApplicationContext(MailboxModule.of(options), { logger: false });
  const listeners = app.get(MailboxListeners);
  return {
    metrics: app.get(Metrics),
    listeners: await listeners.open(reading.certificate, certificate),
    stop: async () => {
      await listeners.close();
      await app.get(Mailboxes).close();
      await app.close();
    },
  };
}
