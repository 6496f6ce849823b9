/** Lets SMTP users in by their password, and has the words for those who are not: RFC 4954. */
import type { Credential } from '../accounts/credentials.js';
import { waitInWords } from '../listeners/login-guard.js';
import type { PasswordLogins } from '../listeners/password-login.js';
import { refusal, type Refusal } from './refusals.js';

export type Login =
  | { readonly kind: 'accepted'; readonly credential: Credential }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export class SmtpLogin {
  constructor(private readonly logins: PasswordLogins) {}

  /** Resolves when the reply may go out, which for one failure of many is not at once. */
  async logIn(user: string, password: string, address: string, door: 'smtp' | 'trusted'): Promise<Login> {
    const refused = (why: Refusal): Login => ({ kind: 'refused', refusal: why });
    const login = await this.logins.logIn(user, password, address, door);
    switch (login.kind) {
      case 'accepted':
        if (login.credential.scopes.includes('smtp')) return login;
        return refused(refusal('missing_scope', 'send over SMTP'));
      case 'refused':
        return refused(refusal('bad_credentials'));
      case 'locked':
        return refused(refusal('too_many_failed_logins', waitInWords(login.retryAfterS), login.retryAfterS));
      case 'unavailable':
        // RFC 4954 section 4.7: a temporary failure to authenticate.
        return refused({ ...refusal('queue_unavailable'), code: 454 });
      default:
        return login satisfies never;
    }
  }
}
