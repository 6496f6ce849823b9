/** Makes what stands in the provisioning file true, in one step: all of it, or nothing where anything is wrong with it. */
import type { Redis } from 'ioredis';
import { changeInOneStep } from '../store/change-records.js';
import { planProvision } from './plan-provision.js';
import type { ProvisionKeys } from './provision-keys.js';
import { readProvision } from './read-provision.js';

export type ProvisionOutcome =
  /** `changed`: accounts, domains, credentials and keys that were not yet as the file wants them. */
  | { readonly kind: 'applied'; readonly changed: number }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/**
 * Rejects where Redis does not answer: then it is to be tried again, which does no harm. Keys are imported after the
 * step, because they are of domains that it makes.
 */
export async function applyProvision(
  redis: Redis,
  file: string,
  nowMs: number,
  provisionKeys: ProvisionKeys,
): Promise<ProvisionOutcome> {
  const reading = await readProvision(file);
  if (reading.kind === 'faults') return reading;
  const { accounts, keys, describe } = reading;
  const taken = await provisionKeys.conflicts(keys);
  if (taken.length > 0) return { kind: 'faults', faults: describe(taken) };
  const outcome = await changeInOneStep<ProvisionOutcome>(redis, async () => {
    const { changes, changed, conflicts } = await planProvision(redis, accounts, nowMs);
    if (conflicts.length > 0) return { changes: [], result: { kind: 'faults', faults: describe(conflicts) } };
    // Conditions alone are nothing to do.
    return { changes: changed === 0 ? [] : changes, result: { kind: 'applied', changed } };
  });
  if (outcome.kind === 'faults') return outcome;
  return { kind: 'applied', changed: outcome.changed + (await provisionKeys.import(keys)) };
}
