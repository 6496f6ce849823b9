/** Finds many literals in a text in one pass: the automaton of Aho and Corasick (CACM 18(6), 1975). */

export class LiteralSearch {
  /** Class of each UTF-16 unit; 0 for those in no literal. */
  private readonly classes = new Uint16Array(65_536);
  private readonly width: number;
  /** Next state by state and class. */
  private readonly next: Int32Array;
  /** The numbers of the literals that end in a state. */
  private readonly ends: readonly (readonly number[])[];

  constructor(literals: readonly string[]) {
    let width = 1;
    let units = 1;
    for (const literal of literals) {
      units += literal.length;
      for (let i = 0; i < literal.length; i++) {
        const unit = literal.charCodeAt(i);
        if (this.classes[unit] === 0) this.classes[unit] = width++;
      }
    }
    this.width = width;
    const next = new Int32Array(units * width);
    const ends: number[][] = [[]];
    for (const [number, literal] of literals.entries()) {
      let state = 0;
      for (let i = 0; i < literal.length; i++) {
        const at = state * width + (this.classes[literal.charCodeAt(i)] ?? 0);
        if (next[at] === 0) next[at] = ends.push([]) - 1;
        state = next[at] ?? 0;
      }
      ends[state]?.push(number);
    }
    this.next = next;
    this.ends = ends;
    this.completeFailures(ends);
  }

  /** Calls `found` with the number of each literal in `text`; of one that stands there twice, twice. */
  scan(text: string, found: (literal: number) => void): void {
    const { classes, next, width, ends } = this;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      state = next[state * width + (classes[text.charCodeAt(i)] ?? 0)] ?? 0;
      const here = ends[state];
      if (here !== undefined && here.length > 0) for (const literal of here) found(literal);
    }
  }

  /** Breadth first: where a state has no way on, that of the longest end of it which begins a literal. */
  private completeFailures(ends: number[][]): void {
    const { next, width } = this;
    const failures = new Int32Array(ends.length);
    const queue: number[] = [];
    for (let c = 1; c < width; c++) if ((next[c] ?? 0) !== 0) queue.push(next[c] ?? 0);
    // It grows while it is walked.
    for (const state of queue) {
      const failure = failures[state] ?? 0;
      ends[state]?.push(...(ends[failure] ?? []));
      for (let c = 1; c < width; c++) {
        const at = state * width + c;
        const beyond = next[failure * width + c] ?? 0;
        if (next[at] === 0) next[at] = beyond;
        else {
          failures[next[at] ?? 0] = beyond;
          queue.push(next[at] ?? 0);
        }
      }
    }
  }
}
