/** Whose things a request is about: the caller's own account, or the one that `?account=` names, for an admin. */
import { z } from 'zod';
import { Injectable } from '@nestjs/common';
import { Accounts } from '../accounts/accounts.js';
import type { Credential } from '../accounts/credentials.js';
import { accountName } from '../accounts/account-schema.js';
import { noSuchAccount } from './accounts.controller.js';
import { missingScope, ProblemError } from './problem.js';
import { StoreAccess } from './store-access.js';

/** The query of a route that an admin may use for another account. */
export const accountQuerySchema = z.strictObject({ account: accountName.optional() });
export type AccountQuery = z.output<typeof accountQuerySchema>;

@Injectable()
export class ActingAccount {
  constructor(
    private readonly accounts: Accounts,
    private readonly store: StoreAccess,
  ) {}

  /** The name of the account; throws the problem where it is not the caller's to ask for, or does not exist. */
  async of(caller: Credential, { account }: AccountQuery): Promise<string> {
    if (account === undefined || account === caller.account) return caller.account;
    needAdmin(caller);
    const found = await this.store.ask(() => this.accounts.get(account));
    if (!found) throw noSuchAccount(account);
    return account;
  }
}

/** For what a body asks beyond the scope of its route. */
export function needAdmin({ scopes }: Credential): void {
  if (!scopes.includes('admin')) throw new ProblemError(missingScope('admin'));
}
