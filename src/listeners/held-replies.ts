/** Replies that are held up: a bounded number of them, and none once the process drains. */

/** Each holds a connection and a timer; an attack of more addresses than this is told to go away instead. */
const HELD_MAX = 500;

export class HeldReplies {
  private readonly waiting = new Map<() => void, NodeJS.Timeout>();
  private isClosed = false;

  constructor(private readonly heldMax = HELD_MAX) {}

  /** Resolves after `delayMs`; with false, and at once, where too many are held already. */
  async hold(delayMs: number): Promise<boolean> {
    if (delayMs === 0 || this.isClosed) return true;
    if (this.waiting.size >= this.heldMax) return false;
    await new Promise<void>((resolve) => {
      const release = (): void => {
        clearTimeout(this.waiting.get(release));
        this.waiting.delete(release);
        resolve();
      };
      this.waiting.set(release, setTimeout(release, delayMs));
    });
    return true;
  }

  /** Lets all go, and holds none any more. */
  close(): void {
    this.isClosed = true;
    for (const release of [...this.waiting.keys()]) release();
  }
}
