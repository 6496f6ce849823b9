/**
 * Checks sending domains in DNS when they are due. Every worker process runs one; they share the work through
 * `DomainChecks`, so that each check is made once, and that of a process that died by another.
 */
import type { Clock } from '../mail/clock.js';
import type { Log } from '../telemetry/logger.js';
import type { Accounts } from './accounts.js';
import type { CheckDomain } from './check-domain.js';
import type { ClaimedCheck, DomainChecks } from './domain-checks.js';
import { adoptedCheckAt, nextCheckAt } from './domain-state.js';
import { ANY_DOMAIN, type SendingDomains } from './sending-domains.js';

const LOOK_EVERY_MS = 5_000;
/** Reads all domains of all accounts. */
const ADOPT_EVERY_MS = 3_600_000;
/** Longer than the slowest check: a dead DNS server holds each of two rounds of questions for about 20 s. */
const LEASE_MS = 180_000;
/** Of one process; a dead DNS server holds no more of it than this. */
const CHECKS_AT_ONCE_MAX = 8;

export interface KeeperParts {
  readonly accounts: Accounts;
  readonly domains: SendingDomains;
  readonly checks: DomainChecks;
  readonly checkDomain: CheckDomain;
}

export class DomainKeeper {
  /** Checks under way. */
  private readonly checking = new Set<Promise<void>>();
  private adopting: Promise<void> = Promise.resolve();
  private claiming: Promise<void> = Promise.resolve();
  private readonly timers: NodeJS.Timeout[] = [];
  private stopped = false;

  /** @param random gives 0 to 1, as Math.random does */
  constructor(
    private readonly parts: KeeperParts,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly log: Log,
  ) {}

  start(): void {
    const adopt = (): void => {
      this.adopting = this.guarded('adopt', this.adopt());
    };
    adopt();
    let isClaiming = false;
    const claim = (): void => {
      if (isClaiming) return;
      isClaiming = true;
      this.claiming = this.guarded('claim', this.startDue()).finally(() => {
        isClaiming = false;
      });
    };
    this.timers.push(setInterval(claim, LOOK_EVERY_MS), setInterval(adopt, ADOPT_EVERY_MS));
  }

  /** Begins nothing more, and resolves when what was begun is over. What that had claimed comes back by itself. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all([this.adopting, this.claiming]);
    await Promise.all(this.checking);
  }

  /** Plans a check for every domain that has none: those that came otherwise than through `SendingDomains`. */
  async adopt(): Promise<void> {
    const { accounts, domains, checks } = this.parts;
    for (const { name: account } of await accounts.list()) {
      if (this.stopped) return;
      const now = this.clock.now();
      const checked = (await domains.list(account)).filter(({ name }) => name !== ANY_DOMAIN);
      await checks.adopt(
        checked.map((domain) => ({ account, name: domain.name, at: adoptedCheckAt(domain, now, this.random()) })),
      );
    }
  }

  /** Makes checks that are due, as many as may be made at once, and resolves when they are over. How many they were. */
  async runDue(): Promise<number> {
    const begun = await this.startDue();
    await Promise.all(begun);
    return begun.length;
  }

  private async startDue(): Promise<readonly Promise<void>[]> {
    const room = CHECKS_AT_ONCE_MAX - this.checking.size;
    if (room <= 0 || this.stopped) return [];
    const claims = await this.parts.checks.claim(this.clock.now(), LEASE_MS, room);
    return claims.map((claim) => {
      const check = this.guarded('check', this.make(claim), { account: claim.account, domain: claim.name });
      this.checking.add(check);
      void check.finally(() => this.checking.delete(check));
      return check;
    });
  }

  private async make(claim: ClaimedCheck): Promise<void> {
    const { checkDomain, checks } = this.parts;
    const check = await checkDomain.check(claim.account, claim.name, 'state');
    // Whoever stops has cut its questions off: another process asks them anew when the lease ends.
    if (this.stopped) return;
    const now = this.clock.now();
    await checks.finish(claim, check && nextCheckAt(check.domain, check.waitingSince, now, this.random()));
  }

  /** Never rejects: a failure is Redis's and passes; the lease ends, and the check is due again. */
  private async guarded(step: string, work: Promise<unknown>, about: Record<string, string> = {}): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.log.warn(`domain.${step}_failed`, { ...about, error: String(error) });
    }
  }
}
