/** `/v1/suppressions`: the addresses that an account's mail does not go to any more, and what a person changes about them. */
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Credential } from '../accounts/credentials.js';
import { SuppressionBook, type NewSuppression } from '../bounces/suppression/suppression-book.js';
import { inputError } from './input-faults.js';
import { accountQuerySchema, ActingAccount, type AccountQuery } from './acting-account.js';
import { conflict } from './accounts.controller.js';
import { Caller } from './caller.js';
import { inputProblem, problem, ProblemError } from './problem.js';
import { NeedsScope } from './scope.guard.js';
import { StoreAccess } from './store-access.js';
import {
  addressSchema,
  isReason,
  newSuppressionsSchema,
  reactivationQuerySchema,
  reactivationSchema,
  suppressionQuerySchema,
  type ListQuery,
  type NewEntries,
  type NewEntry,
  type Reactivation,
  type ReactivationQuery,
} from './suppression-bodies.js';
import { viewCursor, viewSuppression, type SuppressionPageView, type SuppressionView } from './suppression-view.js';

@Controller('v1/suppressions')
export class SuppressionsController {
  constructor(
    private readonly book: SuppressionBook,
    private readonly acting: ActingAccount,
    private readonly store: StoreAccess,
  ) {}

  /** By address; one that is held back for several reasons stands there once for each. */
  @Get()
  @NeedsScope('suppressions')
  async list(
    @Query({ schema: suppressionQuerySchema }) { account: named, cursor, ...query }: ListQuery,
    @Caller() caller: Credential,
  ): Promise<SuppressionPageView> {
    const account = await this.acting.of(caller, { account: named });
    const asked = { ...query, ...(cursor !== undefined && { after: cursor }) };
    const { found, next } = await this.store.ask(() => this.book.list(account, asked));
    return { data: found.map(viewSuppression), cursor: viewCursor(next) };
  }

  /** What holds one address, and what of it was taken away by hand. */
  @Get(':address')
  @NeedsScope('suppressions')
  async show(
    @Param('address') named: string,
    @Query({ schema: accountQuerySchema }) owner: AccountQuery,
    @Caller() caller: Credential,
  ): Promise<{ data: SuppressionView[] }> {
    const address = addressIn(named);
    const account = await this.acting.of(caller, owner);
    const read = (state: 'suppressed' | 'reactivated') => this.book.list(account, { state, address, limit: 1 });
    const [now, before] = await this.store.ask(() => Promise.all([read('suppressed'), read('reactivated')]));
    const data = [...now.found, ...before.found].map(viewSuppression);
    if (data.length === 0) throw notSuppressed(address);
    return { data };
  }

  /** 201, or 200 where all of it was so before. Of a list either all is added or nothing. */
  @Post()
  @NeedsScope('suppressions')
  async add(
    @Body({ schema: newSuppressionsSchema }) { isList, entries }: NewEntries,
    @Query({ schema: accountQuerySchema }) owner: AccountQuery,
    @Caller() caller: Credential,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuppressionView | { data: readonly SuppressionView[]; added: number }> {
    const account = await this.acting.of(caller, owner);
    const wanted = entries.map((entry) => wantedOf(entry));
    const added = await this.store.ask(() => this.book.add(account, wanted, caller.id));
    if (added === 'full') {
      throw conflict('The account has as many suppressed addresses as there can be: remove some, or let them end');
    }
    const views = added.map(({ suppression }) => viewSuppression(suppression));
    const fresh = added.filter(({ isNew }) => isNew).length;
    void reply.code(fresh > 0 ? 201 : 200);
    const [only] = views;
    return !isList && only ? only : { data: views, added: fresh };
  }

  /** Mail goes to the address again, and what counted against it is forgotten. */
  @Delete(':address')
  @HttpCode(204)
  @NeedsScope('suppressions')
  async remove(
    @Param('address') named: string,
    @Query({ schema: reactivationQuerySchema }) { reason: inQuery, ...owner }: ReactivationQuery,
    @Body({ schema: reactivationSchema }) body: Reactivation,
    @Caller() caller: Credential,
  ): Promise<void> {
    const address = addressIn(named);
    const inBody = body?.reason;
    if (inBody !== undefined && inQuery !== undefined && inBody !== inQuery) {
      const message = 'is one in the body and another in the query: say one';
      throw new ProblemError(inputProblem([{ path: 'reason', message }]));
    }
    const because = inQuery ?? inBody ?? 'no reason was given';
    const account = await this.acting.of(caller, owner);
    const was = await this.store.ask(() => this.book.remove(account, address, because, caller.id));
    if (was.length === 0) throw notSuppressed(address);
  }
}

function wantedOf({ address, reason, because, streams, until: at, expiresIn }: NewEntry): NewSuppression {
  const until = expiresIn === undefined ? at : Date.now() + expiresIn * 1000;
  const isNamed = reason !== undefined && isReason(reason);
  const words = because ?? (isNamed ? undefined : reason);
  return {
    address,
    reason: isNamed ? reason : 'manual',
    ...(words !== undefined && { because: words }),
    ...(streams && { streams: [...new Set(streams)] }),
    ...(until !== undefined && { until }),
  };
}

/** The address that stands in the path. */
function addressIn(named: string): string {
  const result = addressSchema.safeParse(named);
  if (result.success) return result.data;
  throw inputError(result.error.issues.map((issue) => ({ ...issue, path: ['address'] })));
}

function notSuppressed(address: string): ProblemError {
  const name = address.toWellFormed().slice(0, 254);
  return new ProblemError(problem('not_found', `"${name}" is not suppressed for this account`));
}
