/** The metrics of the service as one: the sum over its processes, and the queue's books out of Redis. */
import { AggregatorRegistry } from 'prom-client';
import type { QueueLedger } from '../../queue/queue-ledger.js';
import type { Clock } from '../../mail/clock.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { ChildSupervisor } from './child-supervisor.js';

export class ServiceMetrics {
  /** @param own what the supervisor itself counts */
  constructor(
    private readonly own: Metrics,
    private readonly children: readonly ChildSupervisor[],
    private readonly ledger: QueueLedger,
    private readonly clock: Clock,
  ) {
    this.own.collectProcessMetrics();
  }

  /** Prometheus text. While Redis is away the queue's own series are left out. */
  async text(): Promise<string> {
    const [snapshots] = await Promise.all([
      Promise.all(this.children.map((child) => child.metrics())),
      this.readQueue().catch(() => {
        this.own.queueRecipients.reset();
        this.own.queueOldest.reset();
      }),
    ]);
    const all = [await this.own.registry.getMetricsAsJSON(), ...snapshots.flat()];
    return AggregatorRegistry.aggregate(all).metrics();
  }

  private async readQueue(): Promise<void> {
    const now = this.clock.now();
    for (const { stream, waiting } of await this.ledger.lines()) {
      this.own.queueRecipients.set({ state: 'waiting', stream }, waiting);
      const oldest = waiting > 0 ? await this.ledger.oldestWaitsSince(stream) : undefined;
      this.own.queueOldest.set({ stream }, oldest === undefined ? 0 : Math.max(0, (now - oldest) / 1000));
    }
  }
}
