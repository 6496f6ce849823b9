/**
 * Finds mail addresses in a line of text. By hand rather than by regular expression: every character is looked at a
 * bounded number of times, whatever the line. RFC 5321 section 4.1.2, RFC 6531 for other letters than ASCII's.
 */

export interface FoundAddress {
  readonly address: string;
  /** Where it starts and ends in the line, without brackets and quotes. */
  readonly start: number;
  readonly end: number;
}

// RFC 5321 section 4.5.3.1; a margin for programs that write longer ones.
const LOCAL_PART_MAX = 128;
const DOMAIN_MAX = 255;
const ADDRESSES_PER_LINE_MAX = 50;
const FIELD_CHARACTERS_MAX = 32 * 1024;

const isAsciiLocal = (char: string): boolean => /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]/.test(char);
// Letters of scripts that are written without spaces would glue the words before an address to it.
const isOtherLetter = (char: string): boolean =>
  char > '\u00a0' && !/[\u2000-\u206f\u3000-\u9fff\uac00-\ud7ff\uff00-\uffff]/.test(char);
const isLocal = (char: string): boolean => isAsciiLocal(char) || isOtherLetter(char);
const isDomain = (char: string): boolean => /[A-Za-z0-9._-]/.test(char) || isOtherLetter(char);

export function findAddresses(line: string): FoundAddress[] {
  const found: FoundAddress[] = [];
  let from = 0;
  for (let at = line.indexOf('@'); at !== -1 && found.length < ADDRESSES_PER_LINE_MAX; at = line.indexOf('@', at + 1)) {
    const start = startOfLocalPart(line, at, from);
    const end = endOfDomain(line, at);
    const domain = line.slice(at + 1, end);
    if (
      start === at ||
      line[start - 1] === '/' ||
      !isPlausibleDomain(domain, line[start - 1] === '<') ||
      isInUrl(line, start)
    )
      continue;
    found.push({ address: line.slice(start, end), start, end });
    from = end;
  }
  return found;
}

/** Those of a header field or a loose list, without repeats; of a mailbox with angle brackets, only what stands in them. */
export function addressesIn(value: string): string[] {
  const found = value
    .slice(0, FIELD_CHARACTERS_MAX)
    .split(',')
    .flatMap((mailbox) => {
      const all = findAddresses(mailbox);
      const angled = all.filter(({ start }) => mailbox[start - 1] === '<');
      return (angled.length > 0 ? angled : all).map(({ address }) => address);
    });
  return [...new Set(found)];
}

/** The only address in a header field or a piece of text, or the first of them. */
export function firstAddress(text: string): string | undefined {
  return findAddresses(text.slice(0, 2_000))[0]?.address;
}

export function localPartOf(address: string): string {
  return address.slice(0, address.lastIndexOf('@'));
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

function startOfLocalPart(line: string, at: number, from: number): number {
  if (line[at - 1] === '"') {
    const open = line.lastIndexOf('"', at - 2);
    if (open >= from && at - open <= 66) return open;
  }
  let start = at;
  while (start > from && at - start < LOCAL_PART_MAX && isLocal(line[start - 1]!)) start -= 1;
  // An encoded word where an address should be: RFC 2047 forbids it, and programs do it.
  if (line.startsWith('=?', start)) return start;
  // Bullets, quotes and `to=` that stand right before it.
  while (start < at && /['`*.=|!?/{}]/.test(line[start]!)) start += 1;
  const label = /^(?:to|rcpt|recipient|orcpt|user|address)=/i.exec(line.slice(start, at));
  return label ? start + label[0].length : start;
}

function endOfDomain(line: string, at: number): number {
  let end = at + 1;
  if (line[end] === '[') {
    const close = line.indexOf(']', end);
    return close !== -1 && close - end < 60 ? close + 1 : end;
  }
  while (end < line.length && end - at <= DOMAIN_MAX && isDomain(line[end]!)) end += 1;
  while (end > at + 1 && /[._-]/.test(line[end - 1]!)) end -= 1;
  return end;
}

function isPlausibleDomain(domain: string, bracketed: boolean): boolean {
  if (domain.startsWith('[')) return domain.length > 2;
  if (domain === '' || domain.includes('..') || domain.startsWith('.')) return false;
  return domain.includes('.') ? !/\.\d+$/.test(domain) : bracketed;
}

function isInUrl(line: string, start: number): boolean {
  const before = line.slice(Math.max(0, start - 300), start);
  const word = before.slice(Math.max(before.lastIndexOf(' '), before.lastIndexOf('<'), before.lastIndexOf('\t')) + 1);
  return word.includes('://') || /^www\./i.test(word);
}
