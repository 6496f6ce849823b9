/** Makes what stands in the provisioning file true, in one step: all of it, or nothing where anything is wrong with it. */
import type { Redis } from 'ioredis';
import { changeInOneStep } from '../store/change-records.js';
import { planProvision } from './plan-provision.js';
import { readProvision, type ProvisionedKey } from './read-provision.js';

export type ProvisionOutcome =
  /** `changed`: accounts, domains, credentials and keys that were not yet as the file wants them. */
  | { readonly kind: 'applied'; readonly changed: number }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** Makes a key the one that signs. False where it did so already. Rejects where the store does not take it. */
export type ImportKey = (key: Omit<ProvisionedKey, 'path'>) => Promise<boolean>;

/**
 * Rejects where Redis does not answer: then it is to be tried again, which does no harm. Keys are imported after the
 * step, because they are of domains that it makes.
 *
 * @param importKey where it is absent, keys in the file are a fault
 */
export async function applyProvision(
  redis: Redis,
  file: string,
  nowMs: number,
  importKey?: ImportKey,
): Promise<ProvisionOutcome> {
  const reading = readProvision(file);
  if (reading.kind === 'faults') return reading;
  const { accounts, keys, describe } = reading;
  if (!importKey && keys.length > 0) {
    const faults = keys.map(({ path }) => ({ path, message: 'is not supported by this version' }));
    return { kind: 'faults', faults: describe(faults) };
  }
  const outcome = await changeInOneStep<ProvisionOutcome>(redis, async () => {
    const { changes, changed, conflicts } = await planProvision(redis, accounts, nowMs);
    if (conflicts.length > 0) return { changes: [], result: { kind: 'faults', faults: describe(conflicts) } };
    // Conditions alone are nothing to do.
    return { changes: changed === 0 ? [] : changes, result: { kind: 'applied', changed } };
  });
  if (outcome.kind === 'faults' || !importKey) return outcome;
  let imported = 0;
  for (const { path: _, ...key } of keys) {
    if (await importKey(key)) imported++;
  }
  return { kind: 'applied', changed: outcome.changed + imported };
}
