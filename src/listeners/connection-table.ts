/**
 * The connections of mail programs and servers that a process holds, all doors together. Where they become many, those
 * that have not logged in make room: the oldest that waits for its client goes first, so that no number of slow senders
 * can take all places.
 */

/** Each costs a file descriptor and some 30 KB; the default limit of descriptors on Linux servers leaves room for it. */
const CONNECTIONS_MAX = 5_000;
/** From here on strangers make room: a fifth of the places is kept for those who come to send. */
const CROWDED = 0.8;
/** Of the oldest strangers, so many are looked at for one that waits for its client; the others are being served. */
const LOOKED_AT_MAX = 32;

export interface TableEntry {
  /** Whether the next move is the client's. */
  readonly isIdle: () => boolean;
  /** Closes the connection with a word of why. */
  readonly evict: () => void;
}

export class ConnectionTable {
  private readonly all = new Set<TableEntry>();
  /** Those that have not logged in, the oldest first. */
  private readonly strangers = new Set<TableEntry>();

  constructor(private readonly connectionsMax = CONNECTIONS_MAX) {}

  get size(): number {
    return this.all.size;
  }

  /** Takes a connection in; false where the process holds all that it can. */
  add(entry: TableEntry): boolean {
    if (this.all.size >= this.connectionsMax * CROWDED) this.makeRoom();
    if (this.all.size >= this.connectionsMax) return false;
    this.all.add(entry);
    this.strangers.add(entry);
    return true;
  }

  /** It has shown who it is: it makes room for nobody. */
  loggedIn(entry: TableEntry): void {
    this.strangers.delete(entry);
  }

  remove(entry: TableEntry): void {
    this.all.delete(entry);
    this.strangers.delete(entry);
  }

  private makeRoom(): void {
    let looked = 0;
    for (const entry of this.strangers) {
      if (entry.isIdle()) {
        this.remove(entry);
        entry.evict();
        return;
      }
      looked += 1;
      if (looked === LOOKED_AT_MAX) return;
    }
  }
}
