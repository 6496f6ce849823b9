/** A sending domain as its owner handles it: the domain, its keys and its next check kept together. */
import type { Clock } from '../mail/clock.js';
import type { DkimKeys, ImportedKey } from './dkim-keys.js';
import { FIRST_CHECK_MS, type DomainChecks } from './domain-checks.js';
import type { DomainJournal } from './domain-journal.js';
import { domainRecords, type DomainRecord, type RelayNames } from './domain-records.js';
import { domainOnOperatorsWord } from './domain-state.js';
import { ANY_DOMAIN, verifiedDomain, type SendingDomain, type SendingDomains } from './sending-domains.js';

export type Registration =
  | { readonly kind: 'added' | 'known'; readonly domain: SendingDomain }
  /** `not_provable`: nobody but the operator can vouch for it. */
  | { readonly kind: 'refused'; readonly why: 'too_many' | 'not_provable' };

export interface DomainParts {
  readonly domains: SendingDomains;
  readonly dkimKeys: DkimKeys;
  readonly checks: DomainChecks;
  readonly journal: DomainJournal;
}

export class DomainRegistry {
  constructor(
    private readonly parts: DomainParts,
    private readonly relay: RelayNames,
    private readonly clock: Clock,
  ) {}

  /**
   * Adds `name`, as `sendingDomainName` gave it. On the operator's word it is verified at once, also where it was known
   * and waited for DNS; else a known one is left as it is.
   */
  async add(account: string, name: string, assumeVerified: boolean): Promise<Registration> {
    // DNS proves who holds a domain, and a single label is a registry's or nobody's.
    if (!assumeVerified && !name.includes('.')) return { kind: 'refused', why: 'not_provable' };
    const now = this.clock.now();
    const domain: SendingDomain = assumeVerified
      ? verifiedDomain(name, now)
      : { name, state: 'pending', addedAt: now, returnPath: 'pending' };
    const result = await this.parts.domains.add(
      account,
      domain,
      name === ANY_DOMAIN ? undefined : now + FIRST_CHECK_MS,
    );
    if (result.kind === 'full') return { kind: 'refused', why: 'too_many' };
    const registered =
      assumeVerified && result.kind === 'known' ? await this.takeWord(account, result.domain) : result.domain;
    await this.ensureKeys(account, registered);
    return { kind: result.kind, domain: registered };
  }

  /** The records to publish for it. */
  async records(account: string, domain: SendingDomain): Promise<readonly DomainRecord[]> {
    if (domain.name === ANY_DOMAIN) return [];
    let keys = await this.parts.dkimKeys.list(account, domain.name);
    if (keys.length === 0) {
      await this.ensureKeys(account, domain);
      keys = await this.parts.dkimKeys.list(account, domain.name);
    }
    return domainRecords(domain.name, keys, this.relay);
  }

  /** False where there is no such domain. Mail that is accepted already is still delivered. */
  async remove(account: string, name: string): Promise<boolean> {
    const removed = await this.parts.domains.remove(account, name);
    if (removed && name !== ANY_DOMAIN) await this.parts.dkimKeys.remove(account, name);
    return removed;
  }

  /** Makes new keys, which sign as soon as DNS shows them. */
  async rotate(account: string, name: string): Promise<void> {
    await this.parts.dkimKeys.rotate(account, name);
    await this.checkSoon(account, name);
  }

  /** Takes a key that exists elsewhere. `assumePublished`: it signs at once, on the operator's word. */
  async importKey(
    account: string,
    name: string,
    key: { readonly selector: string; readonly privateKey: string; readonly assumePublished: boolean },
  ): Promise<ImportedKey> {
    const state = key.assumePublished ? 'active' : 'pending';
    const result = await this.parts.dkimKeys.import(account, name, key.selector, key.privateKey, state);
    if (result.kind === 'imported') await this.checkSoon(account, name);
    return result;
  }

  private async takeWord(account: string, known: SendingDomain): Promise<SendingDomain> {
    const now = this.clock.now();
    const change = await this.parts.domains.change(account, known.name, (domain) => domainOnOperatorsWord(domain, now));
    if (change) await this.parts.journal.tell(account, change, 'the operator says so');
    return change?.after ?? known;
  }

  private async ensureKeys(account: string, { name, verifiedBy }: SendingDomain): Promise<void> {
    if (name === ANY_DOMAIN) return;
    await this.parts.dkimKeys.ensure(account, name, verifiedBy === 'operator' ? 'active' : 'pending');
  }

  private async checkSoon(account: string, name: string): Promise<void> {
    await this.parts.checks.plan({ account, name }, this.clock.now() + FIRST_CHECK_MS);
  }
}
