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
  /** How many comparisons the last `find` took. */
  tried = 0;

  private readonly open: OpenBoundary<Owner>[] = [];

  get top(): OpenBoundary<Owner> | undefined {
    return this.open.at(-1);
  }

  push(text: string, owner: Owner): void {
    this.open.push({ text: text.slice(0, BOUNDARY_OCTETS_MAX), owner });
  }

  /**
   * The boundary that the line at `start` bears. More may follow it on the line; where several fit, the one that is the
   * whole line wins, the innermost first, and else the longest.
   */
  find(raw: Buffer, start: number): BoundaryLine<Owner> | undefined {
    this.tried = 0;
    if (this.open.length === 0 || raw[start] !== DASH || raw[start + 1] !== DASH) return undefined;
    const line = raw.toString('latin1', start + 2, start + 2 + LINE_OCTETS_MAX);
    const lf = line.indexOf('\n');
    const whole = lf === -1 ? undefined : line.slice(0, lf > 0 && line[lf - 1] === '\r' ? lf - 1 : lf);
    let best: OpenBoundary<Owner> | undefined;
    for (let i = this.open.length - 1; i >= 0; i--) {
      const boundary = this.open[i]!;
      this.tried++;
      if (best && boundary.text.length <= best.text.length) continue;
      if (!line.startsWith(boundary.text)) continue;
      best = boundary;
      if (whole === best.text || whole === `${best.text}--`) break;
    }
    return best && { ...best, closes: line.startsWith('--', best.text.length) };
  }

  /** Forgets the boundaries inside the owner of `line`, and its own where the line closes it. */
  closeDownTo({ owner, closes }: BoundaryLine<Owner>): void {
    const index = this.open.findLastIndex((boundary) => boundary.owner === owner);
    this.open.length = closes ? index : index + 1;
  }
}
