/** Reads what a client answers to the mechanism PLAIN (RFC 4616), in base64 as IMAP and POP3 have it. */

export type PlainResponse =
  | { readonly kind: 'login'; readonly user: string; readonly password: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'malformed'; readonly text: string }
  /** Somebody wants to act as somebody else. */
  | { readonly kind: 'not_permitted'; readonly text: string };

/** RFC 4648 section 4, with the padding that it wants. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @param line a line of its own, or what stood behind the name of the mechanism */
export function readPlainResponse(line: string): PlainResponse {
  if (line === '*') return { kind: 'cancelled' };
  // RFC 4959 section 3, RFC 5034 section 4: `=` is a response of no octets.
  const text = line === '=' ? '' : line;
  if (!BASE64.test(text)) return { kind: 'malformed', text: 'The response is no base64' };
  // RFC 4616 section 2: to act as, NUL, user, NUL, password.
  const decoded = Buffer.from(text, 'base64').toString();
  const [, actAs = '', user = '', password] = /^([^\0]*)\0([^\0]+)\0([^\0]*)$/.exec(decoded) ?? [];
  if (password === undefined) return { kind: 'malformed', text: 'The response is none of PLAIN' };
  if (actAs !== '' && actAs !== user) {
    return { kind: 'not_permitted', text: 'Nobody may act as somebody else' };
  }
  return { kind: 'login', user, password };
}
