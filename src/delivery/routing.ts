/** Which way a domain's mail leaves: the first of the operator's routes that matches it. */
import type { Route } from '../config/routes.js';

export type TlsMode = Route['target']['tls'];

/** Where a transaction goes, and how. */
export type Destination = {
  /** Names the connections that may be shared. */
  readonly key: string;
  readonly tls: TlsMode;
  /** Only the RSA signatures, for servers that stumble over Ed25519. What is signed is no matter of the connection. */
  readonly dkim?: 'rsa';
} & (
  | { readonly kind: 'mx'; readonly domain: string }
  | {
      readonly kind: 'smarthost';
      readonly host: string;
      readonly port: number;
      /** TLS from the first byte. */
      readonly secure: boolean;
      readonly auth?: { readonly user: string; readonly pass: string };
    }
);

/** @param domain lower-case A-labels. The last route of a valid configuration is `*`. */
export function destinationOf(routes: readonly Route[], domain: string): Destination {
  const route = routes.find(({ pattern }) => matches(pattern, domain));
  if (!route || route.target.kind === 'mx') {
    const { tls = 'opportunistic', dkim } = route?.target ?? {};
    return { kind: 'mx', key: `mx:${domain}`, domain, tls, dkim };
  }
  const { host, port, secure, auth, tls, dkim } = route.target;
  // What was said to one login or in the clear is no session for another. Never logged: it holds the password.
  const key = `smarthost:${JSON.stringify([host, port, secure, tls, auth?.user, auth?.pass])}`;
  return { kind: 'smarthost', key, host, port, secure, auth, tls, dkim };
}

/** `*` is every domain, `*.corp` every domain below corp, anything else itself. */
function matches(pattern: string, domain: string): boolean {
  if (pattern === '*' || pattern === domain) return true;
  return pattern.startsWith('*.') && domain.endsWith(pattern.slice(1));
}
