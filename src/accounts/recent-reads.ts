/** Remembers for a moment what was read of Redis: for the way of a message, which must not ask for the same again. */
import type { Clock } from '../mail/clock.js';

/** How long a process may act on what it read: what is taken away from an account stops within this. */
const RECENT_MS = 900;
const ENTRIES_MAX = 10_000;

export class RecentReads<T> {
  private readonly entries = new Map<string, { readonly at: number; readonly value: Promise<T> }>();

  constructor(
    private readonly clock: Clock,
    private readonly read: (key: string) => Promise<T>,
  ) {}

  get(key: string): Promise<T> {
    const now = this.clock.now();
    const known = this.entries.get(key);
    if (known && now - known.at < RECENT_MS) return known.value;
    if (this.entries.size >= ENTRIES_MAX) this.entries.clear();
    const entry = { at: now, value: this.read(key) };
    this.entries.set(key, entry);
    entry.value.catch(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    return entry.value;
  }

  forget(key: string): void {
    this.entries.delete(key);
  }
}
