/** Opens the API to API keys: `Authorization: Bearer KEY`, RFC 6750 section 2.1. */
import type { Credential, Credentials } from '../accounts/credentials.js';
import { waitInWords, type LoginGuard } from '../listeners/login-guard.js';
import { refusal } from '../submission/refusals.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { authenticationProblem, problemOfRefusal, unavailable, type Problem } from './problem.js';

export type Authentication =
  | { readonly kind: 'authenticated'; readonly caller: Credential }
  | { readonly kind: 'refused'; readonly problem: Problem };

export class BearerAuthentication {
  constructor(
    private readonly credentials: Credentials,
    private readonly guard: LoginGuard,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {}

  /** @param authorization the header field of that name */
  async authenticate(authorization: string | undefined, clientAddress: string): Promise<Authentication> {
    const refused = (problem: Problem): Authentication => ({ kind: 'refused', problem });
    // RFC 9110 section 11.1: the scheme's name has no case.
    const key = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) return refused(authenticationProblem('authentication_required'));
    let caller: Credential | undefined;
    try {
      caller = await this.credentials.checkApiKey(key);
    } catch (error) {
      // A client that is told 401 throws its key away; without Redis nobody can say that it is wrong.
      this.metrics.authAttempts.inc({ door: 'http', outcome: 'error' });
      this.log.error('auth.failed', error, { door: 'http' });
      return refused(unavailable());
    }
    // A good key is let in whatever its neighbours did: it cannot be guessed, so refusing it would help nobody.
    if (caller) {
      this.metrics.authAttempts.inc({ door: 'http', outcome: 'accepted' });
      return { kind: 'authenticated', caller };
    }
    const after = await this.guard.failed(undefined, key, clientAddress);
    this.metrics.authAttempts.inc({ door: 'http', outcome: after.kind === 'locked' ? 'locked' : 'refused' });
    if (after.kind === 'locked') {
      const { retryAfterS } = after;
      return refused(problemOfRefusal(refusal('too_many_failed_logins', waitInWords(retryAfterS), retryAfterS)));
    }
    this.log.info('auth.refused', { door: 'http', client: clientAddress });
    return refused(authenticationProblem('bad_credentials'));
  }
}
