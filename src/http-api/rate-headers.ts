/** What a client may know of its limits: draft-ietf-httpapi-ratelimit-headers-06, in its form of three fields. */
import type { RateFacts } from '../accounts/message-allowance.js';

export function rateHeaders(rate: RateFacts | undefined): Readonly<Record<string, string>> {
  if (!rate) return {};
  return {
    'RateLimit-Limit': String(rate.limit),
    'RateLimit-Remaining': String(rate.remaining),
    'RateLimit-Reset': String(Math.ceil(rate.resetMs / 1000)),
  };
}
