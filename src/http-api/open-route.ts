/** Routes that take no login: what is asked by who cannot have one yet, and tells nothing that is not told everybody. */
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

/** Marks a handler. No key is read, also not where one is sent. */
export const OpenToAll = () => RouteConfig({ isOpenToAll: true });

export function isOpenToAll(request: FastifyRequest): boolean {
  return 'isOpenToAll' in request.routeOptions.config;
}
