/**
 * `/v1/credentials`: SMTP users and API keys of an account, the caller's own or another that it names. For the operator:
 * scope admin. A secret is in the answer that makes it and nowhere else.
 */
import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CREDENTIALS_PER_ACCOUNT_MAX, type CredentialSpec } from '../accounts/credential.js';
import { Credentials, type Credential, type CredentialCreation } from '../accounts/credentials.js';
import { ANY_DOMAIN, SendingDomains } from '../accounts/sending-domains.js';
import { Settings } from '../config/settings.js';
import { accountQuerySchema, ActingAccount, type AccountQuery } from './acting-account.js';
import { conflict } from './accounts.controller.js';
import { Caller } from './caller.js';
import { newCredentialSchema, removalSchema, type NewCredentialBody, type Removal } from './credential-bodies.js';
import { viewCredential, type CredentialView } from './credential-view.js';
import { inputProblem, problem, ProblemError } from './problem.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';

/** Users made up by chance that may be taken one after the other: two never are. */
const USERS_TRIED_MAX = 5;
const CHANCE_BYTES = 4;

@Controller('v1/credentials')
export class CredentialsController {
  constructor(
    private readonly credentials: Credentials,
    private readonly acting: ActingAccount,
    private readonly domains: SendingDomains,
    private readonly settings: Settings,
    private readonly store: StoreAccess,
  ) {}

  /** All on one page: `cursor` is where a next one would begin. */
  @Get()
  @NeedsScope('admin')
  async list(
    @Query({ schema: accountQuerySchema }) owner: AccountQuery,
    @Caller() caller: Credential,
  ): Promise<{ data: CredentialView[]; cursor: null }> {
    const account = await this.acting.of(caller, owner);
    const credentials = await this.store.ask(() => this.credentials.list(account));
    return { data: credentials.map(viewCredential), cursor: null };
  }

  @Post()
  @NeedsScope('admin')
  async create(
    @Body({ schema: newCredentialSchema }) body: NewCredentialBody,
    @Query({ schema: accountQuerySchema }) owner: AccountQuery,
    @Caller() caller: Credential,
  ): Promise<CredentialView & { readonly secret: string }> {
    const { account: named, expiresIn, expiresAt: given, ...rest } = body;
    if (named !== undefined && owner.account !== undefined && named !== owner.account) {
      const message = `is "${named}" in the body and "${owner.account}" in the query: say one`;
      throw new ProblemError(inputProblem([{ path: 'account', message }]));
    }
    const account = named ?? (await this.acting.of(caller, owner));
    const expiresAt = expiresIn === undefined ? given : Date.now() + expiresIn * 1000;
    const spec: CredentialSpec = {
      ...rest,
      scopes: [...new Set(rest.scopes)],
      ...(expiresAt !== undefined && { expiresAt }),
    };
    const created = await this.store.ask(() => this.createAs(account, spec));
    switch (created.kind) {
      case 'created':
        return { ...viewCredential(created.credential), secret: created.secret };
      case 'no_account':
        throw new ProblemError(inputProblem([{ path: 'account', message: `there is no account "${account}"` }]));
      case 'user_taken':
        throw conflict(`The user "${spec.user ?? account}" is taken: users are one of a kind over all accounts`);
      case 'full':
        throw conflict(`The account has ${CREDENTIALS_PER_ACCOUNT_MAX} credentials: remove some that are not used`);
      default:
        return created satisfies never;
    }
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsScope('admin')
  async remove(
    @Param('id') id: string,
    @Query({ schema: removalSchema }) { force, ...owner }: Removal,
    @Caller() caller: Credential,
  ): Promise<void> {
    const account = await this.acting.of(caller, owner);
    if (id === caller.id && force !== 'true') {
      throw conflict('This is the API key of this very request: say ?force=true to remove it all the same');
    }
    const removed = await this.store.ask(() => this.credentials.remove(account, id));
    if (!removed) throw new ProblemError(problem('not_found', `The account "${account}" has no such credential`));
  }

  /** A user that nobody chose is the account's name at its first domain, with some chance in it where that is taken. */
  private async createAs(account: string, spec: CredentialSpec): Promise<CredentialCreation> {
    if (spec.kind === 'api' || spec.user !== undefined) return this.credentials.create(account, spec);
    const own = (await this.domains.list(account)).find(({ name }) => name !== ANY_DOMAIN);
    const domain = own?.name ?? this.settings.hostname;
    let created = await this.credentials.create(account, { ...spec, user: `${account}@${domain}` });
    for (let tries = 0; created.kind === 'user_taken' && tries < USERS_TRIED_MAX; tries++) {
      const user = `${account}-${randomBytes(CHANCE_BYTES).toString('hex')}@${domain}`;
      created = await this.credentials.create(account, { ...spec, user });
    }
    return created;
  }
}
