/** Keeps the accounts as the file POSTHORN_PROVISION wants them: at the start, and whenever the file changes. */
import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { applyProvision, type ProvisionOutcome } from '../../accounts/apply-provision.js';
import type { ProvisionKeys } from '../../accounts/provision-keys.js';
import type { AccountTraces } from '../../bounces/account-traces.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';

/** Looked at and not listened to: file events do not tell of mounts, and Kubernetes swaps a symbolic link far above the file. */
const LOOK_EVERY_MS = 2_000;

export class Provisioning {
  /** The file as it was when it was last applied. */
  private applied = '';
  /** What was wrong then. */
  private faults: readonly string[] = [];
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: string,
    private readonly redis: Redis,
    private readonly keys: ProvisionKeys,
    private readonly traces: AccountTraces,
    private readonly telemetry: { readonly metrics: Metrics; readonly log: Log },
  ) {}

  /** Applies the file as it is. Rejects where Redis does not answer. */
  async apply(): Promise<ProvisionOutcome> {
    const { metrics, log } = this.telemetry;
    // Before it is read: a change while it is being read is seen at the next look.
    const shape = await this.shape();
    const forget = (account: string) => this.traces.forget(account);
    const outcome = await applyProvision(this.redis, this.file, Date.now(), this.keys, forget);
    const faults = outcome.kind === 'faults' ? outcome.faults : [];
    const isKnown = faults.length > 0 && shape === this.applied && isDeepStrictEqual(faults, this.faults);
    [this.applied, this.faults] = [shape, faults];
    if (isKnown) return outcome;
    if (outcome.kind === 'faults') {
      log.error('provision.failed', 'nothing was changed', { file: this.file, faults: outcome.faults });
      metrics.provisioning.inc({ outcome: 'failed' });
    } else {
      log.info('provision.applied', { file: this.file, changed: outcome.changed });
      metrics.provisioning.inc({ outcome: outcome.changed > 0 ? 'changed' : 'unchanged' });
    }
    return outcome;
  }

  /** Applies the file again whenever it changes; what is wrong with it is logged, once. */
  watch(): void {
    const look = async (): Promise<void> => {
      try {
        // A fault may lie outside of the file: in a key's, or in what was made by hand and is taken away meanwhile.
        if (this.faults.length > 0 || (await this.shape()) !== this.applied) await this.apply();
      } catch (error) {
        this.telemetry.log.warn('provision.delayed', { file: this.file, why: (error as Error).message });
      }
      this.timer = setTimeout(next, LOOK_EVERY_MS);
    };
    const next = (): void => {
      this.looking = look();
    };
    this.timer = setTimeout(next, LOOK_EVERY_MS);
  }

  /** Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    await this.looking;
    clearTimeout(this.timer);
  }

  private async shape(): Promise<string> {
    const found = await stat(this.file).catch(() => undefined);
    return found ? `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` : 'absent';
  }
}
