/** Checks one sending domain in DNS, and acts on it: its keys become active, its state changes, and that is told. */
import type { Clock } from '../mail/clock.js';
import type { AskDns } from '../network/ask-dns.js';
import type { Metrics } from '../telemetry/metrics.js';
import { bearsOnState, domainRecords, type DomainRecord, type RelayNames } from './domain-records.js';
import type { DomainParts, DomainRegistry } from './domain-registry.js';
import { domainAfterCheck, FAILING_GRACE_MS, type DnsWord } from './domain-state.js';
import type { SendingDomain } from './sending-domains.js';
import { verifyDomain, type Finding } from './verify-domain.js';

export interface DomainCheck {
  readonly domain: SendingDomain;
  readonly findings: readonly Finding[];
  /** Since when the newest key that DNS does not show yet waits for it; undefined: none does. */
  readonly waitingSince: number | undefined;
}

export class CheckDomain {
  constructor(
    private readonly registry: DomainRegistry,
    private readonly parts: DomainParts,
    private readonly relay: RelayNames,
    private readonly ask: AskDns,
    private readonly telemetry: { readonly metrics: Metrics; readonly clock: Clock },
  ) {}

  /**
   * Undefined where the account has no such domain. Rejects where Redis does.
   *
   * @param extent only the records that the domain's state depends on, or all, for a person to read
   */
  async check(account: string, name: string, extent: 'state' | 'all'): Promise<DomainCheck | undefined> {
    const { domains, dkimKeys, journal } = this.parts;
    const { clock, metrics } = this.telemetry;
    const asked = await domains.get(account, name);
    if (!asked) return undefined;
    await dkimKeys.retireDue(account, name);
    const all = await this.registry.records(account, asked);
    const records = extent === 'all' ? all : all.filter(bearsOnState);
    const findings = await verifyDomain(name, records, this.relay, this.ask);
    const keys = keyFindings(findings);
    const published = keys.filter(({ status }) => status === 'ok').map(({ record }) => record.key.selector);
    // Before the state: a verified domain has a key that signs.
    if (published.length > 0) await dkimKeys.published(account, name, new Set(published));
    const shown = await this.asTheyAreNow(account, name, findings);

    const seen = { dkim: dkimWord(findings), returnPath: returnPathWord(findings) };
    const now = clock.now();
    const change = await domains.change(account, name, (domain) =>
      // Taken away and added anew meanwhile, it has other keys than those that were asked for.
      domain.addedAt === asked.addedAt ? domainAfterCheck(domain, seen, now) : undefined,
    );
    if (!change) return undefined;
    metrics.domainChecks.inc({ state: change.after.state });
    await journal.tell(account, change, reason(change.after, findings));
    const waiting = keys.filter(({ status, record }) => status !== 'ok' && record.key.state === 'pending');
    const waitingSince =
      waiting.length > 0 ? Math.max(...waiting.map(({ record }) => record.key.createdAt)) : undefined;
    return { domain: change.after, findings: shown, waitingSince };
  }

  /** The findings with the keys in the state that the check itself has brought them to. */
  private async asTheyAreNow(account: string, name: string, findings: readonly Finding[]): Promise<readonly Finding[]> {
    const keys = await this.parts.dkimKeys.list(account, name);
    const records = new Map(domainRecords(name, keys, this.relay).map((record) => [record.name, record]));
    return findings.map((finding) => {
      const now = finding.record.purpose === 'dkim' ? records.get(finding.record.name) : undefined;
      return now ? { ...finding, record: now } : finding;
    });
  }
}

type KeyFinding = Finding & { readonly record: Extract<DomainRecord, { purpose: 'dkim' }> };

function keyFindings(findings: readonly Finding[]): readonly KeyFinding[] {
  return findings.filter((finding): finding is KeyFinding => finding.record.purpose === 'dkim');
}

/** The keys that prove a domain: RSA, because every receiver takes it. One that retires proves what was. */
function provingKeys(findings: readonly Finding[]): readonly KeyFinding[] {
  return keyFindings(findings).filter(
    ({ record: { key } }) => key.algorithm === 'rsa-sha256' && (key.state === 'active' || key.state === 'pending'),
  );
}

/** A key is made for one account and one domain: who publishes it holds both. */
function dkimWord(findings: readonly Finding[]): DnsWord {
  const proving = provingKeys(findings);
  if (proving.some(({ status }) => status === 'ok')) return 'shown';
  // Without a key there is nothing to be gone.
  return proving.length === 0 || proving.some(({ status }) => status === 'unknown') ? 'unknown' : 'gone';
}

function returnPathWord(findings: readonly Finding[]): DnsWord {
  const found = findings.find(({ record }) => record.purpose === 'return_path');
  // The relay's bounce domain lies below this domain, so that no CNAME is needed.
  if (!found) return 'shown';
  return found.status === 'ok' ? 'shown' : found.status === 'unknown' ? 'unknown' : 'gone';
}

function reason({ state }: SendingDomain, findings: readonly Finding[]): string {
  const proving = provingKeys(findings);
  const shown = proving.find(({ status }) => status === 'ok');
  if (state === 'verified' && shown) return `DNS shows the key at ${shown.record.name}`;
  const [first] = proving;
  const what = first ? `${first.record.name} is ${first.status} in DNS${first.todo ? `: ${first.todo}` : ''}` : '';
  return state === 'unverified' ? `for ${FAILING_GRACE_MS / 3_600_000} hours, ${what}` : what;
}
