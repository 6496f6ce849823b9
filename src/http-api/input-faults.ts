/** What a schema found wrong, said field by field. */
import type { z } from 'zod';
import '../config/schema-words.js';
import { inputProblem, ProblemError, type InputFault } from './problem.js';

type Issue = z.core.$ZodIssue;

/** Named in the contract, and not built yet: who sends them must not believe that they work. */
const LATER: ReadonlySet<string> = new Set(['sandbox', 'requireTls', 'template', 'data']);

/** For the validation pipe: its issues are zod's own. */
export function inputError(issues: readonly unknown[]): ProblemError {
  const all = issues as readonly Issue[];
  return new ProblemError(inputProblem(all.filter((issue) => !isAboutOtherKind(issue, all)).flatMap(faultsOf)));
}

/** Where a list is wanted, a text is judged by its length, too. */
function isAboutOtherKind({ code, path }: Issue, all: readonly Issue[]): boolean {
  if (code !== 'too_big' && code !== 'too_small') return false;
  return all.some((other) => other.code === 'invalid_type' && other.path.join('.') === path.join('.'));
}

function faultsOf(issue: Issue): InputFault[] {
  const path = issue.path.map(String);
  // Zod reports unknown fields on the object that holds them.
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: unknownField(key) }));
  }
  if (issue.code === 'invalid_type' && path.length === 0) return [{ path: '', message: 'the body must be an object' }];
  // A key is judged by a schema of its own, whose finding lies inside.
  const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return [{ path: path.join('.'), message: inner ?? issue.message }];
}

function unknownField(key: string): string {
  const name = key.toWellFormed().slice(0, 80);
  return LATER.has(key) ? `"${name}" is not supported by this version` : `"${name}" is no field that is taken here`;
}
