/**
 * Refuses parameters of a query on routes that take none, and such as stand there twice: what does nothing must not look as
 * if it did.
 */
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import { inputProblem, ProblemError } from './problem.js';

const NAME_CHARACTERS_SHOWN = 80;

/** Routes with a query have a strict schema of their own for it. */
export class QueryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const query = context.switchToHttp().getRequest<FastifyRequest>().query as Readonly<Record<string, unknown>>;
    const names = Object.keys(query);
    if (!takesQuery(context)) return noFaults(names, (name) => `"${name}" is no parameter that is taken here`);
    const repeated = names.filter((name) => Array.isArray(query[name]));
    return noFaults(repeated, () => 'stands in the query more than once: say one');
  }
}

function noFaults(names: readonly string[], messageOf: (name: string) => string): true {
  if (names.length === 0) return true;
  const shown = names.map((name) => name.toWellFormed().slice(0, NAME_CHARACTERS_SHOWN));
  throw new ProblemError(inputProblem(shown.map((path) => ({ path, message: messageOf(path) }))));
}

/** Nest keeps the decorated parameters of a handler under keys such as `4:0`, which begin with their kind. */
function takesQuery(context: ExecutionContext): boolean {
  const found: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name);
  return Object.keys(found ?? {}).some((key) => key.startsWith(`${RouteParamtypes.QUERY}:`));
}
