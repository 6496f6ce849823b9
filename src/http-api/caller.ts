/** Who makes a request: known before its body is read, asked for by the guard and the handlers. */
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Credential } from '../accounts/credentials.js';

const callers = new WeakMap<FastifyRequest, Credential>();

export function setCaller(request: FastifyRequest, caller: Credential): void {
  callers.set(request, caller);
}

/** Throws where nobody was authenticated: a route that forgot to ask is a bug, not a visitor. */
export function callerOf(request: FastifyRequest): Credential {
  const caller = callers.get(request);
  if (!caller) throw new Error('no caller is known for this request');
  return caller;
}

/** A handler's parameter: the credential of the caller. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Credential =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
