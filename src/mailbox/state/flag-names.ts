/** How flags are spelled. Case tells no two of them apart: RFC 3501 section 9. */

/** RFC 3501 section 2.3.2, but for `\Recent`, which nobody can set. */
export const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const;

/** Flags as they are kept: a system flag as the RFC has it, a keyword as those `inUse` have it already. */
export function spelledFlags(flags: readonly string[], inUse: readonly string[]): string[] {
  const known = new Map([...SYSTEM_FLAGS, ...inUse].map((flag) => [flag.toLowerCase(), flag]));
  return flags.map((flag) => known.get(flag.toLowerCase()) ?? flag);
}

/** Each keyword that a report has, in the spelling that is met first. */
export function keywordsOf(reports: readonly { readonly flags: readonly string[] }[]): readonly string[] {
  // Most reports share a few arrays.
  const sets = new Set(reports.map(({ flags }) => flags));
  const keywords = new Map<string, string>();
  for (const flag of [...sets].flat()) {
    const name = flag.toLowerCase();
    if (!flag.startsWith('\\') && !keywords.has(name)) keywords.set(name, flag);
  }
  return [...keywords.values()];
}
