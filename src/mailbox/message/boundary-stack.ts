/** The boundaries that are open at a place of a message: RFC 2046 section 5.1. */

/** RFC 2046 section 5.1.1 allows 70. */
export const BOUNDARY_OCTETS_MAX = 80;
/** Of a line, as much as can be a boundary: with both pairs of dashes, CR and LF. */
const LINE_OCTETS_MAX = BOUNDARY_OCTETS_MAX + 4;

const DASH = 45;

export interface OpenBoundary<Owner> {
  readonly text: string;
  readonly owner: Owner;
}

export interface BoundaryLine<Owner> extends OpenBoundary<Owner> {
  /** Whether it is the last one of its owner. */
  readonly closes: boolean;
}

export class BoundaryStack<Owner> {
  /** How many texts the last `find` looked up. */
  tried = 0;

  private readonly open: OpenBoundary<Owner>[] = [];
  /** Of each text the innermost boundary, by its place in `open`: mail with many boundaries on many lines costs a look-up. */
  private innermost: ReadonlyMap<string, number> = new Map();
  private lengths: readonly number[] = [];

  get top(): OpenBoundary<Owner> | undefined {
    return this.open.at(-1);
  }

  push(text: string, owner: Owner): void {
    this.open.push({ text: text.slice(0, BOUNDARY_OCTETS_MAX), owner });
    this.changed();
  }

  /**
   * The boundary that the line at `start` bears. More may follow it on the line; where several fit, the longest wins, but
   * one that is the whole line ends the search, which goes from the innermost outwards.
   */
  find(raw: Buffer, start: number): BoundaryLine<Owner> | undefined {
    this.tried = 0;
    if (this.open.length === 0 || raw[start] !== DASH || raw[start + 1] !== DASH) return undefined;
    const line = raw.toString('latin1', start + 2, start + 2 + LINE_OCTETS_MAX);
    const whole = /^([^\n]*?)\r?\n/.exec(line)?.[1];
    let best: OpenBoundary<Owner> | undefined;
    for (const boundary of this.fitting(whole ?? line)) {
      if (best && boundary.text.length < best.text.length) continue;
      best = boundary;
      if (whole === best.text || whole === `${best.text}--`) break;
    }
    return best && { ...best, closes: line.startsWith('--', best.text.length) };
  }

  /** Forgets the boundaries inside the owner of `line`, and its own where the line closes it. */
  closeDownTo({ owner, closes }: BoundaryLine<Owner>): void {
    const index = this.open.findLastIndex((boundary) => boundary.owner === owner);
    this.open.length = closes ? index : index + 1;
    this.changed();
  }

  /** Those that `line` begins with, the innermost first. */
  private fitting(line: string): readonly OpenBoundary<Owner>[] {
    const places: number[] = [];
    for (const length of this.lengths) {
      if (length > line.length) continue;
      this.tried++;
      const place = this.innermost.get(line.slice(0, length));
      if (place !== undefined) places.push(place);
    }
    return places.sort((a, b) => b - a).flatMap((place) => this.open[place] ?? []);
  }

  private changed(): void {
    this.innermost = new Map(this.open.map(({ text }, place) => [text, place]));
    this.lengths = [...new Set(this.open.map(({ text }) => text.length))];
  }
}
