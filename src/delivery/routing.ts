/** Which way a domain's mail leaves: the first of the operator's routes that matches it. */
import type { Route } from '../config/routes.js';

export type TlsMode = Route['target']['tls'];

/** Where a transaction goes. `key` names the connections that may be shared. */
export type Destination =
  | { readonly kind: 'mx'; readonly key: string; readonly domain: string; readonly tls: TlsMode }
  | {
      readonly kind: 'smarthost';
      readonly key: string;
      readonly host: string;
      readonly port: number;
      /** TLS from the first byte. */
      readonly secure: boolean;
      readonly auth?: { readonly user: string; readonly pass: string };
      readonly tls: TlsMode;
    };

/** @param domain lower-case A-labels. The last route of a valid configuration is `*`. */
export function destinationOf(routes: readonly Route[], domain: string): Destination {
  const route = routes.find(({ pattern }) => matches(pattern, domain));
  if (!route || route.target.kind === 'mx') {
    return { kind: 'mx', key: `mx:${domain}`, domain, tls: route?.target.tls ?? 'opportunistic' };
  }
  const { host, port, secure, auth, tls } = route.target;
  // What was said to one login or in the clear is no session for another. Never logged: it holds the password.
  const key = `smarthost:${JSON.stringify([host, port, secure, tls, auth?.user, auth?.pass])}`;
  return { kind: 'smarthost', key, host, port, secure, auth, tls };
}

/** `*` is every domain, `*.corp` every domain below corp, anything else itself. */
function matches(pattern: string, domain: string): boolean {
  if (pattern === '*' || pattern === domain) return true;
  return pattern.startsWith('*.') && domain.endsWith(pattern.slice(1));
}
