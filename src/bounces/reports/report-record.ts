/**
 * How a report stands in the list: `uid at stored octets kind category message place flags`, a space between any two; none of
 * them holds one but the flags, which come last. `stored` is the bytes of its content in Redis, place `a` the archive.
 * One string for each, because a mailbox of thousands is read in one go.
 */
import type { Category } from '../../mail/classification.js';
import type { StoredReport } from './report-mailbox.js';
import type { Report, ReportKind } from './reports.js';

const HEAD_FIELDS = 8;
/** Distinct sets of flags that are kept; people use a handful. */
const FLAG_SETS_MAX = 10_000;

/** What follows `stored`, of a report that is new. */
export function recordTail({ content, kind, category, messageId }: Report): string {
  return `${String(content.length)} ${kind} ${category ?? ''} ${messageId ?? ''}  `;
}

/** Reads records; the same flags become the same frozen array, so that a report costs little memory. */
export class RecordReader {
  private readonly flagSets = new Map<string, readonly string[]>([['', Object.freeze([])]]);

  read(record: string): StoredReport {
    // Not taken apart by a pattern of names, which costs as much as all the rest.
    const fields = record.split(' ');
    const category = fields[5];
    const messageId = fields[6];
    return {
      kind: fields[4] as ReportKind,
      archived: fields[7] === 'a',
      uid: Number(fields[0]),
      category: category === '' ? undefined : (category as Category),
      messageId: messageId === '' ? undefined : messageId,
      at: Number(fields[1]),
      octets: Number(fields[3]),
      flags: this.flagSet(
        fields.length === HEAD_FIELDS + 1 ? (fields[HEAD_FIELDS] ?? '') : fields.slice(HEAD_FIELDS).join(' '),
      ),
    };
  }

  private flagSet(text: string): readonly string[] {
    const known = this.flagSets.get(text);
    if (known) return known;
    if (this.flagSets.size >= FLAG_SETS_MAX) this.flagSets.clear();
    const flags = Object.freeze(text === '' ? [] : text.split(' '));
    this.flagSets.set(text, flags);
    return flags;
  }
}
