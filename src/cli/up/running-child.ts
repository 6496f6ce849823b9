/** What a child process has once it runs: what it counts, where it listens, and how it ends. */
import type { Metrics } from '../../telemetry/metrics.js';
import type { OpenListener } from './process-messages.js';

export interface RunningChild {
  readonly metrics: Metrics;
  readonly listeners: readonly OpenListener[];
  /** Drains and resolves when nothing is under way. */
  stop(): Promise<void>;
}
