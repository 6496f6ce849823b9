/** What DNS shows of one record, and what is to be changed. */

export type RecordStatus =
  | 'ok'
  /** There is none. */
  | 'missing'
  /** There is another. */
  | 'wrong'
  /** DNS did not answer. */
  | 'unknown';

export interface Verdict {
  readonly status: RecordStatus;
  /** What to change, for a person; absent where nothing is. */
  readonly todo?: string;
}

export const FINE: Verdict = { status: 'ok' };

export function wrong(todo: string): Verdict {
  return { status: 'wrong', todo };
}

/** `tag=value; tag=value`: RFC 6376 section 3.2. Undefined where it is none, or a tag comes twice. */
export function readTags(text: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>();
  const parts = text.split(';').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  for (const part of parts) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined || tags.has(name)) return undefined;
    tags.set(name, value);
  }
  return tags;
}
