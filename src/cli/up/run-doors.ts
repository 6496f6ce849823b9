/** Starts the doors' process and says which ports are open. */
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TrafficWatch } from '../../accounts/traffic-watch.js';
import { configureHttpApi, fastifyOptions } from '../../http-api/configure-http-api.js';
import { readCertificate } from '../../listeners/tls-certificate.js';
import { SubmissionListeners } from '../../submission/submission-listeners.js';
import { Metrics } from '../../telemetry/metrics.js';
import { DoorsModule } from './doors.module.js';
import type { KernelOptions } from './base-providers.js';
import type { OpenListener, StartOrder } from './process-messages.js';
import type { RunningChild } from './running-child.js';

const API_IDLE_CHECK_MS = 50;
/** An answer takes milliseconds; Kubernetes kills after 30 s. */
const API_DRAIN_WITHIN_MS = 10_000;

export async function runDoors(options: KernelOptions, { certificate }: StartOrder): Promise<RunningChild> {
  const { settings } = options;
  const reading = await readCertificate(certificate);
  if (reading.kind === 'fault') throw new Error(reading.fault);
  const app = await NestFactory.create<NestFastifyApplication>(
    DoorsModule.of(options),
    new FastifyAdapter(fastifyOptions(settings)),
    { logger: false },
  );
  const listeners = app.get(SubmissionListeners);
  const open: OpenListener[] = [];
  if (settings.roles.includes('submission')) open.push(...(await listeners.open(reading.certificate, certificate)));
  if (settings.roles.includes('api') && settings.httpPort !== 0) {
    configureHttpApi(app, settings);
    await app.listen(settings.httpPort, settings.listen);
    open.push({ name: 'HTTP API', port: settings.httpPort });
  } else await app.init();
  const traffic = app.get(TrafficWatch);
  traffic.start();
  return {
    metrics: app.get(Metrics),
    listeners: open,
    stop: async () => {
      await Promise.all([listeners.close(), closeApi(app)]);
      await traffic.stop();
    },
  };
}

/**
 * Answers what is being asked, and no longer than that. Node closes the idle connections once, at the start: one that is
 * answered a moment later would be kept alive for over a minute, and one on which nothing is asked for ever.
 */
async function closeApi(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpServer();
  const idle = setInterval(() => server.closeIdleConnections(), API_IDLE_CHECK_MS);
  const late = setTimeout(() => server.closeAllConnections(), API_DRAIN_WITHIN_MS);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(late);
  }
}
