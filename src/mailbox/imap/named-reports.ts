/** Which reports of the selected folder a sequence set names: RFC 3501 sections 2.3.1 and 6.4.8. */
import type { ArgumentReader } from './argument-reader.js';
import type { NumberedReport, SelectedFolder } from './selected-folder.js';
import { highestNamed, parseSequenceSet, resolveSequenceSet, type SequenceSet } from './sequence-set.js';

export function readSequenceSet(args: ArgumentReader): SequenceSet {
  const text = args.sequence();
  const set = text === undefined ? undefined : parseSequenceSet(text);
  if (!set) throw args.fault('a set such as 1:3,5,8:* before this');
  return set;
}

/** How a command names reports: `UID FETCH` by their uids, `FETCH` by their numbers. */
export type NamedBy = 'numbers' | 'uids';

/** Undefined where a number is named that the client cannot know: that is `REFUSED.notSoMany`. */
export function reportsNamed(folder: SelectedFolder, set: SequenceSet, by: NamedBy): NumberedReport[] | undefined {
  return by === 'uids' ? reportsInUids(folder, set) : reportsInNumbers(folder, set);
}

/** By message number. */
function reportsInNumbers({ reports }: SelectedFolder, set: SequenceSet): NumberedReport[] | undefined {
  if (highestNamed(set) > reports.length && reports.length > 0) return undefined;
  return resolveSequenceSet(set, reports.length).flatMap(([from, to]) =>
    reports.slice(from - 1, to).map((report, index) => ({ number: from + index, report })),
  );
}

/** By uid; what is named and not there is passed over. */
export function reportsInUids({ reports, lastUid }: SelectedFolder, set: SequenceSet): NumberedReport[] {
  const ranges = resolveSequenceSet(set, lastUid);
  const named: NumberedReport[] = [];
  let range = 0;
  for (const [index, report] of reports.entries()) {
    while ((ranges[range]?.[1] ?? Infinity) < report.uid) range++;
    const current = ranges[range];
    if (!current) break;
    if (current[0] <= report.uid) named.push({ number: index + 1, report });
  }
  return named;
}
