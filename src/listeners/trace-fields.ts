/** The header fields that a relay adds on top: RFC 5321 section 4.4 (Received), RFC 6409 section 8 (what is missing). */
import type { SmtpSession } from './smtp-session.js';

/** How the message came in, as far as the trace tells it. */
export type TraceSource = { readonly kind: 'smtp'; readonly session: SmtpSession } | { readonly kind: 'http' };

export interface TraceFacts {
  readonly id: string;
  readonly hostname: string;
  readonly source: TraceSource;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** The Received field, ending in CRLF. */
export function receivedField(facts: TraceFacts): string {
  const { id, hostname, source, atMs } = facts;
  const date = formatDate(atMs);
  if (source.kind === 'http') return `Received: by ${hostname} (Posthorn) with HTTP id ${id};\r\n\t${date}\r\n`;
  const { clientName, clientAddress, protocol } = source.session;
  const literal = clientAddress.includes(':') ? `IPv6:${clientAddress}` : clientAddress;
  // RFC 5321 section 4.4: the name is only what the client claims; the address is what we saw.
  return (
    `Received: from ${traceAtom(clientName)} ([${literal}])\r\n` +
    `\tby ${hostname} (Posthorn) with ${protocol} id ${id};\r\n\t${date}\r\n`
  );
}

/** RFC 5322 section 3.3, in UTC. */
export function formatDate(atMs: number): string {
  // toUTCString is `Sat, 21 Nov 2026 06:32:12 GMT`; the zone is the obsolete form of +0000.
  return new Date(atMs).toUTCString().replace('GMT', '+0000');
}

function traceAtom(name: string): string {
  const clean = name.replace(/[^\x21-\x7e]|[()<>;\\",]/g, '').slice(0, 255);
  return clean === '' ? 'unknown' : clean;
}
