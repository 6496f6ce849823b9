/** Whether a report is what SEARCH looks for: RFC 3501 section 6.4.4. */
import { foldForSearch, searchableBody, searchableHeader, type SearchableField } from '../message/search-text.js';
import { readMessageParts } from '../message/message-parts.js';
import { dayOf, sentDay } from './date-time.js';
import type { SearchKey } from './search-keys.js';
import type { NumberedReport, SelectedFolder } from './selected-folder.js';
import { isInSet, resolveSequenceSet, type SequenceSet } from './sequence-set.js';

/** Undefined: the content has to be looked at. */
export type Verdict = boolean | undefined;

/** The keys with what they are compared to worked out once. */
export class ReportJudge {
  private readonly needles = new Map<string, string>();
  private readonly sets = new Map<SequenceSet, SequenceSet>();

  constructor(
    private readonly key: SearchKey,
    private readonly folder: SelectedFolder,
  ) {}

  /** @param content where it has been read */
  judge(numbered: NumberedReport, content?: Buffer): Verdict {
    return this.verdict(this.key, numbered, content && new SearchedMessage(content));
  }

  private verdict(key: SearchKey, numbered: NumberedReport, message: SearchedMessage | undefined): Verdict {
    const { number, report } = numbered;
    switch (key.kind) {
      case 'all':
        return true;
      case 'recent':
        return this.folder.isRecent(report);
      case 'flag': {
        const wanted = key.flag.toLowerCase();
        return report.flags.some((flag) => flag.toLowerCase() === wanted);
      }
      case 'numbers':
        return isInSet(this.resolved(key.set, this.folder.reports.length), number);
      case 'uids':
        return isInSet(this.resolved(key.set, this.folder.lastUid), report.uid);
      case 'day':
        return key.of === 'internal' ? compares(key, dayOf(report.at)) : message?.wasSent(key);
      case 'larger':
        return report.octets > key.octets;
      case 'smaller':
        return report.octets < key.octets;
      case 'header':
        return message?.hasField(key.field, this.needle(key.text));
      case 'body':
        return message?.hasInBody(this.needle(key.text));
      case 'text':
        return message && (message.hasInHeader(this.needle(key.text)) || message.hasInBody(this.needle(key.text)));
      case 'not':
        return negated(this.verdict(key.key, numbered, message));
      case 'and':
        return this.every(key.keys, numbered, message);
      default:
        return key satisfies never;
    }
  }

  /** False as soon as one is, also where others are not known. */
  private every(keys: readonly SearchKey[], numbered: NumberedReport, message: SearchedMessage | undefined): Verdict {
    let all: Verdict = true;
    for (const key of keys) {
      const verdict = this.verdict(key, numbered, message);
      if (verdict === false) return false;
      if (verdict === undefined) all = undefined;
    }
    return all;
  }

  private needle(text: string): string {
    const known = this.needles.get(text) ?? foldForSearch(text);
    this.needles.set(text, known);
    return known;
  }

  private resolved(set: SequenceSet, last: number): SequenceSet {
    const known = this.sets.get(set) ?? resolveSequenceSet(set, last);
    this.sets.set(set, known);
    return known;
  }
}

type DayKey = Extract<SearchKey, { kind: 'day' }>;

/** What is looked at is decoded and folded once, however many keys ask for it. */
class SearchedMessage {
  private readonly foldedFields = new Map<string, readonly string[]>();
  private foldedHeader: readonly string[] | undefined;
  private foldedBody: readonly string[] | undefined;

  constructor(private readonly raw: Buffer) {}

  hasField(wanted: string, needle: string): boolean {
    const texts = this.foldedFields.get(wanted) ?? this.fields(wanted).map(({ text }) => foldForSearch(text));
    this.foldedFields.set(wanted, texts);
    return texts.some((text) => text.includes(needle));
  }

  /** The names of the fields are part of it. */
  hasInHeader(needle: string): boolean {
    this.foldedHeader ??= this.fields().map(({ name, text }) => foldForSearch(`${name}: ${text}`));
    return this.foldedHeader.some((text) => text.includes(needle));
  }

  hasInBody(needle: string): boolean {
    this.foldedBody ??= Array.from(searchableBody(this.raw, readMessageParts(this.raw)), foldForSearch);
    return needle === '' || this.foldedBody.some((text) => text.includes(needle));
  }

  wasSent(key: DayKey): boolean {
    const [date] = this.fields('date');
    const day = date && sentDay(date.text);
    return day !== undefined && compares(key, day);
  }

  /** Those of this name, or all. */
  private fields(wanted?: string): readonly SearchableField[] {
    const whole = { start: 0, bodyStart: this.raw.length };
    return searchableHeader(this.raw, whole, (name) => wanted === undefined || name === wanted);
  }
}

function compares({ relation, day }: DayKey, found: number): boolean {
  switch (relation) {
    case 'before':
      return found < day;
    case 'on':
      return found === day;
    case 'since':
      return found >= day;
    default:
      return relation satisfies never;
  }
}

function negated(verdict: Verdict): Verdict {
  return verdict === undefined ? undefined : !verdict;
}
