/** Makes what stands in the provisioning file true, in one step: all of it, or nothing where anything is wrong with it. */
import type { Redis } from 'ioredis';
import { changeInOneStep } from '../store/change-records.js';
import { DomainChecks, FIRST_CHECK_MS, type CheckedDomain } from './domain-checks.js';
import { planProvision, type CheckPlan } from './plan-provision.js';
import type { ProvisionKeys } from './provision-keys.js';
import type { ProvisionedAccount } from './provision-schema.js';
import { readProvision } from './read-provision.js';
import { ANY_DOMAIN } from './sending-domains.js';

export type ProvisionOutcome =
  /** `changed`: accounts, domains, credentials and keys that were not yet as the file wants them. */
  | { readonly kind: 'applied'; readonly changed: number }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/**
 * Rejects where Redis does not answer: then it is to be tried again, which does no harm. Keys are imported after the
 * step, because they are of domains that it makes; checks are planned after it too, and one that is lost between the two
 * is planned by whoever adopts domains without one.
 * @param forget takes away what others keep of an account that goes: before it, as nobody would know of it after, and after
 * it, for what came in between
 */
export async function applyProvision(
  redis: Redis,
  file: string,
  nowMs: number,
  provisionKeys: ProvisionKeys,
  forget: (account: string) => Promise<void>,
): Promise<ProvisionOutcome> {
  const reading = await readProvision(file);
  if (reading.kind === 'faults') return reading;
  const { accounts, keys, describe } = reading;
  const taken = await provisionKeys.conflicts(keys);
  if (taken.length > 0) return { kind: 'faults', faults: describe(taken) };
  let checks: CheckPlan = { due: [], gone: [] };
  let removed: readonly string[] = [];
  const outcome = await changeInOneStep<ProvisionOutcome>(redis, async () => {
    const { changes, changed, conflicts, gone, ...plan } = await planProvision(redis, accounts, nowMs);
    checks = plan.checks;
    if (conflicts.length > 0) return { changes: [], result: { kind: 'faults', faults: describe(conflicts) } };
    for (const account of gone) await forget(account);
    removed = gone;
    // Conditions alone are nothing to do.
    return { changes: changed === 0 ? [] : changes, result: { kind: 'applied', changed } };
  });
  if (outcome.kind === 'faults') return outcome;
  for (const account of removed) await forget(account);
  await planChecks(redis, checks, nowMs);
  const imported = await provisionKeys.import(keys);
  await provisionKeys.vouch(accounts.flatMap(vouchedDomains));
  return { kind: 'applied', changed: outcome.changed + imported };
}

async function planChecks(redis: Redis, { due, gone }: CheckPlan, nowMs: number): Promise<void> {
  const checks = new DomainChecks(redis);
  for (const domain of gone) await checks.forget(domain);
  for (const domain of due) await checks.plan(domain, nowMs + FIRST_CHECK_MS);
}

function vouchedDomains({ name: account, domains }: ProvisionedAccount): CheckedDomain[] {
  const vouched = domains.filter(({ name, assumeVerified }) => assumeVerified === true && name !== ANY_DOMAIN);
  return vouched.map(({ name }) => ({ account, name }));
}
