/** `/v1/accounts`: whose mail there is, how much of it, and who may not send for now. For the operator: scope admin. */
import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { DEFAULT_WATCH, type Account, type AccountChange } from '../accounts/account.js';
import { Accounts, ACCOUNTS_MAX } from '../accounts/accounts.js';
import type { Credential } from '../accounts/credentials.js';
import { AccountTraces } from '../bounces/account-traces.js';
import { isAccountName } from '../config/scalars.js';
import { AccountLog, EVENTS_MAX } from '../events/account-log.js';
import {
  accountPatchSchema,
  forceSchema,
  newAccountSchema,
  suspensionSchema,
  type AccountPatch,
  type Force,
  type NewAccountBody,
  type Suspension,
} from './account-bodies.js';
import { viewAccount, viewAccountEvent, type AccountEventView, type AccountView } from './account-view.js';
import { Caller } from './caller.js';
import { mergePatch } from './merge-patch.js';
import { problem, ProblemError } from './problem.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';

@Controller('v1/accounts')
export class AccountsController {
  constructor(
    private readonly accounts: Accounts,
    private readonly log: AccountLog,
    private readonly traces: AccountTraces,
    private readonly store: StoreAccess,
  ) {}

  /** All on one page: `cursor` is where a next one would begin. */
  @Get()
  @NeedsScope('admin')
  async list(): Promise<{ data: AccountView[]; cursor: null }> {
    const accounts = await this.store.ask(() => this.accounts.list());
    return { data: accounts.map(viewAccount), cursor: null };
  }

  @Post()
  @NeedsScope('admin')
  async create(@Body({ schema: newAccountSchema }) { name, watch, ...settings }: NewAccountBody): Promise<AccountView> {
    const wanted = { ...settings, watch: { ...DEFAULT_WATCH, ...watch } };
    const created = await this.store.ask(() => this.accounts.create(name, wanted));
    if (created === 'taken') throw conflict(`There is an account "${name}" already`);
    if (created === 'full') throw conflict(`There are ${ACCOUNTS_MAX} accounts, which is the most that there can be`);
    return viewAccount(created);
  }

  @Get(':name')
  @NeedsScope('admin')
  async show(@Param('name') name: string): Promise<AccountView> {
    return viewAccount(await this.find(name, () => this.accounts.get(name)));
  }

  @Patch(':name')
  @NeedsScope('admin')
  async update(
    @Param('name') name: string,
    @Body({ schema: accountPatchSchema }) patch: AccountPatch,
  ): Promise<AccountView> {
    const change = (account: Account): AccountChange => {
      const { limits, onLimit, watch, suppressedRecipients, suppressAfter } = account;
      const settings = { limits, onLimit, watch, suppressedRecipients, suppressAfter };
      const changed = mergePatch(settings, patch) as AccountChange;
      return { ...changed, limits: changed.limits ?? {} };
    };
    return viewAccount(await this.find(name, () => this.accounts.change(name, change)));
  }

  /** Its queued mail is still delivered. */
  @Delete(':name')
  @HttpCode(204)
  @NeedsScope('admin')
  async remove(
    @Param('name') name: string,
    @Query({ schema: forceSchema }) { force }: Force,
    @Caller() caller: Credential,
  ): Promise<void> {
    if (name === caller.account && force !== 'true') {
      throw conflict(`The API key of this request belongs to "${name}" and would go with it: say so with ?force=true`);
    }
    await this.find(name, () => this.accounts.get(name));
    await this.store.ask(() => this.traces.forget(name));
    if (!(await this.store.ask(() => this.accounts.remove(name)))) throw noSuchAccount(name);
    await this.store.ask(() => this.traces.forget(name));
  }

  @Post(':name/suspend')
  @HttpCode(200)
  @NeedsScope('admin')
  async suspend(
    @Param('name') name: string,
    @Body({ schema: suspensionSchema }) { reason }: Suspension,
  ): Promise<AccountView> {
    return viewAccount(await this.find(name, () => this.accounts.suspend(name, reason)));
  }

  @Post(':name/resume')
  @HttpCode(200)
  @NeedsScope('admin')
  async resume(@Param('name') name: string): Promise<AccountView> {
    return viewAccount(await this.find(name, () => this.accounts.resume(name, 'resumed by the operator')));
  }

  /** The newest that are kept, oldest first. */
  @Get(':name/events')
  @NeedsScope('admin')
  async events(@Param('name') name: string): Promise<{ data: AccountEventView[]; cursor: null }> {
    await this.find(name, () => this.accounts.get(name));
    const events = await this.store.ask(() => this.log.list(name, EVENTS_MAX));
    return { data: events.map(viewAccountEvent), cursor: null };
  }

  private async find(name: string, read: () => Promise<Account | undefined>): Promise<Account> {
    const account = isAccountName(name) ? await this.store.ask(read) : undefined;
    if (!account) throw noSuchAccount(name);
    return account;
  }
}

export function noSuchAccount(name: string): ProblemError {
  return new ProblemError(problem('not_found', `There is no account "${name.toWellFormed().slice(0, 64)}"`));
}

export function conflict(detail: string): ProblemError {
  return new ProblemError(problem('conflict', detail));
}
