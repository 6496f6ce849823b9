/**
 * Routes: where mail for a domain goes. `example.net=smtp://127.0.0.1:2526,*.corp=smtps://user:pass@relay,*=mx`; the
 * first whose pattern matches is taken.
 */
import { formatHostPort, readDomainName, readHostPort } from './hosts.js';
import { fault, listOfText, ok, readEach } from './setting.js';
import type { Read } from './setting.js';

export const TLS_MODES = ['none', 'opportunistic', 'require'] as const;
/** Whether a delivery is encrypted: never, when the other side can, or always (else it is deferred). */
export type TlsMode = (typeof TLS_MODES)[number];

/** How mail is handed over, wherever it goes: what follows the ? of a route. */
interface Manner {
  readonly tls: TlsMode;
  /** Only the RSA signatures; with both where it is absent. */
  readonly dkim?: 'rsa';
}

export interface MxTarget extends Manner {
  readonly kind: 'mx';
}

export interface SmarthostTarget extends Manner {
  readonly kind: 'smarthost';
  /** A domain name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (`smtps`, RFC 8314 section 3). */
  readonly secure: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
}

export interface Route {
  /** `*`, `*.` and a domain (its subdomains, not itself), or a domain: lower-case A-labels. */
  readonly pattern: string;
  readonly target: MxTarget | SmarthostTarget;
}

/** Every message is compared with each of them in turn. */
const ROUTES_MAX = 1000;
const ROUTE_CHARACTERS_MAX = 2000;
const CREDENTIAL_OCTETS_MAX = 500;
const PORTS = { smtp: 25, smtps: 465 } as const;

export function routes() {
  return listOfText(
    (items) => {
      const read = readEach(items, 'route', ROUTES_MAX, readRoute);
      if (read.kind === 'fault') return read;
      const misplaced = faultsOfOrder(read.value);
      return misplaced.length === 0 ? read : fault(...misplaced);
    },
    (values) => values.map(formatRoute).join(','),
  );
}

export function readRoute(text: string): Read<Route> {
  if (text.length > ROUTE_CHARACTERS_MAX) return fault(`must have at most ${ROUTE_CHARACTERS_MAX} characters`);
  const equals = text.indexOf('=');
  if (equals < 0) return fault('must be PATTERN=TARGET, such as *=mx or example.net=smtp://127.0.0.1:2526');
  const pattern = readPattern(text.slice(0, equals).trim());
  const target = readTarget(text.slice(equals + 1).trim());
  const expected = [
    ...(pattern === undefined ? ['must begin with a pattern: *, *.example.net or example.net'] : []),
    ...(target.kind === 'fault' ? target.expected : []),
  ];
  return pattern === undefined || target.kind === 'fault' ? fault(...expected) : ok({ pattern, target: target.value });
}

/** The text that `readRoute` reads as this route, password included. */
export function formatRoute({ pattern, target }: Route): string {
  const words = [
    ...(target.tls === 'opportunistic' ? [] : [`tls=${target.tls}`]),
    ...(target.dkim === undefined ? [] : [`dkim=${target.dkim}`]),
  ];
  const query = words.length === 0 ? '' : `?${words.join('&')}`;
  if (target.kind === 'mx') return `${pattern}=mx${query}`;
  const scheme = target.secure ? 'smtps' : 'smtp';
  const login = target.auth ? `${encodeURIComponent(target.auth.user)}:${encodeURIComponent(target.auth.pass)}@` : '';
  const port = target.port === PORTS[scheme] ? undefined : target.port;
  return `${pattern}=${scheme}://${login}${formatHostPort({ host: target.host, port })}${query}`;
}

function readPattern(text: string): string | undefined {
  if (text === '*') return text;
  const name = readDomainName(text.replace(/^\*\./, ''));
  return name !== undefined && text.startsWith('*.') ? `*.${name}` : name;
}

function readTarget(text: string): Read<MxTarget | SmarthostTarget> {
  // A ? before an @ belongs to a password.
  const question = text.search(/\?[^@?]*$/);
  const manner = readManner(question < 0 ? [] : text.slice(question + 1).split('&'));
  if (manner === undefined) {
    const tls = 'must end in ?tls=none, ?tls=opportunistic or ?tls=require, in ?dkim=rsa,';
    return fault(`${tls} in both with & between them, or in no ? at all`);
  }
  const place = question < 0 ? text : text.slice(0, question);
  if (place.toLowerCase() === 'mx') return ok({ kind: 'mx', ...manner });
  return readSmarthost(place, manner);
}

/** `tls=require` and `dkim=rsa`, in any order, each once at most. */
function readManner(given: readonly string[]): Manner | undefined {
  const words = given.map((word) => word.toLowerCase());
  const tls = TLS_MODES.find((mode) => words.includes(`tls=${mode}`));
  const dkim = words.includes('dkim=rsa') ? 'rsa' : undefined;
  const understood = Number(tls !== undefined) + Number(dkim !== undefined);
  return understood === words.length ? { tls: tls ?? 'opportunistic', ...(dkim && { dkim }) } : undefined;
}

function readSmarthost(text: string, manner: Manner): Read<SmarthostTarget> {
  // The last @ ends the login, so that a password may hold one.
  const match = /^(smtps?):\/\/(?:(.*)@)?([^@/]+)\/?$/i.exec(text);
  const place = readHostPort(match?.[3] ?? '');
  if (match === null || place === undefined) {
    return fault(
      'must go to mx, smtp://HOST[:PORT] or smtps://[USER:PASSWORD@]HOST[:PORT], IPv6 addresses in brackets',
    );
  }
  const scheme = match[1]?.toLowerCase() === 'smtps' ? 'smtps' : 'smtp';
  if (scheme === 'smtps' && manner.tls === 'none') return fault('must not have ?tls=none with smtps://, which is TLS');
  const target = { kind: 'smarthost', host: place.host, port: place.port ?? PORTS[scheme] } as const;
  if (match[2] === undefined) return ok({ ...target, secure: scheme === 'smtps', ...manner });
  const auth = readLogin(match[2]);
  if (auth === undefined) {
    return fault(
      'must have its login as USER:PASSWORD@, with % written as %25, a comma as %2C, and no control characters',
    );
  }
  return ok({ ...target, secure: scheme === 'smtps', auth, ...manner });
}

function readLogin(text: string): SmarthostTarget['auth'] {
  const colon = text.indexOf(':');
  const user = percentDecoded(text.slice(0, Math.max(colon, 0)));
  const pass = percentDecoded(text.slice(colon + 1));
  return user && pass ? { user, pass } : undefined;
}

function percentDecoded(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    // RFC 4616 section 2: no NUL in either, and UTF-8; a line end would be another command.
    const isSafe = !/[\x00-\x1f\x7f]/.test(decoded) && decoded.isWellFormed();
    return isSafe && Buffer.byteLength(decoded) <= CREDENTIAL_OCTETS_MAX ? decoded : undefined;
  } catch {
    return undefined;
  }
}

function faultsOfOrder(values: readonly Route[]): string[] {
  const last = values.findIndex((route) => route.pattern === '*');
  if (last < 0) return ['must say where all other mail goes: add *=mx at the end'];
  if (last < values.length - 1)
    return [`must have its * route last: route ${last + 1} takes all mail, so those after it never match`];
  const twice = values.findIndex(
    (route, index) => values.findIndex((other) => other.pattern === route.pattern) < index,
  );
  return twice < 0 ? [] : [`must have each pattern once: route ${twice + 1} is for ${values[twice]?.pattern} again`];
}
