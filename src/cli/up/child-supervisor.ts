/** Keeps one child process alive: starts it, starts it again when it dies, stops it in order, and collects its metrics. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AggregatorRegistry } from 'prom-client';
import type { Log } from '../../telemetry/logger.js';
import {
  DRAIN_WITHIN_MS,
  type ChildKind,
  type MetricsSnapshot,
  type OpenListener,
  type Order,
  type Report,
  type StartOrder,
} from './process-messages.js';

const PROGRAM = fileURLToPath(new URL('./child.js', import.meta.url));
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 10_000;
/** A child that lived this long had a good start; its next death is restarted at once. */
const GOOD_LIFE_MS = 30_000;
const METRICS_WITHIN_MS = 2_000;

/** MiB of the youngest objects: of many sessions that wait, a process holds little else, and would let it grow to 32. */
const YOUNG_MIB: Partial<Record<ChildKind, number>> = { mailbox: 8 };

export type ChildStart =
  | { readonly kind: 'ready'; readonly listeners: readonly OpenListener[] }
  | { readonly kind: 'failed'; readonly fault: string };

export class ChildSupervisor {
  private child: ChildProcess | undefined;
  private isReady = false;
  private stopping = false;
  private deaths = 0;
  private metricsRequest = 0;
  private lastSnapshot: MetricsSnapshot = [];
  private readonly retired: MetricsSnapshot[] = [];
  private exited: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    private readonly order: StartOrder,
    private readonly log: Log,
  ) {}

  get ready(): boolean {
    return this.isReady;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves with the first report of the child; later deaths are mended without a word here. */
  start(): Promise<ChildStart> {
    return new Promise((resolve) => {
      this.launch(resolve);
    });
  }

  /** Asks the child to drain, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.send({ kind: 'stop' });
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), DRAIN_WITHIN_MS);
    await this.exited;
    clearTimeout(timer);
  }

  /** From now on its end is no death. */
  expectEnd(): void {
    this.stopping = true;
  }

  /** Ends the child without draining: what it held comes back to the queue. */
  kill(): void {
    this.stopping = true;
    this.child?.kill('SIGKILL');
  }

  /** What the child counts, and what those before it counted. */
  async metrics(): Promise<readonly MetricsSnapshot[]> {
    if (this.isReady) {
      const request = ++this.metricsRequest;
      const fresh = await this.answerTo(request);
      if (fresh) this.lastSnapshot = fresh;
    }
    // However many have died, they are one.
    if (this.retired.length > 1) {
      const several = this.retired.splice(0);
      this.retired.push(await AggregatorRegistry.aggregate(several).getMetricsAsJSON());
    }
    return [this.lastSnapshot, ...this.retired];
  }

  private launch(first?: (start: ChildStart) => void): void {
    const startedAt = Date.now();
    const young = YOUNG_MIB[this.order.child];
    const child = fork(PROGRAM, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...process.execArgv, ...(young === undefined ? [] : [`--max-semi-space-size=${young}`])],
    });
    this.child = child;
    let announced = first;
    const announce = (start: ChildStart): void => {
      announced?.(start);
      announced = undefined;
    };
    child.on('message', (report: Report) => {
      if (report.kind === 'ready') {
        this.isReady = true;
        this.log.info('process.ready', { name: this.name, child: child.pid, startMs: Date.now() - startedAt });
        announce(report);
      } else if (report.kind === 'failed') {
        // The fault of a first start is told by who asked for it.
        if (announced) this.stopping = true;
        else this.log.warn('process.failed', { name: this.name, fault: report.fault });
        announce(report);
        child.kill('SIGKILL');
      }
    });
    this.exited = new Promise((resolve) => {
      const ended = (why: string | number | null): void => {
        resolve();
        this.isReady = false;
        announce({ kind: 'failed', fault: `the ${this.name} process ended (${String(why)}) while starting` });
        this.retire();
        if (!this.stopping) this.restart(Date.now() - startedAt, why);
      };
      child.once('exit', (code, signal) => {
        ended(signal ?? code);
      });
      child.on('error', (error) => {
        this.log.error('process.error', error, { name: this.name });
        // Where the fork itself fails there is no exit.
        if (child.pid === undefined) ended(error.message);
      });
    });
    child.send(this.order satisfies Order, () => undefined);
  }

  private restart(livedMs: number, why: string | number | null): void {
    this.deaths = livedMs > GOOD_LIFE_MS ? 0 : this.deaths + 1;
    const delayMs = this.deaths <= 1 ? RESTART_FIRST_MS : Math.min(RESTART_FIRST_MS * 4 ** this.deaths, RESTART_MAX_MS);
    this.log.warn('process.died', { name: this.name, why, restartInMs: delayMs });
    setTimeout(() => {
      if (!this.stopping) this.launch();
    }, delayMs);
  }

  /** Counters of the dead still count; what they measured of the moment does not. */
  private retire(): void {
    const counted = this.lastSnapshot.filter(({ type }) => String(type) !== 'gauge');
    if (counted.length > 0) this.retired.push(counted);
    this.lastSnapshot = [];
  }

  private answerTo(request: number): Promise<MetricsSnapshot | undefined> {
    const { child } = this;
    if (!child) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (snapshot?: MetricsSnapshot): void => {
        clearTimeout(timer);
        child.off('message', listen);
        resolve(snapshot);
      };
      const listen = (report: Report): void => {
        if (report.kind === 'metrics' && report.request === request) settle(report.metrics);
      };
      const timer = setTimeout(settle, METRICS_WITHIN_MS);
      child.on('message', listen);
      this.send({ kind: 'metrics', request });
    });
  }

  private send(order: Order): void {
    // A child that died meanwhile is seen by its exit.
    if (this.child?.connected === true) this.child.send(order, () => undefined);
  }
}
