/**
 * The HTTP API. From outside, by class: AcceptMessage, Spool, SendingDomains, DkimKeys and Log; `configureHttpApi` asks
 * the application for Credentials and Metrics besides.
 */
import { Module } from '@nestjs/common';
import { DomainsController } from './domains.controller.js';
import { MessagesController } from './messages.controller.js';
import { StoreAccess } from './store-access.js';

@Module({
  controllers: [MessagesController, DomainsController],
  providers: [StoreAccess],
})
export class HttpApiModule {}
