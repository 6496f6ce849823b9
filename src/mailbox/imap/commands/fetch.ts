/** RFC 3501 section 6.4.5. */
import type { ArgumentReader } from '../argument-reader.js';
import { ok, REFUSED, type Completion } from '../completion.js';
import { readFetchItems, type FetchItem } from '../fetch-items.js';
import { answerFetch } from '../fetch-answer.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { readSequenceSet, reportsNamed, type NamedBy } from '../named-reports.js';
import type { NumberedReport } from '../selected-folder.js';

export const fetch: ImapCommand = {
  name: 'FETCH',
  state: 'selected',
  tells: 'all but expunges',
  run: (session, args) => fetchReports(session, args, 'numbers'),
};

export const uidFetch: ImapCommand = {
  name: 'UID FETCH',
  state: 'selected',
  tells: 'all',
  run: (session, args) => fetchReports(session, args, 'uids'),
};

async function fetchReports(session: CommandSession, args: ArgumentReader, by: NamedBy): Promise<Completion> {
  args.space();
  const set = readSequenceSet(args);
  args.space();
  const items = readFetchItems(args);
  args.end();
  // Who asks for flags after another session was told OK wants those.
  await session.tellChanges({ mayExpunge: false });
  const { folder, room } = session;
  const named = reportsNamed(folder, set, by);
  if (!named) return REFUSED.notSoMany;
  // Section 6.4.8: a UID FETCH tells the uid whether it was asked for or not.
  const asked: FetchItem[] = by === 'uids' ? [{ kind: 'UID' }, ...items.filter(({ kind }) => kind !== 'UID')] : items;
  if (!asked.some(needsContent)) {
    for (const { number, report } of named) {
      await session.say(answerFetch({ number, report, flags: folder.flagsOf(report) }, asked, undefined).join(''));
    }
    return ok('FETCH completed');
  }
  let found = 0;
  for (const group of room.inGroups(named)) {
    found += await room.withRoomFor(group, session.connection, () => answerGroup(session, group, asked));
  }
  return found < named.length && by === 'numbers' ? REFUSED.someGone : ok('FETCH completed');
}

function needsContent(item: FetchItem): boolean {
  return item.kind === 'ENVELOPE' || item.kind === 'structure' || item.kind === 'section';
}

/** How many of them were there. */
async function answerGroup(
  session: CommandSession,
  group: readonly NumberedReport[],
  items: readonly FetchItem[],
): Promise<number> {
  const { folder, mailbox } = session;
  const contents = await mailbox.contents(group.map(({ report }) => report));
  const seen = await markSeen(
    session,
    group.filter(({ report }) => contents.has(report.uid)),
    items,
  );
  for (const { number, report: was } of group) {
    const content = contents.get(was.uid);
    if (!content) continue;
    const report = folder.reports[number - 1] ?? was;
    const tellsFlags = seen.has(was.uid) && !items.some(({ kind }) => kind === 'FLAGS');
    const told: readonly FetchItem[] = tellsFlags ? [{ kind: 'FLAGS' }, ...items] : items;
    for (const piece of answerFetch({ number, report, flags: folder.flagsOf(report) }, told, content)) {
      await session.say(piece);
    }
  }
  return contents.size;
}

/** The uids of those that are seen for the first time, and are marked so. */
async function markSeen(
  session: CommandSession,
  group: readonly NumberedReport[],
  items: readonly FetchItem[],
): Promise<ReadonlySet<number>> {
  const { folder, mailbox } = session;
  const marks = items.some((item) => item.kind === 'section' && item.marksSeen);
  if (!marks || folder.readOnly || !session.mayWrite) return new Set();
  const unseen = group.filter(({ report }) => !report.flags.includes('\\Seen')).map(({ report }) => report.uid);
  if (unseen.length === 0) return new Set();
  try {
    await mailbox.changeFlags(unseen, 'add', ['\\Seen']);
  } catch (error) {
    // A Redis that is full can still be read, and that is when people want to.
    session.access.failed(error, 'imap');
    return new Set();
  }
  const uids = new Set(unseen);
  folder.acknowledge(uids, mailbox.folder(folder.name));
  // Others may have set keywords on them, which are told with the flags.
  await session.tellKeywords();
  return uids;
}
