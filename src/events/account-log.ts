/** What happens to an account besides its messages: its domains, its limits. One capped Redis stream an account. */
import type { Redis } from 'ioredis';
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';

export type AccountEvent =
  | {
      readonly type: 'domain.status_changed';
      readonly at: number;
      readonly domain: string;
      readonly from: string;
      readonly to: string;
      /** What was found that made it change, for a person. */
      readonly because: string;
    }
  | {
      readonly type: 'account.alert';
      readonly at: number;
      readonly kind: 'volume_jump' | 'unknown_rate';
      readonly because: string;
    }
  /** By hand: what refusals and complaints lead to stands in the histories of their messages. */
  | {
      readonly type: 'suppression.added' | 'suppression.removed';
      readonly at: number;
      /** The first of them, where they are several. */
      readonly address: string;
      readonly addresses: number;
      readonly because: string;
      /** Name or id of the credential. */
      readonly by: string;
    }
  | { readonly type: 'account.suspended' | 'account.resumed'; readonly at: number; readonly because: string };

export type StoredAccountEvent = AccountEvent & { readonly id: string };

/** Events kept of each account; the oldest go first. */
export const EVENTS_MAX = 1_000;

export class AccountLog {
  constructor(private readonly redis: Redis) {}

  async append(account: string, event: AccountEvent): Promise<void> {
    await this.redis.xadd(accountEventsKey(account), 'MAXLEN', '~', EVENTS_MAX, '*', 'v', JSON.stringify(event));
  }

  /** The newest `limit`, oldest first. */
  async list(account: string, limit: number): Promise<readonly StoredAccountEvent[]> {
    const entries = await this.redis.xrevrange(accountEventsKey(account), '+', '-', 'COUNT', limit);
    return entries.reverse().map(([id, [, json = '{}']]) => ({ ...(JSON.parse(json) as AccountEvent), id }));
  }
}

export function accountEventsKey(account: string): string {
  return `${ACCOUNTS_PREFIX}:events:${account}`;
}
