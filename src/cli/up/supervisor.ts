/**
 * Runs the whole service: prepares what it stands on, starts its child processes, keeps them alive, answers the
 * operators' port, and drains on SIGTERM: all that listens first, then the workers, Redis last.
 */
import type { Server } from 'node:http';
import type { Settings } from '../../config/settings.js';
import { SystemClock } from '../../mail/clock.js';
import { QueueLedger } from '../../queue/queue-ledger.js';
import { readRedisHealth } from '../../store/redis-health.js';
import type { Log } from '../../telemetry/logger.js';
import { Metrics } from '../../telemetry/metrics.js';
import { banner } from './banner.js';
import { ChildSupervisor } from './child-supervisor.js';
import { openOpsServer, type Readiness } from './ops-server.js';
import { portFault, type ListenError } from './port-fault.js';
import { prepareService, type Foundation } from './prepare-service.js';
import type { ChildKind, OpenListener } from './process-messages.js';
import { ServiceMetrics } from './service-metrics.js';

export interface ServiceOutput {
  /** For people: the banner. */
  print(text: string): void;
  /** For people: why it did not start. */
  complain(text: string): void;
  readonly terminal: boolean;
}

/** Runs until it is told to stop. Returns the exit code: 0 after a drain, 2 where it could not start. */
export async function runService(settings: Settings, log: Log, output: ServiceOutput): Promise<number> {
  const startedAt = performance.now();
  const ownMetrics = new Metrics();
  const preparation = await prepareService(settings, log, ownMetrics);
  if (preparation.kind === 'fault') {
    output.complain(preparation.fault);
    return 2;
  }
  const { foundation } = preparation;
  const children = childrenOf(settings, foundation, log);
  let stopRequested: () => void = () => undefined;
  const stop = new Promise<void>((resolve) => (stopRequested = resolve));
  const onSignal = (signal: string): void => {
    log.info('service.stopping', { signal });
    // A signal to the whole process group has reached them too.
    for (const child of children) child.expectEnd();
    stopRequested();
    // The second time it is meant at once: what is on the wire comes back to the queue.
    process.once('SIGINT', () => {
      for (const child of children) child.kill();
    });
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);

  let ops: Server | undefined;
  let code = 0;
  try {
    ops = await startOps(settings, foundation, children, ownMetrics);
    const listeners = await startChildren(children);
    if (settings.opsPort !== 0) listeners.push({ name: 'metrics, /livez, /readyz', port: settings.opsPort });
    const startMs = performance.now() - startedAt;
    output.print(banner({ settings, listeners, first: foundation.first, startMs, terminal: output.terminal }));
    foundation.provisioning?.watch();
    await stop;
  } catch (error) {
    output.complain((error as Error).message);
    code = 2;
  }
  for (const kind of ['doors', 'bounces', 'mailbox', 'worker'] satisfies ChildKind[]) {
    await Promise.all(children.filter((child) => child.name.startsWith(kind)).map((child) => child.stop()));
  }
  ops?.close();
  ops?.closeAllConnections();
  await foundation.release();
  log.info('service.stopped');
  return code;
}

function childrenOf(settings: Settings, foundation: Foundation, log: Log): ChildSupervisor[] {
  const { redisUrl, certificate } = foundation;
  const make = (child: ChildKind, name: string): ChildSupervisor =>
    new ChildSupervisor(name, { kind: 'start', child, settings: JSON.stringify(settings), redisUrl, certificate }, log);
  const children: ChildSupervisor[] = [];
  if (settings.roles.includes('submission') || settings.roles.includes('api')) children.push(make('doors', 'doors'));
  if (settings.roles.includes('bounces')) children.push(make('bounces', 'bounces'));
  if (settings.roles.includes('mailbox')) children.push(make('mailbox', 'mailbox'));
  if (settings.roles.includes('worker')) {
    for (let i = 1; i <= settings.workers; i++) children.push(make('worker', `worker ${String(i)}`));
  }
  return children;
}

/** Starts all at once; throws the first fault. */
async function startChildren(children: readonly ChildSupervisor[]): Promise<OpenListener[]> {
  const starts = await Promise.all(children.map((child) => child.start()));
  const listeners: OpenListener[] = [];
  for (const start of starts) {
    if (start.kind === 'failed') throw new Error(start.fault);
    listeners.push(...start.listeners);
  }
  return listeners;
}

async function startOps(
  settings: Settings,
  foundation: Foundation,
  children: readonly ChildSupervisor[],
  ownMetrics: Metrics,
): Promise<Server | undefined> {
  if (settings.opsPort === 0) return undefined;
  const metrics = new ServiceMetrics(ownMetrics, children, new QueueLedger(foundation.redis), new SystemClock());
  try {
    return await openOpsServer(settings.opsPort, settings.listen, {
      metrics: () => metrics.text(),
      readiness: () => readiness(foundation, children),
    });
  } catch (error) {
    throw new Error(portFault(error as ListenError, settings) ?? String(error), { cause: error });
  }
}

async function readiness(foundation: Foundation, children: readonly ChildSupervisor[]): Promise<Readiness> {
  const health = await readRedisHealth(foundation.redis);
  const checks: Record<string, string> = { redis: health.kind === 'well' ? 'ok' : health.reason };
  for (const child of children) checks[child.name] = child.ready ? 'ok' : 'starting';
  return { ready: Object.values(checks).every((check) => check === 'ok'), checks };
}
