/**
 * The main program of a child process: it is told what to be, reports when it is ready, and ends when it is told to, when
 * it gets a signal, or when its supervisor is gone.
 */
import { settingsFromJson } from '../../config/settings.js';
import { Log } from '../../telemetry/logger.js';
import type { KernelOptions } from './base-providers.js';
import { portFault, type ListenError } from './port-fault.js';
import type { Order, Report, StartOrder } from './process-messages.js';
import type { RunningChild } from './running-child.js';

/**
 * What is on the wire may take this long when the supervisor is gone: nobody is left to cut us short, and the embedded Redis
 * has gone too, so that nothing can be settled any more. The next start delivers it again.
 */
const ORPHAN_GRACE_MS = 10_000;

let running: RunningChild | undefined;
let stopping = false;
let log: Log | undefined;

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'start':
      void start(order);
      break;
    case 'stop':
      void stop();
      break;
    case 'metrics':
      void sendMetrics(order.request);
      break;
    default:
      order satisfies never;
  }
});
// A Ctrl-C reaches the whole process group; the order of ending is the supervisor's, and this one is the same wish.
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());
process.on('disconnect', () => {
  void stop();
  setTimeout(() => process.exit(1), ORPHAN_GRACE_MS).unref();
});

async function start(order: StartOrder): Promise<void> {
  const settings = settingsFromJson(order.settings);
  log = Log.open({ level: settings.logLevel, addresses: settings.logAddresses, process: order.child });
  process.title = `posthorn ${order.child}`;
  const redisPurpose = order.child === 'worker' ? 'queue' : 'answering';
  const options = { settings, redisUrl: order.redisUrl, redisPurpose, log } as const;
  try {
    running = await run(options, order);
  } catch (error) {
    report({ kind: 'failed', fault: portFault(error as ListenError, settings) ?? (error as Error).message });
    return;
  }
  report({ kind: 'ready', listeners: running.listeners });
}

/** Each kind loads what it needs and no more. */
async function run(options: KernelOptions, order: StartOrder): Promise<RunningChild> {
  switch (order.child) {
    case 'doors':
      return (await import('./run-doors.js')).runDoors(options, order);
    case 'bounces':
      return (await import('./run-bounces.js')).runBounces(options, order);
    case 'mailbox':
      return (await import('./run-mailbox.js')).runMailbox(options, order);
    case 'worker':
      return (await import('./run-worker.js')).runWorker(options);
    default:
      return order.child satisfies never;
  }
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await running?.stop().catch((error: unknown) => log?.error('process.stop_failed', error));
  log?.flush();
  process.exit(0);
}

async function sendMetrics(request: number): Promise<void> {
  report({ kind: 'metrics', request, metrics: (await running?.metrics.registry.getMetricsAsJSON()) ?? [] });
}

function report(message: Report): void {
  process.send?.(message);
}
