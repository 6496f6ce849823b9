/** Whether a sender who was let in may still send: asked at every message, because a session can outlive its credential. */
import type { Account } from '../accounts/account.js';
import type { Accounts } from '../accounts/accounts.js';
import type { Credential, Credentials } from '../accounts/credentials.js';
import { refusal, type Refusal } from './refusals.js';

/** How a sender stands, by what is at most a second old. */
export type Standing =
  | {
      readonly kind: 'good';
      /** Absent where it has no record, and so no limits. */
      readonly account?: Account;
      /** As it is now: its limits may be others than when the client showed it. */
      readonly credential?: Credential;
    }
  | { readonly kind: 'fallen'; readonly refusal: Refusal };

export class SenderStanding {
  constructor(
    private readonly accounts: Accounts,
    private readonly credentials: Credentials,
  ) {}

  /**
   * @param shown what the client once logged in with: of one that was removed, with its account or by itself, or that may
   * no longer send over SMTP, nothing is taken any more
   */
  async of(name: string, shown?: Credential): Promise<Standing> {
    const [account, credential] = await Promise.all([
      this.accounts.recent(name),
      shown && this.credentials.recent(shown),
    ]);
    if (shown && (!credential || hasLostSmtp(shown, credential))) return fallen(refusal('credential_revoked'));
    if (account?.state === 'suspended') {
      return fallen(refusal('account_suspended', account.suspendedBecause ?? 'ask its operator'));
    }
    return { kind: 'good', ...(account && { account }), ...(credential && { credential }) };
  }
}

/** HTTP looks at scopes with every request; a session of SMTP saw them when it logged in. */
function hasLostSmtp(shown: Credential, now: Credential): boolean {
  return shown.scopes.includes('smtp') && !now.scopes.includes('smtp');
}

function fallen(refused: Refusal): Standing {
  return { kind: 'fallen', refusal: refused };
}
