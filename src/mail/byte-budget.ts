/** How many bytes of messages a process may hold at once, whatever the number of its sessions. */
export class ByteBudget {
  private used = 0;

  constructor(readonly bytesMax: number) {}

  /** Takes `bytes` of the budget; false where they are not to be had. */
  take(bytes: number): boolean {
    if (this.used + bytes > this.bytesMax) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}
