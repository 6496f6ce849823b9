/** The DKIM keys of a provisioning file, beside those that the domains have already. */
import { createPrivateKey } from 'node:crypto';
import { traitsOf } from './dkim-key.js';
import type { DkimKeys } from './dkim-keys.js';
import type { CheckedDomain } from './domain-checks.js';
import type { FaultAtPath } from './provision-repeats.js';
import type { ProvisionedKey } from './read-provision.js';

export class ProvisionKeys {
  constructor(private readonly dkimKeys: DkimKeys) {}

  /** Keys whose selector another key of the domain has. */
  async conflicts(keys: readonly ProvisionedKey[]): Promise<FaultAtPath[]> {
    const faults: FaultAtPath[] = [];
    for (const key of keys) {
      if ((await this.standing(key)) !== 'another') continue;
      const message = `must name the key that signs under ${key.selector} already, or stand under another selector`;
      faults.push({ path: key.path, message });
    }
    return faults;
  }

  /** Makes them sign. Resolves with how many did not yet. */
  async import(keys: readonly ProvisionedKey[]): Promise<number> {
    let imported = 0;
    for (const key of keys) {
      if ((await this.standing(key)) !== 'absent') continue;
      const { account, domain, selector, pem } = key;
      const outcome = await this.dkimKeys.import(account, domain, selector, pem, 'active');
      if (outcome.kind === 'refused') throw new Error(`the key ${selector} of ${domain}: ${outcome.why}`);
      imported++;
    }
    return imported;
  }

  /**
   * On the operator's word keys sign that wait for DNS. Where there are none yet, the first mail makes them: of a thousand new
   * domains that would take the start minutes.
   */
  async vouch(domains: readonly CheckedDomain[]): Promise<void> {
    for (const { account, name } of domains) {
      const keys = await this.dkimKeys.list(account, name);
      if (keys.length > 0) await this.dkimKeys.ensure(account, name, 'active');
    }
  }

  private async standing({ account, domain, selector, pem }: ProvisionedKey): Promise<'absent' | 'same' | 'another'> {
    // One that was rotated away since is still the file's, and nothing is to be done about it.
    const known = await this.dkimKeys.find(account, domain, selector);
    if (!known) return 'absent';
    const { publicKey } = traitsOf(createPrivateKey(pem));
    return known.record.value.endsWith(`p=${publicKey}`) ? 'same' : 'another';
  }
}
