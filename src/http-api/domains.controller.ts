/** `/v1/domains`: the domains that an account may send as, and the DNS records that make its mail believed. */
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Credential } from '../accounts/credentials.js';
import { DomainRegistry } from '../accounts/domain-registry.js';
import { ANY_DOMAIN, sendingDomainName, SendingDomains, type SendingDomain } from '../accounts/sending-domains.js';
import { accountQuerySchema, ActingAccount, needAdmin, type AccountQuery } from './acting-account.js';
import { Caller } from './caller.js';
import { domainSchema, keyImportSchema, type KeyImport, type NewDomain } from './domain-schema.js';
import { DomainVerification } from './domain-verification.js';
import {
  viewDomain,
  viewRecord,
  type DomainView,
  type DomainWithRecords,
  type VerifiedDomainView,
} from './domain-view.js';
import { inputProblem, problem, ProblemError } from './problem.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';

@Controller('v1/domains')
export class DomainsController {
  constructor(
    private readonly domains: SendingDomains,
    private readonly registry: DomainRegistry,
    private readonly verification: DomainVerification,
    private readonly acting: ActingAccount,
    private readonly store: StoreAccess,
  ) {}

  /** All on one page: `cursor` is where a next one would begin. */
  @Get()
  @NeedsScope('domains')
  async list(
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
  ): Promise<{ data: DomainView[]; cursor: null }> {
    const account = await this.acting.of(caller, query);
    const domains = await this.store.ask(() => this.domains.list(account));
    return { data: domains.map(viewDomain), cursor: null };
  }

  /** 201, or 200 where the account has it. The operator's word stands in for DNS, so it takes the operator's scope. */
  @Post()
  @NeedsScope('domains')
  async add(
    @Body({ schema: domainSchema }) { name, assumeVerified = false }: NewDomain,
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DomainWithRecords> {
    if (assumeVerified || name === ANY_DOMAIN) needAdmin(caller);
    const account = await this.acting.of(caller, query);
    const added = await this.store.ask(() => this.registry.add(account, name, assumeVerified));
    switch (added.kind) {
      case 'added':
      case 'known':
        void reply.code(added.kind === 'added' ? 201 : 200);
        return this.withRecords(account, added.domain);
      case 'refused':
        throw new ProblemError(added.why === 'too_many' ? problem('too_many_domains') : notProvable(name));
      default:
        return added satisfies never;
    }
  }

  @Get(':name')
  @NeedsScope('domains')
  async show(
    @Param('name') text: string,
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
  ): Promise<DomainWithRecords> {
    const account = await this.acting.of(caller, query);
    return this.withRecords(account, await this.find(account, text));
  }

  @Delete(':name')
  @HttpCode(204)
  @NeedsScope('domains')
  async remove(
    @Param('name') text: string,
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
  ): Promise<void> {
    const account = await this.acting.of(caller, query);
    const { name } = await this.find(account, text);
    if (!(await this.store.ask(() => this.registry.remove(account, name)))) throw noSuchDomain();
  }

  /** Asks DNS now. */
  @Post(':name/verify')
  @HttpCode(200)
  @NeedsScope('domains')
  async verify(
    @Param('name') text: string,
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
  ): Promise<VerifiedDomainView> {
    const account = await this.acting.of(caller, query);
    const { name } = await this.findOne(account, text);
    const view = await this.verification.verify(account, name);
    if (!view) throw noSuchDomain();
    return view;
  }

  @Post(':name/dkim/rotate')
  @HttpCode(200)
  @NeedsScope('domains')
  async rotate(
    @Param('name') text: string,
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
  ): Promise<DomainWithRecords> {
    const account = await this.acting.of(caller, query);
    const domain = await this.findOne(account, text);
    await this.store.ask(() => this.registry.rotate(account, domain.name));
    return this.withRecords(account, domain);
  }

  @Post(':name/dkim/import')
  @HttpCode(200)
  @NeedsScope('domains')
  async importKey(
    @Param('name') text: string,
    @Body({ schema: keyImportSchema }) { assumePublished = false, ...key }: KeyImport,
    @Caller() caller: Credential,
    @Query({ schema: accountQuerySchema }) query: AccountQuery,
  ): Promise<DomainWithRecords & { readonly advice?: string }> {
    if (assumePublished) needAdmin(caller);
    const account = await this.acting.of(caller, query);
    const domain = await this.findOne(account, text);
    const result = await this.store.ask(() =>
      this.registry.importKey(account, domain.name, { ...key, assumePublished }),
    );
    if (result.kind === 'refused') throw new ProblemError(inputProblem([{ path: 'privateKey', message: result.why }]));
    const { advice } = result;
    return { ...(await this.withRecords(account, domain)), ...(advice !== undefined && { advice }) };
  }

  private async find(account: string, text: string): Promise<SendingDomain> {
    const name = sendingDomainName(text);
    const domain = name === undefined ? undefined : await this.store.ask(() => this.domains.get(account, name));
    if (!domain) throw noSuchDomain();
    return domain;
  }

  /** As `find`, for what can only be done with a domain that has records. */
  private async findOne(account: string, text: string): Promise<SendingDomain> {
    const domain = await this.find(account, text);
    if (domain.name !== ANY_DOMAIN) return domain;
    throw new ProblemError(problem('not_found', '* stands for every domain, and has neither keys nor records'));
  }

  private async withRecords(account: string, domain: SendingDomain): Promise<DomainWithRecords> {
    const records = await this.store.ask(() => this.registry.records(account, domain));
    return { ...viewDomain(domain), records: records.map(viewRecord) };
  }
}

function notProvable(name: string): ReturnType<typeof problem> {
  const what = name === ANY_DOMAIN ? '* stands for every domain' : `${name} has no dot, and is no domain in DNS`;
  const message = `must be true: ${what}, so only the operator can vouch for it`;
  return inputProblem([{ path: 'assumeVerified', message }]);
}

function noSuchDomain(): ProblemError {
  return new ProblemError(problem('not_found', 'This account has no such domain'));
}
