/** Whether a sender who was let in may still send: asked at every message, because a session can outlive its credential. */
import type { Accounts } from '../accounts/accounts.js';
import type { Credential, Credentials } from '../accounts/credentials.js';
import { refusal, type Refusal } from './refusals.js';

export class SenderStanding {
  constructor(
    private readonly accounts: Accounts,
    private readonly credentials: Credentials,
  ) {}

  /**
   * Why `account` may not send now, by what is at most a second old; undefined where it may. `credential` is what the client
   * once showed: of one that was removed, with its account or by itself, nothing is taken any more. Never rejects.
   */
  async refusalOf(account: string, credential?: Credential): Promise<Refusal | undefined> {
    try {
      if (credential && !(await this.credentials.isLive(credential))) return refusal('credential_revoked');
      const { state, suspendedBecause } = (await this.accounts.recent(account)) ?? {};
      return state === 'suspended' ? refusal('account_suspended', suspendedBecause ?? 'ask its operator') : undefined;
    } catch {
      return refusal('queue_unavailable');
    }
  }
}
