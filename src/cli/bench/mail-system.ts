/** What the bench asks of a mail system: to run by itself on this machine, and to relay what it is given to one sink. */
import type { Cleanup } from './cleanup.js';

export const SYSTEM_NAMES = ['posthorn', 'postfix', 'postfix-opendkim'] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

export const SYSTEM_TITLES: Readonly<Record<SystemName, string>> = {
  posthorn: 'Posthorn',
  postfix: 'Postfix, unsigned',
  'postfix-opendkim': 'Postfix + OpenDKIM',
};

/** The domain that mail is sent from and signed for. RFC 2606 section 3 keeps `.example` free. */
export const SENDER_DOMAIN = 'bench.example';
export const SENDER = `f@${SENDER_DOMAIN}`;
/** Mail for it goes to the sink; so does all that no other route takes. */
export const SINK_RECIPIENT = 't@sink.example';
/** Mail for it goes to a receiver that keeps it, so that its signature can be looked at. */
export const PROOF_RECIPIENT = 't@proof.example';
/** Mail for it goes to a port where nobody listens. */
export const STUCK_RECIPIENT = 't@stuck.example';

/** Where a system runs and where its mail goes, all on 127.0.0.1. */
export interface BenchPlace {
  /** An empty folder of its own on the disk that is measured. */
  readonly folder: string;
  readonly sinkPort: number;
  readonly proofPort: number;
  /** Ends the system: what must be undone is added before it is begun. */
  readonly cleanup: Cleanup;
}

export interface RunningSystem {
  /** Takes mail by SMTP from 127.0.0.1, without AUTH and TLS. */
  readonly port: number;
  /** The processes that all others of the system descend from. */
  readonly rootPids: readonly number[];
  /** Whether its memory is looked at under load. */
  readonly isOurs: boolean;
  /** The TXT record that its signatures verify against; undefined where it does not sign. */
  dkimRecord(): Promise<string | undefined>;
}

/** Throws, with a reason for a person, where it cannot start. */
export type StartSystem = (place: BenchPlace) => Promise<RunningSystem>;
