/** Names each request, so that an answer, a log line and a client's report can be laid side by side: `X-Request-Id`. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

export const REQUEST_ID = 'X-Request-Id';
/** What a proxy before us may have given; anything else is not passed on into a log. */
const WELL_FORMED = /^[A-Za-z0-9._:+/=-]{1,128}$/;

/** The id of the request: the client's where it is well-formed, else a new one. Set on the reply at the first call. */
export function requestId(request: FastifyRequest, reply: FastifyReply): string {
  const set = reply.getHeader(REQUEST_ID);
  if (typeof set === 'string') return set;
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && WELL_FORMED.test(given) ? given : randomUUID();
  reply.header(REQUEST_ID, id);
  return id;
}
