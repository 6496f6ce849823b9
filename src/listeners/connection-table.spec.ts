import { describe, expect, it } from '@jest/globals';
import { ConnectionTable, type TableEntry } from './connection-table.js';

interface Entry extends TableEntry {
  readonly name: string;
}

const evicted: string[] = [];
const entry = (name: string, isIdle = true): Entry => ({
  name,
  isIdle: () => isIdle,
  evict: () => void evicted.push(name),
});

/** A table with these in it, in this order. */
function table(connectionsMax: number, entries: readonly Entry[]): ConnectionTable {
  evicted.length = 0;
  const made = new ConnectionTable(connectionsMax);
  for (const one of entries) expect(made.add(one)).toBe(true);
  return made;
}

const named = (count: number): Entry[] => Array.from({ length: count }, (_, index) => entry(`c${index}`));

describe('a crowded process', () => {
  it('sends the oldest stranger away for each that comes, from four fifths of its places on', () => {
    const full = table(10, named(8));
    expect(evicted).toEqual([]);
    expect(full.add(entry('new'))).toBe(true);
    expect(full.add(entry('newer'))).toBe(true);
    expect(evicted).toEqual(['c0', 'c1']);
    expect(full.size).toBe(8);
  });

  it('lets those be who have logged in, and those who are being served', () => {
    const [first, ...others] = named(3);
    if (!first) throw new Error('none');
    const full = table(10, [first, entry('busy', false), ...others, ...named(4)]);
    full.loggedIn(first);
    expect(full.add(entry('new'))).toBe(true);
    expect(evicted).toEqual(['c1']);
  });

  it('refuses where all that it holds have logged in', () => {
    const entries = named(10);
    const full = table(10, []);
    for (const one of entries) {
      full.add(one);
      full.loggedIn(one);
    }
    expect(full.add(entry('new'))).toBe(false);
    full.remove(entries[0] ?? entry(''));
    expect(full.add(entry('new'))).toBe(true);
    expect(evicted).toEqual([]);
  });
});
