/**
 * The regular expressions of rules: which are safe, and the literal that each must find.
 *
 * Safe means that no input makes one slow. Every repetition has an upper bound, repetitions are not nested, and all of
 * them together allow a bounded number of ways to match; nothing refers back or looks around.
 */
import { foldText } from './refusal-text.js';

/** Of one repetition, such as `.{0,80}`. */
const REPEAT_MAX = 120;
/** Of the bounds of all repetitions of a pattern, multiplied: the steps that one place of a text can cost. */
const WAYS_MAX = 10_000;
const PATTERN_CHARACTERS_MAX = 1_000;
/** A shorter literal is found in every text. */
const LITERAL_CHARACTERS_MIN = 3;
/** Of a longer one its beginning is looked for. */
const LITERAL_CHARACTERS_MAX = 10;
/** Beyond this length a literal is rare enough: one is better than many longer ones. */
const LITERAL_WORTH_MAX = 5;
/** The stand-ins of a prepared text keep their capitals, and so do classes such as `\S`. */
const KEPT = /(ADDR|URL|IP|HOST|\\.)/;

/** The pattern as it is matched: folded as texts are. */
export function foldPattern(pattern: string): string {
  return pattern
    .split(KEPT)
    .map((part, index) => (index % 2 === 1 ? part : foldText(part)))
    .join('');
}

/** What is wrong with `pattern`, or undefined. @param needsLiteral whether it is looked for by its literals */
export function patternFault(pattern: string, needsLiteral = true): string | undefined {
  if (pattern.length > PATTERN_CHARACTERS_MAX) return `is longer than ${PATTERN_CHARACTERS_MAX} characters`;
  try {
    new RegExp(foldPattern(pattern), 'u');
  } catch (error) {
    return `is no regular expression: ${(error as Error).message}`;
  }
  const { fault } = walk(foldPattern(pattern));
  if (fault !== undefined) return fault;
  return needsLiteral && requiredLiterals(pattern) === undefined
    ? `must hold ${LITERAL_CHARACTERS_MIN} characters in a row that every match has, or a group of which every alternative does`
    : undefined;
}

/**
 * Texts of which every match of `pattern` holds one: the longest run of plain characters outside of groups, or those of
 * each alternative of a group. Undefined where there are none that are long enough.
 */
export function requiredLiterals(pattern: string): readonly string[] | undefined {
  const { runs, alternatives } = walk(foldPattern(pattern));
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  let best: readonly string[] | undefined = isLong(longest) ? [longest.slice(0, LITERAL_CHARACTERS_MAX)] : undefined;
  for (const group of alternatives) {
    const literals = group.map((alternative) => requiredLiterals(alternative));
    if (literals.some((found) => found === undefined)) continue;
    const all = literals.flatMap((found) => found ?? []);
    if (!best || shortest(all) > shortest(best)) best = all;
  }
  return best;
}

/** Of the letters of East Asia two say as much as three of ours. */
function isLong(literal: string): boolean {
  return literal.length >= (/^[\u0400-\uffff]/.test(literal) ? 2 : LITERAL_CHARACTERS_MIN);
}

function shortest(literals: readonly string[]): number {
  return Math.min(...literals.map((literal) => Math.min(literal.length, LITERAL_WORTH_MAX)));
}

interface Walk {
  readonly fault?: string;
  /** The runs of plain characters outside of groups. */
  readonly runs: readonly string[];
  /** The alternatives of each group that must be there. */
  readonly alternatives: readonly (readonly string[])[];
}

const TOKEN = /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?[:=!<][=!]?)?|\)|\{\d*,?\d*\}|[*+?|^$.]|[^]/gu;

function walk(pattern: string): Walk {
  const walker = new Walker();
  for (const { 0: token, index } of pattern.matchAll(TOKEN)) {
    const fault = walker.take(token, index, pattern);
    if (fault !== undefined) return { fault, runs: [], alternatives: [] };
  }
  return walker.end();
}

class Walker {
  private readonly runs: string[] = [];
  private readonly alternatives: string[][] = [];
  /** For each open group: whether it repeats something. */
  private readonly groups: boolean[] = [];
  private run = '';
  private ways = 1;
  /** Where the parts of the open outermost group begin. */
  private cuts: number[] = [];
  /** The group that was closed just now: whether it repeats something. */
  private closed: boolean | undefined;

  /** What is wrong with it, or undefined. */
  take(token: string, index: number, pattern: string): string | undefined {
    const closed = this.closed;
    this.closed = undefined;
    if (token.startsWith('(')) return this.open(token, index);
    if (token === ')') this.close(index, pattern);
    else if (/^[*+?]$|^\{/.test(token)) return this.repeat(token, closed);
    else if (/^\\[1-9k]/.test(token)) return `may not refer back: ${token}`;
    else if (token === '|') {
      if (this.groups.length === 0) return 'has alternatives outside of a group: write them as patterns of their own';
      if (this.groups.length === 1) this.cuts.push(index + 1);
    } else if (this.groups.length === 0) this.plain(token);
    return undefined;
  }

  end(): Walk {
    this.endRun();
    return { runs: this.runs, alternatives: this.alternatives };
  }

  private plain(token: string): void {
    if (/^\\[^\p{L}\p{N}]$/u.test(token)) this.run += token.slice(1);
    else if (/^[[\\.^$]/.test(token)) this.endRun();
    else this.run += token;
  }

  private open(token: string, index: number): string | undefined {
    if (token !== '(?:' && token !== '(') return `may not look around: ${token}`;
    if (this.groups.length === 0) {
      this.endRun();
      this.cuts = [index + token.length];
    }
    this.groups.push(false);
    return undefined;
  }

  private close(index: number, pattern: string): void {
    this.closed = this.groups.pop() ?? false;
    if (this.groups.length > 0) {
      if (this.closed) this.groups[this.groups.length - 1] = true;
      return;
    }
    const ends = [...this.cuts.slice(1).map((cut) => cut - 1), index];
    this.alternatives.push(this.cuts.map((cut, part) => pattern.slice(cut, ends[part])));
  }

  private repeat(token: string, closed: boolean | undefined): string | undefined {
    const bound = token === '?' ? 1 : Number(/(\d+)\}$/.exec(token)?.[1] ?? Infinity);
    if (bound === Infinity) return `repeats without a bound: ${token}; write {0,40}`;
    if (bound > REPEAT_MAX) return `repeats more than ${REPEAT_MAX} times: ${token}`;
    if (closed && bound > 1) return `repeats a group that repeats: ${token}`;
    if (this.groups.length === 0) {
      // What is repeated may be missing.
      if (closed !== undefined) this.alternatives.pop();
      this.run = this.run.slice(0, -1);
      this.endRun();
    }
    if (bound > 1) {
      this.ways *= bound;
      if (this.groups.length > 0) this.groups[this.groups.length - 1] = true;
    }
    return this.ways > WAYS_MAX ? `can match in more than ${WAYS_MAX} ways` : undefined;
  }

  private endRun(): void {
    this.runs.push(this.run);
    this.run = '';
  }
}
