/** Finds the codes in the words of a server: RFC 5321 section 4.2 and RFC 3463. */

const ENHANCED = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/g;
// At the beginning, or where a server is quoted: `said: 550`, `<<< 550`, `(550`, `#550`, `code 550`.
const CODE =
  /(?:^|[:;(<#"'[]|\b(?:said|code|error|reply|response|status|smtp|returned|answer\w*|replied|host)\b)[\s:=#"'(<]*([245]\d\d)(?=[\s#:;,)\]"'-]|\.(?!\d)|$)/i;
/** Codes that RFC 5321 and its extensions define for refusals, for a number that stands somewhere. */
const KNOWN_CODE =
  /(?<![\d./:-])(4(?:2[12]|3[12]|5\d|7[01])|5(?:0[0-4]|1[0-2]|2[13]|3[0458]|5\d|7[01]))(?=[ -]|$)(?!\s*(?:bytes|kb|mb|octets|seconds))/i;

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

/** The SMTP reply code that a diagnostic quotes. */
export function replyCodeIn(diagnostic: string): number | undefined {
  const text = diagnostic.slice(0, 4_000);
  const code = CODE.exec(text)?.[1] ?? KNOWN_CODE.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}
