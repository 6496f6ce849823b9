/** Options such as `--limit messages.perHour=1000`: a path in what is sent, and its value. */

export type Assignments =
  | { readonly kind: 'read'; readonly value: Record<string, unknown> | undefined }
  | { readonly kind: 'usage'; readonly why: string };

/** Parts of a path; the API knows none that is longer. */
const PARTS_MAX = 4;

/**
 * Reads `a.b=1` into `{ a: { b: 1 } }`; `none` is null, which takes the field away. Which there are is known to the API,
 * so that its answer names what is wrong.
 *
 * @param option for the complaint
 */
export function readAssignments(option: string, given: unknown): Assignments {
  if (!Array.isArray(given)) return { kind: 'read', value: undefined };
  const value: Record<string, unknown> = {};
  for (const text of given as unknown[]) {
    const [, path = '', word = ''] = /^([A-Za-z][A-Za-z.]*)=(.+)$/.exec(String(text)) ?? [];
    const parts = path.split('.');
    if (parts.some((part) => part === '' || part in Object.prototype) || parts.length > PARTS_MAX) {
      return { kind: 'usage', why: `--${option} is to be NAME=VALUE, not "${String(text)}"` };
    }
    let at = value;
    for (const part of parts.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[parts.at(-1) ?? ''] = read(word);
  }
  return { kind: 'read', value };
}

function read(word: string): unknown {
  if (word === 'none') return null;
  return /^\d+(\.\d+)?$/.test(word) ? Number(word) : word;
}
