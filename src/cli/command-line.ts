/** Reads the arguments of a command, and says what is wrong with them: one line, and exit code 2. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Command } from './command.js';

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>
>;

export type CommandLine<O extends Options> =
  | { readonly kind: 'read'; readonly values: Parsed<O>['values']; readonly operands: readonly string[] }
  /** `--help` was asked for, or the arguments were wrong: what there was to say is said. */
  | { readonly kind: 'over'; readonly exitCode: number };

/** @param operandNames what must follow besides the options, in this order; what ends in `?` may be absent */
export function readCommandLine<const O extends Options>(
  command: Pick<Command, 'name' | 'help'>,
  argv: readonly string[],
  options: O,
  operandNames: readonly string[] = [],
): CommandLine<O> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(command.help);
    return { kind: 'over', exitCode: EXIT_DONE };
  }
  let parsed: Parsed<O>;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    return over(command, inOurWords((error as Error).message));
  }
  const { values, positionals } = parsed;
  const missing = operandNames[positionals.length];
  if (missing !== undefined && !missing.endsWith('?')) return over(command, `${missing} is missing`);
  const extra = positionals[operandNames.length];
  if (extra !== undefined) return over(command, `"${extra}" is one argument too many`);
  return { kind: 'read', values, operands: positionals };
}

/** Node's finding goes on for some lines, and of a value like `-1` says nothing that helps. */
function inOurWords(found: string): string {
  const ambiguous = /^Option '(?:-\w, )?(--[\w-]+)[^']*' argument is ambiguous/.exec(found)?.[1];
  if (ambiguous === undefined) return found.split(/\. |\n/)[0] ?? '';
  return `${ambiguous} needs a value; one that begins with "-" is written ${ambiguous}=VALUE`;
}

/** Says what is wrong with the usage of `command`. */
export function usageError({ name }: Pick<Command, 'name'>, why: string): number {
  process.stderr.write(`posthorn ${name}: ${why} (./posthorn ${name} --help says more)\n`);
  return EXIT_USAGE;
}

function over(command: Pick<Command, 'name'>, why: string): { readonly kind: 'over'; readonly exitCode: number } {
  return { kind: 'over', exitCode: usageError(command, why) };
}
