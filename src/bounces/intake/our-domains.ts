/**
 * Whose the mail to `postmaster@`, `abuse@` and `fbl@` of a domain is. A sending domain's, and that of its return path's
 * name, is its account's. The hostname's and the bounce domain's is the operator's, who reads the mail of the account
 * `default`; where there is none it is that of the first account by name.
 */
import type { Accounts } from '../../accounts/accounts.js';
import { returnPathName } from '../../accounts/domain-records.js';
import { ANY_DOMAIN, isInUse, type SendingDomain, type SendingDomains } from '../../accounts/sending-domains.js';
import { FIRST_ACCOUNT } from '../../accounts/first-start.js';
import type { Clock } from '../../mail/clock.js';

/** How long a domain that is added waits at most for its postmaster. */
const READ_EVERY_MS = 10_000;
/** Accounts that are read at once. */
const ACCOUNTS_AT_ONCE = 50;

export interface IntakeNames {
  readonly hostname: string;
  /** POSTHORN_BOUNCE_DOMAIN. */
  readonly bounceDomain: string;
}

export class OurDomains {
  private readAt = -Infinity;
  private owners: Promise<ReadonlyMap<string, string>> = Promise.resolve(new Map());

  constructor(
    private readonly accounts: Accounts,
    private readonly domains: SendingDomains,
    private readonly names: IntakeNames,
    private readonly clock: Clock,
  ) {}

  /** The account that has `domain` (lower case); undefined where it is not ours. Rejects where Redis does not answer. */
  async accountOf(domain: string): Promise<string | undefined> {
    const now = this.clock.now();
    if (now - this.readAt >= READ_EVERY_MS) {
      this.readAt = now;
      this.owners = this.readOwners();
      this.owners.catch(() => (this.readAt = -Infinity));
    }
    return (await this.owners).get(domain);
  }

  private async readOwners(): Promise<ReadonlyMap<string, string>> {
    const accounts = (await this.accounts.list()).map(({ name }) => name);
    const owned: { readonly account: string; readonly domain: SendingDomain }[] = [];
    for (let i = 0; i < accounts.length; i += ACCOUNTS_AT_ONCE) {
      const some = accounts.slice(i, i + ACCOUNTS_AT_ONCE);
      const lists = await Promise.all(some.map((account) => this.domains.list(account)));
      for (const [j, list] of lists.entries())
        owned.push(...list.map((domain) => ({ account: some[j] ?? '', domain })));
    }
    const owners = new Map<string, string>();
    // Who had it first keeps its postmaster, whoever else may send as it.
    owned.sort((a, b) => a.domain.addedAt - b.domain.addedAt);
    for (const { account, domain } of owned) {
      // What is only claimed gives nobody the mail of others.
      if (domain.name === ANY_DOMAIN || !isInUse(domain)) continue;
      for (const name of [domain.name, returnPathName(domain.name)]) if (!owners.has(name)) owners.set(name, account);
    }
    const operator = accounts.includes(FIRST_ACCOUNT) ? FIRST_ACCOUNT : accounts[0];
    const { hostname, bounceDomain } = this.names;
    if (operator === undefined) return owners;
    for (const name of [hostname, bounceDomain]) if (!owners.has(name)) owners.set(name, operator);
    return owners;
  }
}
