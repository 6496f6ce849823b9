/**
 * Spreads work that comes in a burst over turns of the event loop, so that between two pieces of it everybody else is
 * served: five hundred TLS handshakes in one turn would hold up all other sessions for a third of a second.
 */

export class PacedTurns {
  private readonly first: (() => void)[] = [];
  private readonly others: (() => void)[] = [];
  private taken = 0;
  private isTurning = false;

  /** @param perTurn pieces of work that may begin in one turn */
  constructor(private readonly perTurn: number) {}

  /** Resolves when the work may begin: at once where little is going on. @param isFirst goes before all that are not */
  async take(isFirst = false): Promise<void> {
    if (this.taken < this.perTurn && this.first.length + this.others.length === 0) return this.begin();
    await new Promise<void>((resolve) => (isFirst ? this.first : this.others).push(resolve));
  }

  private begin(): void {
    this.taken += 1;
    if (this.isTurning) return;
    this.isTurning = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.taken = 0;
    this.isTurning = false;
    while (this.taken < this.perTurn) {
      const next = this.first.shift() ?? this.others.shift();
      if (!next) return;
      this.begin();
      next();
    }
  }
}
