/** The enhanced status code in the words of a server: RFC 3463. */

const ENHANCED = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/g;

/** The enhanced status code in `text`; of several the most specific one, that is not x.0.0. */
export function enhancedIn(text: string): string | undefined {
  let first: string | undefined;
  for (const [, code = ''] of text.slice(0, 4_000).matchAll(ENHANCED)) {
    if (!isVague(code)) return code;
    first ??= code;
  }
  return first;
}

/** Whether a code says no more than its first digit. */
export function isVague(enhanced: string): boolean {
  return enhanced.endsWith('.0.0');
}
