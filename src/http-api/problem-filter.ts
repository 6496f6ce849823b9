/**
 * Answers whatever went wrong with problem details: ours as they are, Fastify's and Nest's by their status, and anything
 * else with a 500 that tells nothing of the inside. Counts the submissions that were refused.
 */
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { problem, problemBody, ProblemError, type Problem, type ProblemCode } from './problem.js';
import { requestId } from './request-id.js';
import type { RouteMethods } from './route-methods.js';

const CODE_OF_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'malformed_request',
  404: 'not_found',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
};

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteMethods,
    private readonly metrics: Metrics,
    private readonly log: Log,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const found = this.problemOf(error, request);
    if (found.status === 500) {
      const { method } = request;
      this.log.error('http.failed', error, { requestId: requestId(request, reply), method, route: routeOf(request) });
    }
    const counted = error instanceof ProblemError && error.counted;
    if (!counted && request.method === 'POST' && routeOf(request) === '/v1/messages') {
      this.metrics.submissionsRejected.inc({ door: 'http', reason: found.code });
    }
    sendProblem(found, request, reply);
  }

  private problemOf(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof ProblemError) return error.problem;
    const found = foreignProblem(error);
    return found.code === 'not_found' ? this.notFound(request) : found;
  }

  private notFound(request: FastifyRequest): Problem {
    const path = request.url.replace(/[?#].*$/s, '');
    const methods = this.routes.of(path);
    if (methods.length === 0) return problem('not_found', 'There is nothing under this path');
    return { ...problem('method_not_allowed', methods.join(', ')), headers: { Allow: methods.join(', ') } };
  }
}

/** Sends the problem as the answer. */
export function sendProblem(found: Problem, request: FastifyRequest, reply: FastifyReply): void {
  requestId(request, reply);
  void reply
    .code(found.status)
    .headers({ ...found.headers, 'Content-Type': 'application/problem+json; charset=utf-8' })
    // Bytes, because Fastify has no serializer for this content type.
    .send(Buffer.from(JSON.stringify(problemBody(found))));
}

/** What an error of Fastify or Nest stands for. */
export function foreignProblem(error: unknown): Problem {
  const code = CODE_OF_STATUS[statusOf(error)];
  return code === undefined ? problem('internal_error') : problem(code, (error as Error).message.slice(0, 200));
}

/** Nest's exceptions know their status by a method, Fastify's by a field. */
function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (typeof error !== 'object' || error === null) return 500;
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return 500;
}

/** The pattern of the route, a name of ours; undefined where there is none. */
function routeOf(request: FastifyRequest): string | undefined {
  return request.routeOptions.url;
}
