/** Commands that are a noun with verbs, such as `./posthorn account show NAME`: each verb asks the API one thing and shows the answer. */
import type { ParseArgsConfig } from 'node:util';
import { complain, openApi, type ApiClient, type ApiResult } from './api-client.js';
import { EXIT_DONE, EXIT_FAILED, readCommandLine, usageError } from './command-line.js';
import type { Command } from './command.js';

type Options = NonNullable<ParseArgsConfig['options']>;
/** What stands on the command line: a text, several, or that it is there. */
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** A usage that options alone do not show to be wrong. */
export interface UsageFault {
  readonly kind: 'usage';
  readonly why: string;
}

export interface Verb {
  /** What must follow it. */
  readonly operands: readonly string[];
  /** What it takes besides `--json`. */
  readonly options?: Options;
  run(api: ApiClient, operands: readonly string[], values: OptionValues): Promise<ApiResult<unknown>> | UsageFault;
  /** How the answer reads to a person. */
  format(answer: unknown): string;
  /** Whether it is what was hoped for; it is where this is absent. */
  isGood?(answer: unknown): boolean;
}

/** A verb that needs no relay. */
export interface LocalVerb extends Omit<Verb, 'run'> {
  make(values: OptionValues): unknown;
}

const SHARED = { json: { type: 'boolean' } } as const;

export function commandOfVerbs(
  about: Pick<Command, 'name' | 'summary' | 'help'>,
  verbs: Readonly<Record<string, Verb | LocalVerb>>,
): Command {
  const names = Object.keys(verbs);
  const listed = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  return {
    ...about,
    async run([verbName = '', ...argv]) {
      const asksForHelp = verbName === '--help' || verbName === '-h';
      const verb = Object.hasOwn(verbs, verbName) ? verbs[verbName] : undefined;
      if (!verb && !asksForHelp) return usageError(about, `say ${listed}`);
      const options: Options = { ...SHARED, ...verb?.options };
      const line = readCommandLine(about, asksForHelp ? ['--help'] : argv, options, verb?.operands);
      if (line.kind === 'over' || !verb) return line.kind === 'over' ? line.exitCode : EXIT_DONE;
      const show = (answer: unknown): number => {
        const asJson = line.values.json === true && answer !== undefined;
        process.stdout.write(asJson ? `${JSON.stringify(answer)}\n` : verb.format(answer));
        return verb.isGood?.(answer) === false ? EXIT_FAILED : EXIT_DONE;
      };
      if ('make' in verb) return show(verb.make(line.values));
      const api = await openApi();
      if (api.kind === 'failed') return complain(about.name, api);
      const asked = verb.run(api.body, line.operands, line.values);
      if ('kind' in asked) return usageError(about, asked.why);
      const answer = await asked;
      return answer.kind === 'failed' ? complain(about.name, answer) : show(answer.body);
    },
  };
}

export function usageFault(why: string): UsageFault {
  return { kind: 'usage', why };
}

/** Columns under each other, one row a line; nothing for no rows. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
