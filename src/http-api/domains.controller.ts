/** `/v1/domains`: the domains that the account may send as, and the DNS records that make its mail believed. */
import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Credential } from '../accounts/credentials.js';
import { DkimKeys } from '../accounts/dkim-keys.js';
import { ANY_DOMAIN, SendingDomains, type SendingDomain } from '../accounts/sending-domains.js';
import { Caller } from './caller.js';
import { domainName, domainSchema, type NewDomain } from './domain-schema.js';
import { inputProblem, problem, ProblemError } from './problem.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';

interface DomainView {
  readonly name: string;
  readonly state: string;
  readonly verifiedBy?: string;
  readonly addedAt: string;
}

/** A record to publish in DNS. */
interface RecordView {
  readonly purpose: 'dkim';
  readonly type: 'TXT';
  readonly name: string;
  readonly value: string;
}

type DomainWithRecords = DomainView & { readonly records: readonly RecordView[] };

@Controller('v1/domains')
export class DomainsController {
  constructor(
    private readonly domains: SendingDomains,
    private readonly dkimKeys: DkimKeys,
    private readonly store: StoreAccess,
  ) {}

  /** All on one page: `cursor` is where a next one would begin. */
  @Get()
  @NeedsScope('domains')
  async list(@Caller() { account }: Credential): Promise<{ data: DomainView[]; cursor: null }> {
    const domains = await this.store.ask(() => this.domains.list(account));
    return { data: domains.map(viewDomain), cursor: null };
  }

  /** The operator's word stands in for DNS, so it takes the operator's scope. One that is there is left as it is. */
  @Post()
  @NeedsScope('admin')
  async add(
    @Body({ schema: domainSchema }) { name }: NewDomain,
    @Caller() { account }: Credential,
  ): Promise<DomainWithRecords> {
    const added = await this.store.ask(() => this.domains.addVerified(account, name));
    if (!added)
      throw new ProblemError(inputProblem([{ path: 'name', message: 'is no domain that mail can be sent as' }]));
    return this.withRecords(account, added);
  }

  @Get(':name')
  @NeedsScope('domains')
  async show(@Param('name') text: string, @Caller() { account }: Credential): Promise<DomainWithRecords> {
    const name = domainName(text);
    const domain = name === undefined ? undefined : await this.store.ask(() => this.domains.get(account, name));
    if (!domain) throw noSuchDomain();
    return this.withRecords(account, domain);
  }

  @Delete(':name')
  @HttpCode(204)
  @NeedsScope('domains')
  async remove(@Param('name') text: string, @Caller() { account }: Credential): Promise<void> {
    const name = domainName(text);
    const removed = name !== undefined && (await this.store.ask(() => this.domains.remove(account, name)));
    if (!removed) throw noSuchDomain();
  }

  private async withRecords(account: string, domain: SendingDomain): Promise<DomainWithRecords> {
    // Of all domains together there is no key.
    if (domain.name === ANY_DOMAIN) return { ...viewDomain(domain), records: [] };
    const keys = await this.store.ask(() => this.dkimKeys.ensure(account, domain.name, 'active'));
    return { ...viewDomain(domain), records: keys.map(({ record }) => ({ purpose: 'dkim', type: 'TXT', ...record })) };
  }
}

function viewDomain({ name, state, verifiedBy, addedAt }: SendingDomain): DomainView {
  return { name, state, ...(verifiedBy && { verifiedBy }), addedAt: new Date(addedAt).toISOString() };
}

function noSuchDomain(): ProblemError {
  return new ProblemError(problem('not_found', 'This account has no such domain'));
}
