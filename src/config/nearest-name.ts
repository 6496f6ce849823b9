/** Finds what a misspelt name was meant to be. */

/** A name with more differences than one in this many characters is another name. */
const CHARACTERS_PER_DIFFERENCE = 5;
const NAME_CHARACTERS_MAX = 64;

/** The name most like `name`; undefined where none is like it. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > NAME_CHARACTERS_MAX) return undefined;
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(name.length / CHARACTERS_PER_DIFFERENCE)) + 1;
  for (const candidate of known) {
    const count = wordsOf(candidate) === wordsOf(name) ? 1 : differences(name, candidate);
    if (count < fewest) [nearest, fewest] = [candidate, count];
  }
  return nearest;
}

/** Characters to insert, delete, replace or swap with the next (optimal string alignment). */
export function differences(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}

function wordsOf(name: string): string {
  return name.split('_').sort().join('_');
}
