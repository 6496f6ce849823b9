/** Refuses parameters of a query on routes that take none: what does nothing must not look as if it did. */
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import { inputProblem, ProblemError } from './problem.js';

const NAME_CHARACTERS_SHOWN = 80;

/** Routes with a query have a strict schema of their own for it. */
export class QueryGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (takesQuery(context)) return true;
    const names = Object.keys(context.switchToHttp().getRequest<FastifyRequest>().query as object);
    if (names.length === 0) return true;
    throw new ProblemError(
      inputProblem(
        names.map((name) => {
          const path = name.toWellFormed().slice(0, NAME_CHARACTERS_SHOWN);
          return { path, message: `"${path}" is no parameter that is taken here` };
        }),
      ),
    );
  }
}

/** Nest keeps the decorated parameters of a handler under keys such as `4:0`, which begin with their kind. */
function takesQuery(context: ExecutionContext): boolean {
  const found: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name);
  return Object.keys(found ?? {}).some((key) => key.startsWith(`${RouteParamtypes.QUERY}:`));
}
