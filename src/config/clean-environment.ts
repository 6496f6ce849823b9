/**
 * The environment of this process without the settings in it: for a relay that we start beside the operator's own, and
 * that must not use that one's Redis, ports or secrets.
 */
export function environmentWithoutSettings(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('POSTHORN_'));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
