/** What the parts of an SMTP door tell one another. */
import type { BlockList } from 'node:net';
import type { Admission, ConnectionGate } from './connection-gate.js';
import type { TableEntry } from './connection-table.js';
import type { SmtpDoorKind } from './door-kind.js';
import type { SessionTimes } from './session-deadlines.js';
import type { SmtpDoorOwner } from './smtp-session.js';

export interface DoorFacts {
  readonly kind: SmtpDoorKind;
  readonly owner: SmtpDoorOwner;
  readonly gate: ConnectionGate;
  readonly times: SessionTimes;
  readonly messageBytesMax: number;
  readonly recipientsMax: number;
  /** Peers that begin with a PROXY header, and are believed. */
  readonly proxies: BlockList;
}

/** A client from its connection on: what the session must know of how it came in. */
export interface IncomingClient {
  readonly entry: { -readonly [K in keyof TableEntry]: TableEntry[K] };
  readonly admission: Admission;
  /** Gives back what the connection holds; may be called more than once. */
  readonly left: () => void;
}
