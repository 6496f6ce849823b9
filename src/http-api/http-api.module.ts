/**
 * The HTTP API. From outside, by class: AcceptMessage, Spool, Accounts, SendingDomains, DomainRegistry, CheckDomain,
 * DomainChecks and Log; `configureHttpApi` asks the application for Credentials and Metrics besides.
 */
import { Module } from '@nestjs/common';
import { ActingAccount } from './acting-account.js';
import { DomainVerification } from './domain-verification.js';
import { DomainsController } from './domains.controller.js';
import { MessagesController } from './messages.controller.js';
import { StoreAccess } from './store-access.js';

@Module({
  controllers: [MessagesController, DomainsController],
  providers: [StoreAccess, ActingAccount, DomainVerification],
})
export class HttpApiModule {}
