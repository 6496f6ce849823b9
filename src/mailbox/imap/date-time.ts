/** Dates as IMAP writes them: RFC 3501 section 9, `date-time` and `date`. All in UTC. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DATE = /^"?(\d{1,2})-([A-Za-z]{3})-(\d{4})"?$/;
const DAY_MS = 86_400_000;

/** INTERNALDATE, with its quotes. */
export function formatDateTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  const day = String(date.getUTCDate()).padStart(2, ' ');
  return `"${day}-${MONTHS[date.getUTCMonth()] ?? ''}-${date.getUTCFullYear()} ${time} +0000"`;
}

/** The day of a `date`, as `dayOf` counts; undefined where there is no such day. */
export function parseDay(text: string): number | undefined {
  const [, day = '', month = '', year = ''] = DATE.exec(text) ?? [];
  const index = MONTHS.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  const ms = Date.UTC(Number(year), index, Number(day));
  if (index === -1 || new Date(ms).getUTCDate() !== Number(day)) return undefined;
  return dayOf(ms);
}

/** Days since the epoch. */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** The day that a Date field names, whatever its time and zone (RFC 3501 section 6.4.4, SENTON); undefined where none. */
export function sentDay(field: string): number | undefined {
  const [, day, month, year = ''] = /(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{2,4})/.exec(field) ?? [];
  if (day === undefined) return undefined;
  // RFC 5322 section 4.3.
  const fourDigits =
    year.length === 4 ? year : String(Number(year) + (year.length === 2 && Number(year) < 50 ? 2000 : 1900));
  return parseDay(`${day}-${month}-${fourDigits}`);
}
