/** A YAML text as data, with the line at which each of its parts stands. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';

export interface YamlFault {
  readonly line: number;
  readonly message: string;
}

export type YamlReading =
  | {
      readonly kind: 'read';
      readonly data: unknown;
      /** The line of what `path` names; of the innermost part around it where it is not there. */
      readonly lineOf: (path: readonly PropertyKey[]) => number;
    }
  | { readonly kind: 'faults'; readonly faults: readonly YamlFault[] };

/** How often aliases may be followed in all: more is a text made to grow. */
const ALIASES_MAX = 100;
/** Faults that are gathered of one text. */
const FAULTS_MAX = 100;
const TOO_DEEP: YamlReading = { kind: 'faults', faults: [{ line: 1, message: 'is nested too deeply' }] };

export function readYaml(text: string): YamlReading {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      logLevel: 'error',
      version: '1.2',
      // Both take time by the square of the text.
      prettyErrors: false,
      uniqueKeys: false,
    });
    const problems = [...document.errors, ...document.warnings, ...repeatedKeys(document)].slice(0, FAULTS_MAX);
    // It finds a stack that is full as often as it is deep.
    if (problems.some(({ message }) => message.includes('call stack'))) return TOO_DEEP;
    if (problems.length > 0) {
      const faults = problems.map(({ pos, message }) => ({
        line: lines.linePos(pos[0]).line,
        message: `is not valid YAML: ${message}`,
      }));
      return { kind: 'faults', faults };
    }
    const data: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    return { kind: 'read', data, lineOf: (path) => lines.linePos(offsetOf(document, path)).line };
  } catch (error) {
    if (error instanceof RangeError) return TOO_DEEP;
    return { kind: 'faults', faults: [{ line: 1, message: 'follows too many aliases, or one that is not there' }] };
  }
}

interface Problem {
  readonly pos: readonly [number, number];
  readonly message: string;
}

// YAML 1.2 section 3.2.1.1: the keys of a mapping are unique.
function repeatedKeys(document: Document): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (isScalar(key) && keys.has(key.value)) {
          const start = startOf(key) ?? 0;
          problems.push({ pos: [start, start], message: 'Map keys must be unique' });
        }
        keys.add(isScalar(key) ? key.value : key);
      }
    },
  });
  return problems;
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
