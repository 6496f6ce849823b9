/**
 * How much of the reports' contents a process holds at once, whatever the number of its sessions and however slowly they
 * read. What is small is let through, because each session holds only one group of it.
 */

/** Read and sent together; a larger report is a group by itself. */
const GROUP_OCTETS_MAX = 128 * 1024;
const GROUP_REPORTS_MAX = 64;
/** Of groups that are larger, all together; one that is larger than this waits until it is alone. */
const ROOM_OCTETS = 32 * 1024 * 1024;
/** A client waits no longer than this for others to read theirs. */
const WAIT_MS = 30_000;
/** Who has not taken a block of what it asked for by then makes room for those who wait. */
const STALLED_MS = 5_000;
const LOOK_EVERY_MS = 500;

interface Sized {
  readonly report: { readonly octets: number };
}

/** For whom contents are held: its connection. */
export interface ContentHolder {
  /** For how long it has taken nothing of what is being sent to it. */
  readonly stalledMs: number;
  /** Throws where it is no longer there. */
  checkOpen(): void;
  /** Ends it, and its work with it. */
  destroy(): void;
}

export class ContentRoom {
  private used = 0;
  private readonly holders = new Set<ContentHolder>();
  private readonly waiting: { readonly octets: number; readonly enter: () => void }[] = [];

  constructor(
    private readonly octetsMax = ROOM_OCTETS,
    private readonly waitMs = WAIT_MS,
  ) {}

  /** Those that are read and sent together, in their order. */
  *inGroups<T extends Sized>(reports: readonly T[]): Generator<T[]> {
    let [group, octets]: [T[], number] = [[], 0];
    for (const one of reports) {
      const isFull = octets + one.report.octets > GROUP_OCTETS_MAX || group.length >= GROUP_REPORTS_MAX;
      if (isFull && group.length > 0) {
        yield group;
        [group, octets] = [[], 0];
      }
      group.push(one);
      octets += one.report.octets;
    }
    if (group.length > 0) yield group;
  }

  /**
   * Does `work` for `holder` when there is room for what it reads, and `holder` is still there to have it. Rejects where
   * there is none for too long.
   */
  async withRoomFor<T>(group: readonly Sized[], holder: ContentHolder, work: () => Promise<T>): Promise<T> {
    holder.checkOpen();
    const octets = group.reduce((sum, { report }) => sum + report.octets, 0);
    if (octets <= GROUP_OCTETS_MAX) return work();
    await this.enter(octets);
    this.holders.add(holder);
    try {
      holder.checkOpen();
      return await work();
    } finally {
      this.holders.delete(holder);
      this.used -= octets;
      this.letIn();
    }
  }

  private async enter(octets: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry = { octets, enter: resolve };
    this.waiting.push(entry);
    const timer = setTimeout(() => {
      this.waiting.splice(this.waiting.indexOf(entry), 1);
      // Who is behind it may want less.
      this.letIn();
      reject(new Error(`no room for ${octets} octets within ${this.waitMs} ms`));
    }, this.waitMs);
    const looking = setInterval(() => this.makeRoom(), LOOK_EVERY_MS);
    this.letIn();
    await promise.finally(() => {
      clearTimeout(timer);
      clearInterval(looking);
    });
  }

  private makeRoom(): void {
    for (const holder of this.holders) if (holder.stalledMs > STALLED_MS) holder.destroy();
  }

  private letIn(): void {
    for (let first = this.waiting[0]; first; first = this.waiting[0]) {
      if (this.used > 0 && this.used + first.octets > this.octetsMax) return;
      this.used += first.octets;
      this.waiting.shift();
      first.enter();
    }
  }
}
