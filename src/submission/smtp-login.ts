/**
 * Lets SMTP users in by their password: RFC 4954. A right one is let in whatever went before; what a refusal says, and
 * when, tells nobody whether a user exists.
 */
import type { Credential, Credentials } from '../accounts/credentials.js';
import { waitInWords, type LoginGuard } from '../listeners/login-guard.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { refusal, type Refusal } from './refusals.js';

export type Login =
  | { readonly kind: 'accepted'; readonly credential: Credential }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export class SmtpLogin {
  constructor(
    private readonly credentials: Credentials,
    private readonly guard: LoginGuard,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {}

  /** Resolves when the reply may go out, which for one failure of many is not at once. */
  async logIn(user: string, password: string, address: string, door: 'smtp' | 'trusted'): Promise<Login> {
    let credential: Credential | undefined;
    try {
      credential = await this.credentials.checkSmtp(user, password);
    } catch (error) {
      this.metrics.authAttempts.inc({ door, outcome: 'error' });
      this.log.error('auth.failed', error, { door });
      // RFC 4954 section 4.7: a temporary failure to authenticate.
      return { kind: 'refused', refusal: { ...refusal('queue_unavailable'), code: 454 } };
    }
    // Others' failures must not keep out who has the password: it cannot be guessed, so a lock would only be a weapon.
    if (credential) {
      this.metrics.authAttempts.inc({ door, outcome: 'accepted' });
      await this.guard.succeeded(address);
      if (credential.scopes.includes('smtp')) return { kind: 'accepted', credential };
      return { kind: 'refused', refusal: refusal('missing_scope', 'send over SMTP') };
    }
    const after = await this.guard.failed(user, password, address);
    if (after.kind === 'locked') return this.lockedOut(after.retryAfterS, address, door);
    this.metrics.authAttempts.inc({ door, outcome: 'refused' });
    this.log.info('auth.refused', { door, client: address });
    return { kind: 'refused', refusal: refusal('bad_credentials') };
  }

  private lockedOut(retryAfterS: number, address: string, door: 'smtp' | 'trusted'): Login {
    this.metrics.authAttempts.inc({ door, outcome: 'locked' });
    this.log.info('auth.locked', { door, client: address, retryAfterS });
    return { kind: 'refused', refusal: refusal('too_many_failed_logins', waitInWords(retryAfterS), retryAfterS) };
  }
}
