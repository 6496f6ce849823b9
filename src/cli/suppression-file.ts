/** Suppressions from a file, as another service gave them out: `./posthorn suppression add --file FILE`. */
import { readTextFile } from '../config/read-file.js';
import type { ApiClient, ApiResult } from './api-client.js';
import { usageFault, type UsageFault } from './verbs.js';

/** Far more than the addresses that an account may hold. */
const FILE_BYTES_MAX = 67_108_864;
/** As many as the API takes in one request. */
const ENTRIES_AT_ONCE = 1_000;

interface Entry {
  readonly line: number;
  readonly body: object;
}

/** How many addresses there were, and how many of them were not suppressed before. */
export interface ImportedSuppressions {
  readonly addresses: number;
  readonly added: number;
}

type EntriesReading = UsageFault | { readonly kind: 'read'; readonly entries: readonly Entry[] };

/** @param shared holds for each address that does not say otherwise */
export function readEntries(file: string, shared: object): EntriesReading {
  const read = readTextFile(file, FILE_BYTES_MAX);
  if (read.kind === 'failed') return usageFault(`--file ${file} ${read.why}`);
  const entries: Entry[] = [];
  for (const [index, line] of read.text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const own = text.startsWith('{') ? parsed(text) : { address: text };
    if (own === undefined) return usageFault(`--file ${file}: line ${index + 1} begins as JSON and is none`);
    entries.push({ line: index + 1, body: { ...shared, ...own } });
  }
  return entries.length === 0 ? usageFault(`--file ${file} holds no address`) : { kind: 'read', entries };
}

/** Ends with the first thousand that the API does not take; those before it are added. */
export async function importEntries(
  api: ApiClient,
  path: string,
  entries: readonly Entry[],
): Promise<ApiResult<ImportedSuppressions>> {
  let added = 0;
  for (let start = 0; start < entries.length; start += ENTRIES_AT_ONCE) {
    const some = entries.slice(start, start + ENTRIES_AT_ONCE);
    const answer = await api.request<ImportedSuppressions>(
      'POST',
      path,
      some.map(({ body }) => body),
    );
    if (answer.kind === 'failed') return { ...answer, why: `${withLines(answer.why, some)}${before(start)}` };
    added += answer.body.added;
  }
  return { kind: 'ok', body: { addresses: entries.length, added } };
}

/** The API counts the entries of a request from 0. */
function withLines(why: string, entries: readonly Entry[]): string {
  return why.replaceAll(/(^|: |; )(\d+)\.(?=[a-z])/gi, (all, sign: string, index: string) => {
    const entry = entries[Number(index)];
    return entry ? `${sign}line ${entry.line}, ` : all;
  });
}

function before(count: number): string {
  return count === 0 ? '' : ` (the ${count} before are added)`;
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
