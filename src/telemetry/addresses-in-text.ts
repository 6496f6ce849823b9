/**
 * Writes each mail address in a text otherwise, for logs that may name nobody: what a server replied, what a refusal quotes.
 * Rather too much is taken for an address than too little. RFC 5321 section 4.1.2, RFC 6531 for other letters than ASCII's.
 *
 * By hand rather than by regular expression: every character is looked at a bounded number of times, whatever the text.
 */

/** What ends an address that is not in quotes; `=` and `'` may stand in one. */
const isBetween = (char: string): boolean => /[\s\x00-\x1f\x7f<>()[\],;:"@\\]/.test(char);

export function rewriteAddresses(text: string, rewrite: (address: string) => string): string {
  let written = '';
  let from = 0;
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', Math.max(from, at + 1))) {
    const start = startOf(text, at, from);
    // A scoped package in a stack trace: `/@nestjs/core`.
    if (start === at || text[at - 1] === '/') continue;
    const end = endOf(text, at);
    written += text.slice(from, start) + rewrite(text.slice(start, end));
    from = end;
  }
  return written + text.slice(from);
}

function startOf(text: string, at: number, from: number): number {
  let start = at;
  if (text[at - 1] === '"') {
    start = at - 2;
    while (start > from && !(text[start] === '"' && text[start - 1] !== '\\')) start -= 1;
    return Math.max(start, from);
  }
  while (start > from && !isBetween(text[start - 1] ?? ' ')) start -= 1;
  while (start < at && (text[start] === "'" || text[start] === '`')) start += 1;
  return start;
}

function endOf(text: string, at: number): number {
  let end = at + 1;
  // RFC 5321 section 4.1.3: an address literal, which may hold a colon.
  if (text[end] === '[') end += 1;
  while (end < text.length && (!isBetween(text[end] ?? ' ') || (text[at + 1] === '[' && text[end] === ':'))) end += 1;
  if (text[at + 1] === '[' && text[end] === ']') return end + 1;
  // What ends the sentence, or the quotes that it stands in.
  while (end > at + 1 && /[.'`!?]/.test(text[end - 1] ?? '')) end -= 1;
  return end;
}
