/**
 * Puts the HTTP API's rules onto the Nest application, before it listens: who may come in, what a body may be, how long
 * a request may take, and that whatever goes wrong is answered as RFC 9457 says.
 */
import type { IncomingMessage, Server } from 'node:http';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions, FastifyInstance, FastifyRequest } from 'fastify';
import { Credentials } from '../accounts/credentials.js';
import type { Settings } from '../config/settings.js';
import { LoginGuard } from '../listeners/login-guard.js';
import { ByteBudget } from '../mail/byte-budget.js';
import { Log } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { BearerAuthentication } from './bearer-authentication.js';
import { setCaller } from './caller.js';
import { answerClientError } from './client-errors.js';
import { inputError } from './input-faults.js';
import { readJsonBody, type JsonBodyLimits } from './json-body.js';
import { isOpenToAll } from './open-route.js';
import { problem, ProblemError } from './problem.js';
import { foreignProblem, ProblemFilter, sendProblem } from './problem-filter.js';
import { QueryGuard } from './query.guard.js';
import { requestId } from './request-id.js';
import { RouteMethods } from './route-methods.js';
import { ScopeGuard } from './scope.guard.js';

/** Header fields, at a snail's pace. */
const HEADERS_WITHIN_MS = 15_000;
/** A whole request: 35 MB, the largest by default, in this time is 2.4 Mbit/s. */
const REQUEST_WITHIN_MS = 120_000;
/** How late the two above may be noticed. */
const OVERDUE_CHECK_MS = 5_000;
/** Longer than load balancers keep a connection, so that they and not we close it: commonly 60 s. */
const KEEP_ALIVE_MS = 75_000;
/** Each costs a file descriptor and some 10 KB; the default limit of descriptors on Linux servers leaves room for it. */
const CONNECTIONS_MAX = 4_096;
/** A domain name in a path, percent-encoded throughout. */
const PATH_PARAMETER_CHARACTERS_MAX = 1_000;
/** What JSON adds to the attachments' base64: names, quotes, escapes. */
const BODY_SLACK_BYTES = 1024 * 1024;
const BUDGET_BYTES = 64 * 1024 * 1024;

/** What only the adapter's constructor takes: `new FastifyAdapter(fastifyOptions(settings))`. */
export function fastifyOptions(settings: Settings): FastifyHttpOptions<Server> {
  return {
    logger: false,
    bodyLimit: limitsOf(settings).bodyBytesMax,
    // While we drain, what comes in over an open connection is still served.
    return503OnClosing: false,
    // Paths that the router cannot read come to nobody else.
    frameworkErrors: (error, request, reply) => {
      sendProblem(foreignProblem(error), request, reply);
    },
    routerOptions: { maxParamLength: PATH_PARAMETER_CHARACTERS_MAX },
    http: { connectionsCheckingInterval: OVERDUE_CHECK_MS },
  };
}

/** Call it once, after the application is created and before it listens. */
export function configureHttpApi(app: NestFastifyApplication, settings: Settings): void {
  const [metrics, log] = [app.get(Metrics), app.get(Log)];
  const routes = new RouteMethods();
  const filter = new ProblemFilter(routes, metrics, log);
  app.useGlobalFilters(filter);
  app.useGlobalGuards(new ScopeGuard(app.get(Reflector)), new QueryGuard());
  app.useGlobalPipes(new StandardSchemaValidationPipe({ exceptionFactory: inputError }));

  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRoute', ({ url, method }) => {
    routes.add(url, [method].flat());
  });
  const authentication = new BearerAuthentication(app.get(Credentials), app.get(LoginGuard), metrics, log);
  authenticateRequests(fastify, authentication, filter);
  takeJsonOnly(app, limitsOf(settings));
  boundConnections(app.getHttpServer());
}

function limitsOf({ messageBytesMax }: Settings): JsonBodyLimits {
  return { messageBytesMax, bodyBytesMax: Math.ceil((messageBytesMax * 4) / 3) + BODY_SLACK_BYTES };
}

/** Before the body is read: a stranger's megabytes are not held. */
function authenticateRequests(
  fastify: FastifyInstance,
  authentication: BearerAuthentication,
  filter: ProblemFilter,
): void {
  fastify.addHook('onRequest', async (request, reply) => {
    requestId(request, reply);
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    if (request.is404 || isOpenToAll(request)) return undefined;
    const result = await authentication.authenticate(request.headers.authorization, request.ip);
    if (result.kind === 'authenticated') {
      setCaller(request, result.caller);
      return undefined;
    }
    filter.answer(new ProblemError(result.problem), request, reply);
    // Fastify's sign that the answer is given.
    return reply;
  });
}

function takeJsonOnly(app: NestFastifyApplication, limits: JsonBodyLimits): void {
  const budget = new ByteBudget(Math.max(BUDGET_BYTES, limits.bodyBytesMax));
  const adapter = app.getHttpAdapter();
  // Nest adds a parser for forms unless it believes that it has done so.
  adapter.registerParserMiddleware();
  const fastify = adapter.getInstance();
  const releases = new WeakMap<FastifyRequest, () => void>();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const coding = request.headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') throw new ProblemError(problem('unsupported_media_type'));
    const body = await readJsonBody(payload, limits, budget);
    if (body.kind === 'refused') throw new ProblemError(body.problem);
    releases.set(request, body.release);
    return body.value;
  });
  fastify.addHook('onResponse', async (request) => releases.get(request)?.());
}

function boundConnections(server: Server): void {
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.requestTimeout = REQUEST_WITHIN_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  server.removeAllListeners('clientError');
  server.on('clientError', answerClientError);
}
