/** `/mail/config-v1.1.xml`: what a mail program asks for that knows an address and nothing else. No login. */
import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { readDomainName, readHostPort } from '../config/hosts.js';
import { Settings } from '../config/settings.js';
import { parseAddress } from '../mail/address.js';
import { clientConfig } from './client-config.js';
import { OpenToAll } from './open-route.js';
import { problem, ProblemError } from './problem.js';

/** The longest address is shorter, in whatever letters. */
const ADDRESS_CHARACTERS_MAX = 1_000;
/** RFC 9110 section 7.2: a name in ASCII and a port. */
const HOST = /^[\x21-\x7e]{1,300}$/;
/** Where mail programs look before all else. */
const AUTOCONFIG_HOST = /^autoconfig\.(?=.*\.)/;
/** Long enough for whoever sets up a second program, and short where ports change. */
const CACHE_S = 3_600;

/** Not strict, unlike the rest of the API: programs add parameters of their own, such as Evolution's `emailmd5`. */
const autoconfigQuerySchema = z.object({
  emailaddress: z
    .string()
    .max(ADDRESS_CHARACTERS_MAX)
    .transform((text, context): string => {
      // Programs that do not encode the + of an address have it read as a space.
      const address = parseAddress(text.replaceAll(' ', '+'));
      const domain = address && readDomainName(address.domain);
      if (domain !== undefined) return domain;
      context.addIssue({ code: 'custom', message: 'must be a mail address as in "ann@example.org"' });
      return z.NEVER;
    })
    .optional(),
});
type AutoconfigQuery = z.output<typeof autoconfigQuerySchema>;

@Controller()
export class AutoconfigController {
  constructor(private readonly settings: Settings) {}

  @Get(['mail/config-v1.1.xml', '.well-known/autoconfig/mail/config-v1.1.xml'])
  @OpenToAll()
  config(
    @Query({ schema: autoconfigQuerySchema }) { emailaddress }: AutoconfigQuery,
    @Headers('host') host: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Buffer {
    const domain = emailaddress ?? domainOfHost(host);
    if (domain === undefined) {
      throw new ProblemError(problem('malformed_request', 'say ?emailaddress=, or ask as autoconfig.DOMAIN'));
    }
    const config = clientConfig(domain, this.settings);
    if (config === undefined) throw new ProblemError(problem('not_found', 'This relay has no mailbox to connect to'));
    // The draft's type; Thunderbird takes it and application/xml.
    void reply.headers({ 'Content-Type': 'text/xml; charset=utf-8', 'Cache-Control': `public, max-age=${CACHE_S}` });
    return Buffer.from(config);
  }
}

function domainOfHost(host = ''): string | undefined {
  const name = HOST.test(host) ? readHostPort(host)?.host : undefined;
  return name === undefined ? undefined : readDomainName(name.replace(AUTOCONFIG_HOST, ''));
}
