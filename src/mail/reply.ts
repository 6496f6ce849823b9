/** A reply of an SMTP server: RFC 5321 section 4.2, with the enhanced status code of RFC 2034 and RFC 3463. */

export interface Reply {
  /** Three digits, 200 to 599. */
  readonly code: number;
  /** `class.subject.detail`, where the server gave one. */
  readonly enhanced?: string;
  /** The words, lines joined by a space, without the codes; at most 1,000 characters. */
  readonly text: string;
}

/** A server may say more; nobody reads more, and every event keeps a copy. */
const TEXT_CHARACTERS_MAX = 1000;

/** Reads the lines of a reply (`550-5.1.1 no such\n550 5.1.1 user`). Undefined where it does not begin with a code. */
export function parseReply(lines: string): Reply | undefined {
  const code = /^([2-5]\d\d)(?:[ \-\r\n]|$)/.exec(lines)?.[1];
  if (code === undefined) return undefined;
  let enhanced: string | undefined;
  const words = lines
    .slice(0, TEXT_CHARACTERS_MAX * 4)
    .split(/\r?\n/)
    .map((line) => {
      const match = /^(?:\d{3}(?:[ -]|$))?(?:([245]\.\d{1,3}\.\d{1,3})(?:\s+|$))?(.*)$/s.exec(line);
      enhanced ??= match?.[1];
      return match?.[2]?.trim() ?? '';
    });
  const text = words
    .filter((line) => line !== '')
    .join(' ')

    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .slice(0, TEXT_CHARACTERS_MAX);
  // RFC 2034 section 4: the class of the enhanced code must be the first digit of the reply code.
  if (enhanced !== undefined && !enhanced.startsWith(code.charAt(0))) enhanced = undefined;
  return enhanced === undefined ? { code: Number(code), text } : { code: Number(code), enhanced, text };
}

/** The reply as one line, as the server would have said it. */
export function formatReply(reply: Reply): string {
  return [String(reply.code), reply.enhanced, reply.text].filter((part) => part !== undefined && part !== '').join(' ');
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

/**
 * How long the reply asks us to wait ("try again in 300 seconds", "retry after 5 minutes"), in milliseconds;
 * undefined where it names no time. The caller bounds it.
 */
export function requestedWaitMs(reply: Reply): number | undefined {
  const match =
    /\b(?:in|after|for|within|wait)\s+(?:about\s+)?(\d{1,6})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b/i.exec(
      reply.text,
    );
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2].charAt(0).toLowerCase()] ?? 0);
}
