/** Tests of a program that reads mail, which are skipped, and say so, where it is missing. */
import { describe, it } from '@jest/globals';
import { missingProgram } from './installed.js';

/** @param programs the one that is described, and those that it needs */
export function describeReader(
  programs: readonly [string, ...string[]],
  tests: (test: typeof it | typeof it.skip) => void,
): void {
  const missing = missingProgram(...programs);
  describe(missing === undefined ? programs[0] : `${programs[0]} (missing: ${missing})`, () => {
    tests(missing === undefined ? it : it.skip);
  });
}
