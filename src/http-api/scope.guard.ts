/** Lets a caller through to what one of its scopes opens. A route that names no scope is open to nobody, unless it says that it is to all. */
import { SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Scope } from '../accounts/credentials.js';
import { callerOf } from './caller.js';
import { isOpenToAll } from './open-route.js';
import { missingScope, ProblemError } from './problem.js';

const SCOPE = 'posthorn:scope';

/** The scope that a route needs. */
export const NeedsScope = (scope: Scope) => SetMetadata(SCOPE, scope);

export class ScopeGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const scope = this.reflector.get<Scope | undefined>(SCOPE, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (scope === undefined) {
      if (isOpenToAll(request)) return true;
      throw new Error(`${context.getHandler().name} names no scope`);
    }
    const { scopes } = callerOf(request);
    if (!scopes.includes(scope)) throw new ProblemError(missingScope(scope));
    return true;
  }
}
