/**
 * Lets users in by their password, whatever protocol they speak. A right one is let in whatever went before; what a
 * refusal says, and when, tells nobody whether a user exists.
 */
import type { Credential, Credentials } from '../accounts/credentials.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { LoginGuard } from './login-guard.js';

export type PasswordDoor = 'smtp' | 'trusted' | 'imap' | 'pop3';

export type PasswordLogin =
  | { readonly kind: 'accepted'; readonly credential: Credential }
  | { readonly kind: 'refused' }
  | { readonly kind: 'locked'; readonly retryAfterS: number }
  /** Redis does not answer: nobody can say whether the password is right. */
  | { readonly kind: 'unavailable' };

export class PasswordLogins {
  constructor(
    private readonly credentials: Credentials,
    private readonly guard: LoginGuard,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {}

  /** Resolves when the reply may go out, which for one failure of many is not at once. */
  async logIn(user: string, password: string, address: string, door: PasswordDoor): Promise<PasswordLogin> {
    let credential: Credential | undefined;
    try {
      credential = await this.credentials.checkSmtp(user, password);
    } catch (error) {
      this.metrics.authAttempts.inc({ door, outcome: 'error' });
      this.log.error('auth.failed', error, { door });
      return { kind: 'unavailable' };
    }
    // Others' failures must not keep out who has the password: it cannot be guessed, so a lock would only be a weapon.
    if (credential) {
      this.metrics.authAttempts.inc({ door, outcome: 'accepted' });
      await this.guard.succeeded(address);
      return { kind: 'accepted', credential };
    }
    const after = await this.guard.failed(user, password, address);
    if (after.kind === 'locked') {
      this.metrics.authAttempts.inc({ door, outcome: 'locked' });
      this.log.info('auth.locked', { door, client: address, retryAfterS: after.retryAfterS });
      return after;
    }
    this.metrics.authAttempts.inc({ door, outcome: 'refused' });
    this.log.info('auth.refused', { door, client: address });
    return { kind: 'refused' };
  }
}
