/**
 * The YAML file of settings: a flat mapping of names to texts or lists of texts. It is read with YAML's failsafe schema,
 * in which every scalar is the text that stands there, so that `0x10` or `on` is not first turned into something else.
 */
import { parseDocument } from 'yaml';
import type { YAMLError } from 'yaml';
import { readTextFile } from './read-file.js';

export type ConfigFile =
  | {
      readonly kind: 'ok';
      /** What is set; an empty text or list is not. */
      readonly entries: ReadonlyMap<string, string | readonly string[]>;
      /** All keys, set or not. */
      readonly keys: readonly string[];
      /** The keys whose value is neither a text nor a list of texts. */
      readonly odd: readonly string[];
    }
  | { readonly kind: 'failed'; readonly why: string };

/** Settings take a few KiB; this is what a wrong path might name. */
const FILE_BYTES_MAX = 1_048_576;

/** Reads the file at `path`. */
export function readConfigFile(path: string): ConfigFile {
  const file = readTextFile(path, FILE_BYTES_MAX);
  return file.kind === 'failed' ? file : parseConfig(file.text);
}

export function parseConfig(text: string): ConfigFile {
  const read = parseYaml(text);
  if (read.kind === 'failed') return read;
  const { data } = read;
  const entries = new Map<string, string | readonly string[]>();
  const keys: string[] = [];
  const odd: string[] = [];
  if (data === null || data === '') return { kind: 'ok', entries, keys, odd };
  if (!(data instanceof Map)) return { kind: 'failed', why: 'is no mapping of settings, such as "expire_after: 48h"' };
  for (const [name, value] of data as Map<unknown, unknown>) {
    const key = typeof name === 'string' ? name : 'a key that is no text';
    const text = typeof value === 'string' ? value.trim() : value;
    keys.push(key);
    if (text === null || text === '' || (Array.isArray(text) && text.length === 0)) continue;
    if (typeof text === 'string' || isListOfTexts(text)) entries.set(key, text);
    else odd.push(key);
  }
  return { kind: 'ok', entries, keys, odd };
}

type Yaml = { readonly kind: 'ok'; readonly data: unknown } | { readonly kind: 'failed'; readonly why: string };

function parseYaml(text: string): Yaml {
  try {
    const document = parseDocument(text, { schema: 'failsafe', logLevel: 'error' });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) return { kind: 'failed', why: whyNot(problem) };
    return { kind: 'ok', data: document.toJS({ mapAsMap: true }) };
  } catch {
    // Aliases are resolved only now: `routes: *=mx` is one to YAML.
    return {
      kind: 'failed',
      why: 'has a value that begins with * or &, or is nested too deeply: put such a value in quotes',
    };
  }
}

function whyNot(problem: YAMLError): string {
  const line = problem.linePos?.[0].line ?? 1;
  if (problem.code === 'TAG_RESOLVE_FAILED' || problem.code === 'BAD_ALIAS') {
    return `is not valid YAML: line ${line}: put a value that begins with !, * or & in quotes`;
  }
  // What follows quotes the file, which may hold secrets.
  const words = problem.message.split(/ at line \d|[\n:]/)[0] ?? '';
  return `is not valid YAML: line ${line}: ${words}`;
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
