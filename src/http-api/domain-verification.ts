/** `POST /v1/domains/{name}/verify`: asks DNS on demand, no more often than DNS and we can bear. */
import { Injectable } from '@nestjs/common';
import { CheckDomain } from '../accounts/check-domain.js';
import { DomainChecks } from '../accounts/domain-checks.js';
import { viewDomain, viewFinding, type VerifiedDomainView } from './domain-view.js';
import { problem, ProblemError } from './problem.js';
import { StoreAccess } from './store-access.js';

/** Each asks DNS up to forty questions, and waits for the slowest: half a minute where a server is dead. */
const AT_ONCE_MAX = 8;
const BUSY_S = 5;
/** Of one domain; who corrects a record and looks again takes longer. */
const EVERY_MS = 5_000;

@Injectable()
export class DomainVerification {
  private running = 0;

  constructor(
    private readonly checkDomain: CheckDomain,
    private readonly checks: DomainChecks,
    private readonly store: StoreAccess,
  ) {}

  /** Undefined where there is no such domain; throws the problem where it is asked too often. */
  async verify(account: string, name: string): Promise<VerifiedDomainView | undefined> {
    if (this.running >= AT_ONCE_MAX) throw tooOften('Too many domains are being verified at once', BUSY_S);
    this.running++;
    try {
      const waitMs = await this.store.ask(() => this.checks.takeTurn({ account, name }, EVERY_MS));
      if (waitMs > 0) throw tooOften(`${name} was verified a moment ago`, Math.ceil(waitMs / 1000));
      const check = await this.store.ask(() => this.checkDomain.check(account, name, 'all'));
      return check && { ...viewDomain(check.domain), records: check.findings.map(viewFinding) };
    } finally {
      this.running--;
    }
  }
}

function tooOften(why: string, retryAfterS: number): ProblemError {
  const found = problem('too_many_requests', `${why}, try again in ${retryAfterS} s`);
  return new ProblemError({ ...found, headers: { 'Retry-After': String(retryAfterS) } });
}
