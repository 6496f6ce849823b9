/**
 * The HTTP API. From outside, by class: AcceptMessage, Spool, Accounts, AccountLog, Credentials, SendingDomains,
 * DomainRegistry, CheckDomain, DomainChecks, SuppressionBook, Classifier, Settings and Log; `configureHttpApi` asks the application for Metrics besides.
 */
import { Module } from '@nestjs/common';
import { AccountsController } from './accounts.controller.js';
import { ActingAccount } from './acting-account.js';
import { AutoconfigController } from './autoconfig.controller.js';
import { BouncesController } from './bounces.controller.js';
import { CredentialsController } from './credentials.controller.js';
import { DomainVerification } from './domain-verification.js';
import { DomainsController } from './domains.controller.js';
import { MessagesController } from './messages.controller.js';
import { StoreAccess } from './store-access.js';
import { SuppressionsController } from './suppressions.controller.js';

@Module({
  controllers: [
    MessagesController,
    DomainsController,
    AccountsController,
    CredentialsController,
    SuppressionsController,
    BouncesController,
    AutoconfigController,
  ],
  providers: [StoreAccess, ActingAccount, DomainVerification],
})
export class HttpApiModule {}
