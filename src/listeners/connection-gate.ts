/** Whether a client that has just connected is let in, and how soon it is greeted: what all doors of a process share. */
import type { Metrics } from '../telemetry/metrics.js';
import type { ConnectionLease, ConnectionLimits } from './connection-limits.js';
import type { ConnectionTable, TableEntry } from './connection-table.js';
import type { SmtpDoorKind } from './door-kind.js';
import { waitInWords, type LoginGuard, type NetworkRecord } from './login-guard.js';
import { PacedTurns } from './paced-turns.js';
import { within } from './within.js';

export type Admission =
  | {
      readonly kind: 'admitted';
      readonly lease: ConnectionLease;
      readonly isWatched: boolean;
      readonly isKnown: boolean;
    }
  | {
      readonly kind: 'refused';
      readonly fault: 'too_many_connections' | 'too_many_failed_logins';
      readonly detail: string;
    };

const NO_LEASE: ConnectionLease = { loggedIn: () => undefined, release: () => undefined };
const GOOD: NetworkRecord = { kind: 'good', isKnown: false };
/** A client with a good record waits no longer than this for Redis to say so. */
const RECORD_WITHIN_MS = 100;

/** Each costs some 0.1 ms. */
const ARRIVALS_PER_TURN = 8;
/** Each costs some 0.5 ms. */
const HANDSHAKES_PER_TURN = 2;

export class ConnectionGate {
  /** Connections that begin. */
  readonly arrivals = new PacedTurns(ARRIVALS_PER_TURN);
  /** TLS handshakes that begin; those of known networks first. */
  readonly handshakes = new PacedTurns(HANDSHAKES_PER_TURN);

  constructor(
    private readonly table: ConnectionTable,
    private readonly limits: ConnectionLimits,
    private readonly guard: LoginGuard,
    private readonly metrics: Metrics,
  ) {}

  /** Takes a place in the process; false where there is none. */
  take(entry: TableEntry): boolean {
    if (this.table.add(entry)) return true;
    this.metrics.connectionsRefused.inc({ reason: 'process' });
    return false;
  }

  /** To be called once for every entry that was taken, when its connection has ended. */
  leave(entry: TableEntry): void {
    this.table.remove(entry);
  }

  loggedIn(entry: TableEntry): void {
    this.table.loggedIn(entry);
  }

  /** A network that the operator trusts has neither limits nor a record. */
  async admit(address: string, door: SmtpDoorKind | 'mailbox'): Promise<Admission> {
    if (door === 'trusted') return { kind: 'admitted', lease: NO_LEASE, isWatched: false, isKnown: true };
    const [lease, record] = await Promise.all([
      this.limits.enter(address),
      within(RECORD_WITHIN_MS, this.guard.record(address), GOOD),
    ]);
    if (!lease) {
      this.metrics.connectionsRefused.inc({ reason: 'network' });
      return { kind: 'refused', fault: 'too_many_connections', detail: address };
    }
    // Where nobody logs in, failed logins elsewhere keep nobody out.
    if (record.kind === 'locked' && door !== 'intake') {
      lease.release();
      return { kind: 'refused', fault: 'too_many_failed_logins', detail: waitInWords(record.retryAfterS) };
    }
    return {
      kind: 'admitted',
      lease,
      isWatched: record.kind !== 'good',
      isKnown: record.kind !== 'locked' && record.isKnown,
    };
  }

  misbehaved(address: string): void {
    void this.guard.misbehaved(address);
  }

  /** No reply is held up any more; when the process drains. */
  close(): void {
    this.guard.close();
    this.limits.close();
  }
}
