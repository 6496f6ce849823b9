/** Which programs of Debian's are here: tests that need one say `skipped` where it is not (`test/debian-peers.txt`). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's own: a Python of another origin need not have the same modules. */
export const PYTHON = '/usr/bin/python3';

export function isInstalled(...programs: readonly string[]): boolean {
  return missingProgram(...programs) === undefined;
}

/** The first that is not installed. */
export function missingProgram(...programs: readonly string[]): string | undefined {
  const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin'];
  return programs.find((program) => !places.some((place) => existsSync(join(place, program))));
}
