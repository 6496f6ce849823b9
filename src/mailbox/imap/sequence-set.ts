/** Sets of message numbers and uids: RFC 3501 section 9, `sequence-set`. */

/** From, to; `Infinity` is `*`. */
export type SequenceRange = readonly [number, number];
export type SequenceSet = readonly SequenceRange[];

const NUMBER_MAX = 0xffff_ffff;
const RANGE = /^(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?$/;

/** Undefined where the text is no set. A command's length bounds the number of its ranges. */
export function parseSequenceSet(text: string): SequenceSet | undefined {
  const ranges: SequenceRange[] = [];
  for (const part of text.split(',')) {
    const [, from, to = from] = RANGE.exec(part) ?? [];
    if (from === undefined || to === undefined) return undefined;
    const ends = [endOf(from), endOf(to)] as const;
    if (ends.some((end) => end > NUMBER_MAX && end !== Infinity)) return undefined;
    ranges.push(ends);
  }
  return ranges;
}

function endOf(text: string): number {
  return text === '*' ? Infinity : Number(text);
}

/**
 * The ranges in ascending order and without overlaps, `*` being `last`; so `n:*` is at least the last (RFC 3501 section
 * 6.4.8). Nothing where there is no last.
 */
export function resolveSequenceSet(set: SequenceSet, last: number): SequenceSet {
  if (last === 0) return [];
  const numberAt = (end: number): number => (end === Infinity ? last : end);
  const resolved = set
    .map(([a, b]): SequenceRange => [Math.min(numberAt(a), numberAt(b)), Math.max(numberAt(a), numberAt(b))])
    .sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [from, to] of resolved) {
    const previous = merged.at(-1);
    if (previous && from <= previous[1] + 1) previous[1] = Math.max(previous[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** The highest number that a set names by itself; 0 where it names only `*`. */
export function highestNamed(set: SequenceSet): number {
  return set.flat().reduce((highest, end) => (end === Infinity ? highest : Math.max(highest, end)), 0);
}

/** As short as may be: `1:3,5`. For ascending numbers. */
export function formatSequenceSet(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length;) {
    const start = numbers[i] ?? 0;
    let end = start;
    while (numbers[i + 1] === end + 1) {
      i++;
      end++;
    }
    i++;
    parts.push(start === end ? String(start) : `${start}:${end}`);
  }
  return parts.join(',');
}

/** Whether a set that was resolved holds a number. By halves: each report of a mailbox is looked for in thousands of ranges. */
export function isInSet(resolved: SequenceSet, number: number): boolean {
  let [from, to] = [0, resolved.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((resolved[middle]?.[1] ?? Infinity) < number) from = middle + 1;
    else to = middle;
  }
  return (resolved[from]?.[0] ?? Infinity) <= number;
}
