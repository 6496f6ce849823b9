/** Reads files of rules. Every fault is told, as `FILE:LINE: rule ID: what would be right`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml } from '../../../accounts/yaml-lines.js';
import { readTextFile } from '../../../config/read-file.js';
import { rulesFileSchema, type RulesFile } from './rule-schema.js';

const FILE_BYTES_MAX = 1_048_576;
const FAULTS_SHOWN = 100;

const RULES_DIRECTORY = join(import.meta.dirname, '../rules');
/** The rules that are no provider's; the numbers in the names of the files are their order. */
const STANDARD_DIRECTORY = join(RULES_DIRECTORY, 'standard');

export interface NamedRules extends RulesFile {
  readonly file: string;
}

export type RulesReading =
  | {
      readonly kind: 'read';
      readonly rules: NamedRules;
      /** The line of what `path` names in the file. */
      readonly lineOf: (path: Path) => number;
    }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** Our own rules, the providers' first. */
export function readOwnRules(): NamedRules[] {
  const readings = [...yamlFilesIn(RULES_DIRECTORY), ...yamlFilesIn(STANDARD_DIRECTORY)].map(readRulesFile);
  const faults = readings.flatMap((reading) => (reading.kind === 'faults' ? reading.faults : []));
  if (faults.length > 0) throw new Error(`our own rules are faulty:\n${faults.join('\n')}`);
  return readings.flatMap((reading) => (reading.kind === 'read' ? [reading.rules] : []));
}

function yamlFilesIn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => join(directory, name));
}

export function readRulesFile(file: string): RulesReading {
  const read = readTextFile(file, FILE_BYTES_MAX);
  return read.kind === 'ok' ? parseRules(read.text, file) : { kind: 'faults', faults: [`${file}: ${read.why}`] };
}

export function parseRules(text: string, file: string): RulesReading {
  const yaml = readYaml(text);
  if (yaml.kind === 'faults') {
    return { kind: 'faults', faults: yaml.faults.map(({ line, message }) => `${file}:${line}: ${message}`) };
  }
  const parsed = rulesFileSchema.safeParse(yaml.data);
  const found = (parsed.error?.issues ?? []).map(({ path, message }) => ({ path, message }));
  found.push(...repeatedIds(yaml.data));
  if (parsed.success && found.length === 0) {
    return { kind: 'read', rules: { ...parsed.data, file }, lineOf: yaml.lineOf };
  }
  const faults = found.slice(0, FAULTS_SHOWN).map(({ path, message }) => {
    const id = idAt(yaml.data, path);
    const field = path.slice(id === undefined ? 0 : 2).join('.');
    const where = [id === undefined ? '' : `rule ${id}`, field].filter((part) => part !== '').join(', ');
    return `${file}:${yaml.lineOf(path)}: ${where === '' ? '' : `${where}: `}${message}`;
  });
  return { kind: 'faults', faults };
}

type Path = readonly PropertyKey[];

function rulesIn(data: unknown): unknown[] {
  const rules = (data as { rules?: unknown } | null)?.rules;
  return Array.isArray(rules) ? rules : [];
}

/** The id of the rule that `path` leads into. */
function idAt(data: unknown, path: Path): string | undefined {
  if (path[0] !== 'rules' || typeof path[1] !== 'number') return undefined;
  const id = (rulesIn(data)[path[1]] as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : undefined;
}

function repeatedIds(data: unknown): { path: PropertyKey[]; message: string }[] {
  const seen = new Set<unknown>();
  return rulesIn(data).flatMap((rule, index) => {
    const id = (rule as { id?: unknown } | null)?.id;
    if (id === undefined || !seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [{ path: ['rules', index, 'id'], message: 'is that of another rule of this file' }];
  });
}
