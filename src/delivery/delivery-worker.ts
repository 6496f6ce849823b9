/** A process that delivers: it takes work of every stream, keeps the queue's clock, and drains when asked to stop. */
import type { Redis } from 'ioredis';
import type { Settings } from '../config/settings.js';
import { SHARD } from '../store/keyspace.js';
import { BullmqConsumer } from '../queue/bullmq-consumer.js';
import { QueueKeeper } from '../queue/queue-keeper.js';
import type { ReleaseHeld } from '../queue/release-held.js';
import { ConnectionPool } from './connection-pool.js';
import { DeliverTransaction, type DeliverParts } from './deliver-transaction.js';
import { DnsResolver } from '../network/dns-resolver.js';
import { openDestination, type Opening } from './open-session.js';
import type { Destination } from './routing.js';

/**
 * Work in hand at once, by stream: `critical` has hands of its own that no other mail can fill. A little more than the
 * sessions one destination may have, so that a slow destination does not hold them all.
 */
const CONCURRENCY = { critical: 30, default: 60, bulk: 30 } as const;

export class DeliveryWorker {
  private readonly pool: ConnectionPool;
  private readonly keeper: QueueKeeper;
  private consumer: BullmqConsumer | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly redis: Redis,
    private readonly parts: Omit<DeliverParts, 'pool'>,
    releaseHeld: ReleaseHeld,
  ) {
    const { metrics, clock, spool, log } = parts;
    const resolver = new DnsResolver(settings.dnsServers);
    const { hostname, mxPort, allowPrivateMx } = settings;
    const open = async (destination: Destination, signal: AbortSignal): Promise<Opening> => {
      const stopTimer = metrics.attemptDuration.startTimer({ phase: 'connect' });
      const opening = await openDestination(destination, { hostname, mxPort, allowPrivateMx, resolver, signal });
      stopTimer();
      if (opening.kind === 'open' && opening.session.tlsVersion !== undefined) {
        const version = opening.session.tlsVersion;
        metrics.tlsSessions.inc({ direction: 'outbound', version, policy: destination.tls });
      }
      return opening;
    };
    this.pool = new ConnectionPool(open, clock, {
      sessionsChanged(opened, idle) {
        metrics.connections.set({ direction: 'outbound', state: 'open' }, opened);
        metrics.connections.set({ direction: 'outbound', state: 'idle' }, idle);
      },
    });
    this.keeper = new QueueKeeper(spool, releaseHeld, clock, log);
  }

  start(): void {
    const deliver = new DeliverTransaction({ ...this.parts, pool: this.pool }, this.settings);
    this.consumer = new BullmqConsumer(this.redis, {
      shard: SHARD,
      concurrency: CONCURRENCY,
      handle: (work) => deliver.deliver(work),
      onError: (error) => {
        this.parts.log.warn('queue.worker_error', { error: error.message });
      },
    });
    this.keeper.start();
  }

  /** Takes no more work, hands back what has not begun, and resolves when what is on the wire has ended. */
  async stop(): Promise<void> {
    this.keeper.stop();
    const drained = this.consumer?.close();
    this.pool.drain();
    await drained;
  }
}
