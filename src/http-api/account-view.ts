/** An account as the API shows it: its record, with times that people read. */
import type { Account } from '../accounts/account.js';
import type { StoredAccountEvent } from '../events/account-log.js';

export type AccountView = Omit<Account, 'createdAt'> & { readonly createdAt: string };
export type AccountEventView = Omit<StoredAccountEvent, 'at'> & { readonly at: string };

export function viewAccount({ createdAt, ...account }: Account): AccountView {
  return { ...account, createdAt: new Date(createdAt).toISOString() };
}

export function viewAccountEvent({ at, ...event }: StoredAccountEvent): AccountEventView {
  return { ...event, at: new Date(at).toISOString() };
}
